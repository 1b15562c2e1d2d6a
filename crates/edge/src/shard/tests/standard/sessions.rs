//! Who may come, what is kept for them, and for how long.

use super::*;

/// Comes back to its session within the hour.
fn staying<'a>(version: Version, client_id: &'a str, block: &'a PropertiesBuf) -> Connect<'a> {
    let properties = block.as_properties();
    Connect { clean_start: false, properties, ..speaking(version, client_id) }
}

fn an_hour() -> PropertiesBuf {
    properties(&[Property::SessionExpiry(3_600)])
}

//= mqtt-v5 MQTT-3.1.2-5, MQTT-3.1.2-6, MQTT-3.1.2-23, MQTT-3.2.2-3, MQTT-4.1.0-1, MQTT-4.5.0-1 test
//= mqtt-v311 MQTT-3.1.2-4, MQTT-3.1.2-5, MQTT-3.2.2-2, MQTT-3.2.2-3, MQTT-4.1.0-1, MQTT-4.5.0-1 test
#[test]
fn a_session_that_stays_keeps_filters_and_messages_above_qos_0() {
    let block = an_hour();
    for version in [V3, V5] {
        let mut world = World::new(1);
        let anna = world.connect(&staying(version, "anna", &block));
        world.shows(anna, version, &expect!["CONNACK Success present=false"]);
        world.listens(anna, version, "a", options(Qos::ExactlyOnce));
        world.says_goodbye(anna, version);
        let bo = world.enters(&client("bo"));
        for (payload, qos, id) in
            [("1", Qos::AtLeastOnce, 1), ("2", Qos::AtMostOnce, 0), ("3", Qos::ExactlyOnce, 2)]
        {
            world.publish(bo, "a", payload, (qos, id));
        }
        let anna = world.connect(&staying(version, "anna", &block));
        world.publish(bo, "a", "4", (Qos::AtMostOnce, 0));
        world.shows(
            anna,
            version,
            &expect![[r#"
                CONNACK Success present=true
                PUBLISH a 4 AtMostOnce
                PUBLISH a 1 AtLeastOnce
                PUBLISH a 3 ExactlyOnce"#]],
        );
    }
}

//= mqtt-v5 MQTT-3.1.2-4, MQTT-3.1.4-4, MQTT-3.2.2-2 test
//= mqtt-v311 MQTT-3.1.2-6, MQTT-3.1.4-3, MQTT-3.2.2-1 test
#[test]
fn a_clean_start_leaves_nothing_of_the_session_before() {
    let block = an_hour();
    for version in [V3, V5] {
        let mut world = World::new(1);
        let anna = world.enters(&staying(version, "anna", &block));
        world.listens(anna, version, "a", options(Qos::AtLeastOnce));
        world.lose(anna);
        let bo = world.enters(&client("bo"));
        world.publish(bo, "a", "1", (Qos::AtLeastOnce, 1));
        let clean = world.connect(&speaking(version, "anna"));
        world.publish(bo, "a", "2", (Qos::AtLeastOnce, 2));
        world.shows(clean, version, &expect!["CONNACK Success present=false"]);
        world.lose(clean);
        let again = world.connect(&staying(version, "anna", &block));
        world.shows(again, version, &expect!["CONNACK Success present=false"]);
    }
}

//= mqtt-v5 MQTT-4.1.0-2 test
//= mqtt-v311 MQTT-4.1.0-2 test
#[test]
fn a_session_ends_with_its_expiry_and_not_while_it_is_connected() {
    let short = properties(&[Property::SessionExpiry(5)]);
    let mut world = World::new(1);
    let anna = world.enters(&staying(V5, "anna", &short));
    world.listens(anna, V5, "a", options(Qos::AtLeastOnce));
    let old = world.enters(&speaking(V3, "old"));
    world.listens(old, V3, "a", options(Qos::AtMostOnce));
    world.later(1_000);
    let bo = world.enters(&client("bo"));
    world.publish(bo, "a", "1", (Qos::AtMostOnce, 0));
    world.shows(anna, V5, &expect!["PUBLISH a 1 AtMostOnce"]);
    world.shows(old, V3, &expect!["PUBLISH a 1 AtMostOnce"]);
    world.lose(anna);
    world.later(11);
    let again = world.connect(&staying(V5, "anna", &short));
    world.shows(again, V5, &expect!["CONNACK Success present=false"]);
}

//= mqtt-v5 MQTT-4.1.0-2 test
#[test]
fn a_session_is_over_to_the_second_for_a_client_that_is_back() {
    let short = properties(&[Property::SessionExpiry(1)]);
    let mut world = World::new(1);
    world.later(5);
    let anna = world.enters(&staying(V5, "anna", &short));
    world.lose(anna);
    world.later(2);
    let again = world.connect(&staying(V5, "anna", &short));
    world.shows(again, V5, &expect!["CONNACK Success present=false"]);
}

//= mqtt-v5 MQTT-3.1.3-6, MQTT-3.1.3-7, MQTT-3.2.2-16 test
//= mqtt-v311 MQTT-3.1.3-6 test
#[test]
fn clients_without_a_name_get_one_each() {
    let mut world = World::new(2);
    let (mut told, mut names) = (Vec::new(), Vec::new());
    for version in [V5, V5, V3, V3] {
        let at = world.connect(&speaking(version, ""));
        let shard = &mut world.shards[at.shard];
        let key = shard.session_key(at.key).unwrap();
        names.push(shard.sessions.get(key).unwrap().client().to_string());
        let bytes = shard.take_output(at.key, usize::MAX).unwrap();
        let (packet, _) = decode(&bytes, version, 1 << 20).unwrap().unwrap();
        let Packet::ConnAck(connack) = packet else { panic!("{packet:?}") };
        for property in connack.properties.iter() {
            if let Property::AssignedClientId(name) = property {
                told.push(name.to_owned());
            }
        }
    }
    assert_eq!(told, names[..2], "MQTT 5 tells the name");
    names.sort();
    names.dedup();
    assert!(names.len() == 4 && names.iter().all(|name| !name.is_empty()), "{names:?}");
}

//= mqtt-v5 MQTT-3.1.3-2, MQTT-3.1.3-5 test
//= mqtt-v311 MQTT-3.1.3-2, MQTT-3.1.3-5 test
#[test]
fn every_name_of_digits_and_latin_letters_is_taken() {
    let letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let block = an_hour();
    for version in [V3, V5] {
        let mut world = World::new(1);
        for length in 1..=23 {
            for start in [0, 20, letters.len() - length] {
                let name = letters.get(start..start + length).unwrap();
                let at = world.connect(&staying(version, name, &block));
                world.shows(at, version, &expect!["CONNACK Success present=false"]);
            }
        }
    }
}

//= mqtt-v5 MQTT-3.1.4-2, MQTT-3.1.4-6, MQTT-3.2.2-7, MQTT-4.13.2-1 test
//= mqtt-v311 MQTT-3.1.4-5, MQTT-3.2.2-5 test
#[test]
fn nothing_behind_a_refused_connect_counts() {
    for version in [V3, V5] {
        let mut world = World::new(1);
        let bo = world.enters(&client("bo"));
        world.listens(bo, V5, "#", options(Qos::AtMostOnce));
        world.shards[0].common.limits.anonymous = false;
        let mut bytes = Vec::new();
        speaking(version, "anna").encode(&mut bytes).unwrap();
        let block = PropertiesBuf::default();
        message("a", "1", (Qos::AtMostOnce, 0), &block).encode(version, &mut bytes).unwrap();
        let anna = world.open();
        world.gives(anna, &bytes);
        world.shows(anna, version, &expect!["CONNACK NotAuthorized present=false"]);
        world.shows(bo, V5, &expect![""]);
        assert!(world.shards[0].is_finished(anna.key));
    }
}

//= mqtt-v5 MQTT-3.1.4-3, MQTT-3.1.4-5, MQTT-3.14.4-2 test
//= mqtt-v311 MQTT-3.1.4-2, MQTT-3.1.4-4 test
#[test]
fn a_second_connection_of_a_client_closes_the_first() {
    for (version, expected) in [(V3, expect![""]), (V5, expect!["DISCONNECT SessionTakenOver"])] {
        let mut world = World::new(1);
        let first = world.enters(&speaking(version, "anna"));
        let second = world.connect(&speaking(version, "anna"));
        world.shows(first, version, &expected);
        assert!(world.shards[0].is_finished(first.key));
        world.shows(second, version, &expect!["CONNACK Success present=false"]);
        assert!(!world.shards[0].is_finished(second.key));
    }
}

//= mqtt-v5 MQTT-3.1.2-6, MQTT-4.1.0-2 test
//= mqtt-v311 MQTT-3.1.2-6 test
#[test]
fn a_session_that_ends_with_its_connection_is_not_taken_over() {
    let block = an_hour();
    for version in [V3, V5] {
        let mut world = World::new(1);
        let first = world.enters(&speaking(version, "anna"));
        world.listens(first, version, "a", options(Qos::AtLeastOnce));
        let second = world.connect(&staying(version, "anna", &block));
        let bo = world.enters(&client("bo"));
        world.publish(bo, "a", "1", (Qos::AtLeastOnce, 1));
        world.shows(second, version, &expect!["CONNACK Success present=false"]);
        let third = world.connect(&staying(version, "anna", &block));
        world.shows(third, version, &expect!["CONNACK Success present=true"]);
    }
}

//= mqtt-v5 MQTT-3.1.4-1, MQTT-4.13.1-1 test
//= mqtt-v311 MQTT-3.1.2-1, MQTT-3.1.4-1, MQTT-4.8.0-1 test
#[test]
fn what_is_no_connect_closes_the_connection() {
    for bytes in [
        &b"\x10\x0d\x00\x04MQTX\x04\x02\x00\x3c\x00\x01a"[..],
        b"\x10\x0d\x00\x04MQTT\x04\x03\x00\x3c\x00\x01a",
        b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a\x00",
        b"\x10\x0e\x00\x04MQTT\x05\x01\x00\x3c\x00\x00\x01a",
        b"\xC0\x00",
    ] {
        let mut world = World::new(1);
        let at = world.open();
        world.gives(at, bytes);
        world.shows(at, V3, &expect![""]);
        assert!(world.shards[0].is_finished(at.key), "{bytes:x?}");
    }
}

//= mqtt-v5 MQTT-4.2.0-1 test
//= mqtt-v311 MQTT-7.1.1-1 test
#[test]
fn packets_may_come_in_pieces_of_any_size() {
    let mut bytes = Vec::new();
    client("anna").encode(&mut bytes).unwrap();
    let block = properties(&[Property::User("k", "v")]);
    for id in 1..=2 {
        message("a", "1", (Qos::AtLeastOnce, id), &block).encode(V5, &mut bytes).unwrap();
    }
    for size in 1..=bytes.len() {
        let mut world = World::new(1);
        let anna = world.open();
        bytes.chunks(size).for_each(|piece| world.gives(anna, piece));
        world.commit();
        let heard = world.hears(anna, V5);
        assert_eq!(heard, "CONNACK Success present=false\nPubAck 1 Success\nPubAck 2 Success");
    }
}
