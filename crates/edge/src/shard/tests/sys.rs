//! What the broker says of itself.

use mqtt::{Publish, PublishProperties};

use super::*;

const EVERY: u64 = 10;

fn telling(payload: &str, heard: &[String]) -> usize {
    heard.iter().filter(|line| line.contains(payload)).count()
}

fn value(heard: &[String], topic: &str) -> String {
    let start = format!("PUBLISH {topic} ");
    let found = heard.iter().rev().find_map(|line| line.strip_prefix(&start));
    found.unwrap_or_else(|| panic!("{topic} in {heard:?}")).to_owned()
}

#[test]
fn a_subscriber_is_greeted_and_told_every_interval() {
    let mut world = World::new(1);
    let anna = world.connect(&client("anna"));
    world.subscribe(anna, "$SYS/broker/clients/+", Qos::ExactlyOnce);
    world.heard(anna);
    let bo = world.connect(&client("bo"));
    world.commit();
    world.subscribe(bo, "$SYS/broker/clients/connected", Qos::AtLeastOnce);
    world.check(
        bo,
        &expect![[r#"
            CONNACK Success present=false
            SubAck
            PUBLISH $SYS/broker/clients/connected 2 AtMostOnce retained"#]],
    );
    world.later(EVERY - 1);
    world.check(anna, &expect![""]);
    world.subscribe(bo, "$SYS/broker/uptime", Qos::AtMostOnce);
    world.check(
        bo,
        &expect![[r#"
            SubAck
            PUBLISH $SYS/broker/uptime 9 seconds AtMostOnce retained"#]],
    );
    world.later(1);
    world.check(
        anna,
        &expect![[r#"
            PUBLISH $SYS/broker/clients/total 2 AtMostOnce
            PUBLISH $SYS/broker/clients/connected 2 AtMostOnce
            PUBLISH $SYS/broker/clients/disconnected 0 AtMostOnce
            PUBLISH $SYS/broker/clients/maximum 2 AtMostOnce"#]],
    );
}

//= mqtt-v5 MQTT-4.7.2-1 test
//= mqtt-v311 MQTT-4.7.2-1 test
#[test]
fn a_wildcard_at_the_first_level_does_not_reach_it() {
    let mut world = World::new(1);
    let anna = world.connect(&client("anna"));
    world.subscribe(anna, "#", Qos::AtMostOnce);
    world.subscribe(anna, "+/broker/uptime", Qos::AtMostOnce);
    world.heard(anna);
    world.later(EVERY);
    world.check(anna, &expect![""]);
}

#[test]
fn nothing_of_it_is_written_down_or_kept_for_who_is_away() {
    lasting("anna", |connect| {
        let mut world = World::new(1);
        let anna = world.connect(&connect);
        world.subscribe(anna, "$SYS/#", Qos::ExactlyOnce);
        world.commit();
        let before = world.recorded();
        world.later(EVERY);
        assert!(telling("$SYS/broker/uptime 10 seconds", &world.heard(anna)) == 1);
        world.commit();
        assert_eq!(world.recorded(), before);
        world.lose(anna);
        world.commit();
        world.later(EVERY);
        assert_eq!((world.bodies_waiting("anna"), world.owed("anna")), ((0, 0), 0));
    });
}

#[test]
fn sessions_of_all_shards_hear_and_one_of_a_group() {
    let mut world = World::new(2);
    let mut clients = Vec::new();
    for number in 0..40 {
        clients.push(world.connect(&client(&format!("client-{number}"))));
    }
    assert!(clients.iter().any(|at| at.shard == 0) && clients.iter().any(|at| at.shard == 1));
    for at in clients.clone() {
        world.subscribe(at, "$SYS/broker/version", Qos::AtMostOnce);
        world.subscribe(at, "$share/g/$SYS/broker/uptime", Qos::AtMostOnce);
        world.heard(at);
    }
    world.commit();
    world.later(EVERY);
    let heard: Vec<Vec<String>> = clients.iter().map(|at| world.heard(*at)).collect();
    assert!(heard.iter().all(|lines| telling("$SYS/broker/version althing", lines) == 1));
    assert_eq!(heard.iter().map(|lines| telling("uptime", lines)).sum::<usize>(), 1, "{heard:?}");
}

#[test]
fn counts_and_averages_are_those_of_the_site() {
    let mut world = World::new(1);
    let anna = world.connect(&client("anna"));
    world.subscribe(anna, "$SYS/#", Qos::AtMostOnce);
    world.commit();
    world.later(EVERY);
    world.heard(anna);
    for number in 0..5 {
        world.publish(anna, &format!("kept/{number}"), "1", (Qos::AtMostOnce, 0));
    }
    world.commit();
    world.later(EVERY);
    let heard = world.heard(anna);
    let before: u64 =
        value(&heard, "$SYS/broker/bytes/received").split(' ').next().unwrap().parse().unwrap();
    assert!(before > 5 * 11, "CONNECT, SUBSCRIBE and five messages: {before}");
    // CONNECT and SUBSCRIBE as well.
    assert_eq!(value(&heard, "$SYS/broker/messages/received"), "7 AtMostOnce");
    assert_eq!(value(&heard, "$SYS/broker/publish/messages/received"), "5 AtMostOnce");
    assert_eq!(value(&heard, "$SYS/broker/retained messages/count"), "5 AtMostOnce");
    assert_eq!(value(&heard, "$SYS/broker/subscriptions/count"), "1 AtMostOnce");
    // 5 messages in 10 s are 30 a minute, for the sixth part of one: 30 * (1 - exp(-1/6)).
    assert_eq!(value(&heard, "$SYS/broker/load/publish/received/1min"), "4.61 AtMostOnce");
    assert_eq!(value(&heard, "$SYS/broker/load/publish/received/15min"), "0.33 AtMostOnce");
}

#[test]
fn a_site_that_switches_it_off_says_nothing() {
    let mut world = World::with(1, |limits| limits.sys_interval = Duration::ZERO);
    let anna = world.connect(&client("anna"));
    world.subscribe(anna, "$SYS/#", Qos::AtMostOnce);
    world.later(60);
    world.check(
        anna,
        &expect![[r#"
            CONNACK Success present=false
            SubAck"#]],
    );
}

fn forged(qos: Qos, id: u16) -> Packet<'static> {
    Packet::Publish(Publish {
        dup: false,
        qos,
        retain: true,
        topic: "$SYS/broker/uptime",
        packet_id: id.try_into().ok(),
        properties: PublishProperties::NONE,
        payload: b"0 seconds",
    })
}

//= mqtt-v311 MQTT-3.3.5-2 test
#[test]
fn no_client_speaks_for_the_broker() {
    let mut world = World::new(1);
    let anna = world.connect(&client("anna"));
    world.subscribe(anna, "$SYS/#", Qos::AtMostOnce);
    let bo = world.connect(&client("bo"));
    world.commit();
    let before = world.recorded();
    world.heard(anna);
    world.heard(bo);
    for packet in
        [forged(Qos::AtMostOnce, 0), forged(Qos::AtLeastOnce, 1), forged(Qos::ExactlyOnce, 2)]
    {
        world.send(bo, &packet);
    }
    world.commit();
    let refused = |kind, id| format!("{kind} {id} NotAuthorized");
    assert_eq!(world.reasons(bo), [refused("PubAck", 1), refused("PubRec", 2)]);
    world.check(anna, &expect![""]);
    assert_eq!(world.recorded(), before);
    // The older protocol has no word for it.
    let old = world.connect(&Connect { version: Version::V311, ..client("old") });
    drop(world.shards[0].take_output(old.key, usize::MAX));
    let mut bytes = Vec::new();
    forged(Qos::AtLeastOnce, 1).encode(Version::V311, &mut bytes).unwrap();
    world.shards[0].receive(old.key, &bytes, world.now);
    assert_eq!(world.shards[0].take_output(old.key, usize::MAX), Some(Vec::new()));
    assert!(world.shards[0].is_finished(old.key));
}

#[test]
fn no_client_leaves_a_will_there() {
    let will = Will {
        topic: "$SYS/broker/uptime",
        payload: b"",
        qos: Qos::AtMostOnce,
        retain: false,
        properties: Properties::NONE,
    };
    let mut world = World::new(1);
    let anna = world.connect(&Connect { will: Some(will), ..client("anna") });
    world.check(anna, &expect!["CONNACK NotAuthorized present=false"]);
}
