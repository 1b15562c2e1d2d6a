//! Messages on their way through: order, handshakes, properties.

use super::*;

//= mqtt-v5 MQTT-4.6.0-5, MQTT-4.6.0-6 test
//= mqtt-v311 MQTT-4.6.0-5, MQTT-4.6.0-6 test
#[test]
fn messages_arrive_in_the_order_in_which_they_were_published() {
    for version in [V3, V5] {
        for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
            let mut world = World::new(1);
            let bo = world.enters(&client("bo"));
            let anna = world.enters(&speaking(version, "anna"));
            world.listens(anna, version, "#", options(Qos::ExactlyOnce));
            for number in 1..=200_u16 {
                let id = if qos == Qos::AtMostOnce { 0 } else { number };
                world.publish(bo, "a", &number.to_string(), (qos, id));
            }
            let wanted = (1..=200).map(|number| format!("PUBLISH a {number} {qos:?}"));
            assert_eq!(world.hears(anna, version), wanted.collect::<Vec<_>>().join("\n"));
        }
    }
}

//= mqtt-v5 MQTT-3.3.1-3, MQTT-4.3.2-4, MQTT-4.3.2-5 test
//= mqtt-v311 MQTT-3.3.1-3, MQTT-4.3.2-2 test
#[test]
fn a_repetition_by_its_publisher_is_a_first_one_to_its_subscribers() {
    for version in [V3, V5] {
        let mut world = World::new(1);
        let (anna, bo) = (world.enters(&client("anna")), world.enters(&speaking(version, "bo")));
        world.listens(anna, V5, "a", options(Qos::AtLeastOnce));
        let block = PropertiesBuf::default();
        let first = message("a", "1", (Qos::AtLeastOnce, 5), &block);
        for dup in [false, true] {
            world.tells(bo, version, &Packet::Publish(Publish { dup, ..first }));
            world.commit();
        }
        world.shows(
            bo,
            version,
            &expect![[r#"
            PubAck 5 Success
            PubAck 5 Success"#]],
        );
        world.shows(
            anna,
            V5,
            &expect![[r#"
            PUBLISH a 1 AtLeastOnce
            PUBLISH a 1 AtLeastOnce"#]],
        );
    }
}

//= mqtt-v5 MQTT-4.3.3-9 test
//= mqtt-v311 MQTT-3.3.5-2, MQTT-4.8.0-2 test
#[test]
fn a_message_that_cannot_be_taken_is_refused_and_its_packet_id_is_free() {
    let large = "x".repeat(journal::RECORD_BYTES_MAX);
    let block = PropertiesBuf::default();
    for version in [V3, V5] {
        let mut world = World::new(1);
        world.shards[0].common.limits.packet_bytes_max = 1 << 27;
        let bo = world.enters(&speaking(version, "bo"));
        for (payload, expected) in
            [(large.as_str(), "PubRec 5 QuotaExceeded"), ("small", "PubRec 5 Success")]
        {
            let publish = message("a", payload, (Qos::ExactlyOnce, 5), &block);
            world.tells(bo, version, &Packet::Publish(publish));
            world.commit();
            let wanted = if version == V5 { expected } else { "" };
            assert_eq!(world.hears(bo, version), wanted);
        }
        assert_eq!(world.shards[0].is_finished(bo.key), version == V3);
    }
}

//= mqtt-v5 MQTT-2.2.1-5, MQTT-3.3.4-1, MQTT-4.6.0-2, MQTT-4.6.0-3 test
//= mqtt-v311 MQTT-2.3.1-6, MQTT-3.3.4-1, MQTT-4.6.0-2, MQTT-4.6.0-3 test
#[test]
fn acknowledgements_have_the_order_of_their_messages() {
    let block = PropertiesBuf::default();
    for version in [V3, V5] {
        let mut world = World::new(1);
        let bo = world.enters(&speaking(version, "bo"));
        for (qos, id) in [
            (Qos::AtLeastOnce, 9),
            (Qos::ExactlyOnce, 3),
            (Qos::AtLeastOnce, 2),
            (Qos::AtMostOnce, 0),
            (Qos::ExactlyOnce, 1),
        ] {
            world.tells(bo, version, &Packet::Publish(message("a", "1", (qos, id), &block)));
        }
        world.commit();
        world.shows(
            bo,
            version,
            &expect![[r#"
            PubAck 9 Success
            PubRec 3 Success
            PubAck 2 Success
            PubRec 1 Success"#]],
        );
    }
}

//= mqtt-v5 MQTT-3.3.2-4, MQTT-3.3.2-15, MQTT-3.3.2-16, MQTT-3.3.2-17, MQTT-3.3.2-18 test
//= mqtt-v5 MQTT-3.3.2-20, MQTT-3.1.2-26, MQTT-3.1.2-27, MQTT-3.3.2-11 test
#[test]
fn properties_reach_a_subscriber_unaltered_and_aliases_do_not() {
    let mut world = World::new(1);
    let aliases = properties(&[Property::TopicAliasMaximum(9)]);
    let takes_aliases = Connect { properties: aliases.as_properties(), ..client("anna") };
    let (anna, cleo) = (world.enters(&takes_aliases), world.enters(&client("cleo")));
    world.listens(anna, V5, "a", options(Qos::AtMostOnce));
    world.listens(cleo, V5, "a", options(Qos::AtMostOnce));
    let bo = world.enters(&client("bo"));
    let block = properties(&[
        Property::User("b", "1"),
        Property::ContentType("text/csv"),
        Property::TopicAlias(3.try_into().unwrap()),
        Property::User("a", "2"),
        Property::PayloadIsText(true),
        Property::ResponseTopic("answers"),
        Property::CorrelationData(&[0, 255]),
        Property::User("b", "1"),
    ]);
    let first = message("a", "1", (Qos::AtMostOnce, 0), &block);
    world.tells(bo, V5, &Packet::Publish(first));
    let heard = world.hears(anna, V5);
    expect![[r#"
        PUBLISH a 1 AtMostOnce User("b", "1")
        ContentType("text/csv")
        User("a", "2")
        PayloadIsText(true)
        ResponseTopic("answers")
        CorrelationData([0, 255])
        User("b", "1")"#]]
    .assert_eq(&heard.replace(") ", ")\n"));
    assert_eq!(world.hears(cleo, V5), heard);
    world.tells(bo, V5, &Packet::Publish(Publish { topic: "", ..first }));
    assert_eq!(world.hears(anna, V5), heard, "the alias stood for the topic");
}

//= mqtt-v5 MQTT-3.3.4-10, MQTT-4.9.0-1, MQTT-4.9.0-2, MQTT-4.9.0-3 test
#[test]
fn a_full_window_holds_back_messages_and_nothing_else() {
    let mut world = World::new(1);
    let narrow = properties(&[Property::ReceiveMaximum(1.try_into().unwrap())]);
    let anna = world.enters(&Connect { properties: narrow.as_properties(), ..client("anna") });
    let bo = world.enters(&client("bo"));
    world.listens(anna, V5, "a", options(Qos::AtLeastOnce));
    world.publish(bo, "a", "1", (Qos::AtLeastOnce, 1));
    world.publish(bo, "a", "2", (Qos::AtLeastOnce, 2));
    world.tells(anna, V5, &Packet::PingReq);
    world.asks(anna, V5, &[("b", options(Qos::AtMostOnce))]);
    world.publish(anna, "c", "1", (Qos::AtLeastOnce, 7));
    world.commit();
    world.shows(
        anna,
        V5,
        &expect![[r#"
        PUBLISH a 1 AtLeastOnce
        PingResp
        SubAck 9 [Success]
        PubAck 7 Success"#]],
    );
    world.tells(anna, V5, &Packet::PubAck(ack(1, Reason::Success)));
    world.shows(anna, V5, &expect!["PUBLISH a 2 AtLeastOnce"]);
}
