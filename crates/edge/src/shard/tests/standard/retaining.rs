//! Messages that stay with their topic.

use super::*;

fn kept(topic: &'static str, payload: &'static str, retain: bool) -> Packet<'static> {
    Packet::Publish(Publish {
        dup: false,
        qos: Qos::AtMostOnce,
        retain,
        topic,
        packet_id: None,
        properties: PublishProperties::NONE,
        payload: payload.as_bytes(),
    })
}

//= mqtt-v5 MQTT-3.3.1-5, MQTT-3.3.1-6, MQTT-3.3.1-7, MQTT-3.3.1-8 test
//= mqtt-v311 MQTT-3.3.1-5, MQTT-3.3.1-6, MQTT-3.3.1-7, MQTT-3.3.1-8 test
//= mqtt-v311 MQTT-3.3.1-10, MQTT-3.3.1-11, MQTT-3.3.1-12 test
#[test]
fn the_last_retained_message_of_a_topic_greets_and_an_empty_one_clears() {
    for version in [V3, V5] {
        let mut world = World::new(1);
        let bo = world.enters(&speaking(version, "bo"));
        let early = world.enters(&speaking(version, "early"));
        world.listens(early, version, "t/#", options(Qos::AtMostOnce));
        let mut heard = Vec::new();
        for (payload, retain) in [("1", true), ("2", true), ("3", false), ("", false), ("", true)] {
            world.tells(bo, version, &kept("t/1", payload, retain));
            let late = world.enters(&speaking(version, "late"));
            world.asks(late, version, &[("t/#", options(Qos::AtMostOnce))]);
            let greeting = world.hears(late, version).replace("SubAck 9 [Success]", "late:");
            heard.push(format!("early: {}\n{greeting}", world.hears(early, version)));
        }
        expect![[r#"
            early: PUBLISH t/1 1 AtMostOnce
            late:
            PUBLISH t/1 1 AtMostOnce retained
            early: PUBLISH t/1 2 AtMostOnce
            late:
            PUBLISH t/1 2 AtMostOnce retained
            early: PUBLISH t/1 3 AtMostOnce
            late:
            PUBLISH t/1 2 AtMostOnce retained
            early: PUBLISH t/1  AtMostOnce
            late:
            PUBLISH t/1 2 AtMostOnce retained
            early: PUBLISH t/1  AtMostOnce
            late:"#]]
        .assert_eq(&heard.join("\n"));
    }
}

//= mqtt-v5 MQTT-3.3.1-9, MQTT-3.3.1-10, MQTT-3.3.1-11, MQTT-3.8.4-4 test
#[test]
fn retain_handling_decides_who_is_greeted() {
    let mut world = World::new(1);
    let bo = world.enters(&client("bo"));
    world.tells(bo, V5, &kept("t", "1", true));
    for (name, retain_handling, expected) in [
        (
            "always",
            RetainHandling::Send,
            expect![[r#"
            SubAck 9 [Success]
            PUBLISH t 1 AtMostOnce retained
            SubAck 9 [Success]
            PUBLISH t 1 AtMostOnce retained"#]],
        ),
        (
            "once",
            RetainHandling::SendIfNew,
            expect![[r#"
            SubAck 9 [Success]
            PUBLISH t 1 AtMostOnce retained
            SubAck 9 [Success]"#]],
        ),
        (
            "never",
            RetainHandling::DoNotSend,
            expect![[r#"
            SubAck 9 [Success]
            SubAck 9 [Success]"#]],
        ),
    ] {
        let anna = world.enters(&client(name));
        let how = SubscriptionOptions { retain_handling, ..options(Qos::AtMostOnce) };
        world.asks(anna, V5, &[("t", how)]);
        world.asks(anna, V5, &[("t", how)]);
        world.shows(anna, V5, &expected);
    }
}

//= mqtt-v5 MQTT-3.3.1-12, MQTT-3.3.1-13 test
//= mqtt-v311 MQTT-3.3.1-9 test
#[test]
fn a_subscriber_sees_retain_as_published_if_it_asked_for_that() {
    let mut world = World::new(1);
    let bo = world.enters(&client("bo"));
    let plain = options(Qos::AtMostOnce);
    let as_published = SubscriptionOptions { retain_as_published: true, ..plain };
    for (name, version, options, expected) in [
        (
            "a",
            V5,
            plain,
            expect![[r#"
            PUBLISH new/t 1 AtMostOnce
            PUBLISH new/t 2 AtMostOnce
            PUBLISH new/t  AtMostOnce"#]],
        ),
        (
            "b",
            V5,
            as_published,
            expect![[r#"
            PUBLISH new/t 1 AtMostOnce retained
            PUBLISH new/t 2 AtMostOnce
            PUBLISH new/t  AtMostOnce retained"#]],
        ),
        (
            "c",
            V3,
            plain,
            expect![[r#"
            PUBLISH new/t 1 AtMostOnce
            PUBLISH new/t 2 AtMostOnce
            PUBLISH new/t  AtMostOnce"#]],
        ),
    ] {
        let anna = world.enters(&speaking(version, name));
        world.listens(anna, version, "new/#", options);
        for (payload, retain) in [("1", true), ("2", false), ("", true)] {
            world.tells(bo, V5, &kept("new/t", payload, retain));
        }
        world.shows(anna, version, &expected);
    }
}

//= mqtt-v311 MQTT-3.1.2-7 test
#[test]
fn retained_messages_outlive_the_session_that_published_them() {
    let mut world = World::new(1);
    let bo = world.enters(&speaking(V3, "bo"));
    world.tells(bo, V3, &kept("t", "1", true));
    world.says_goodbye(bo, V3);
    world.later(10);
    let anna = world.enters(&speaking(V3, "anna"));
    world.asks(anna, V3, &[("t", options(Qos::AtMostOnce))]);
    world.shows(
        anna,
        V3,
        &expect![[r#"
        SubAck 9 [Success]
        PUBLISH t 1 AtMostOnce retained"#]],
    );
}
