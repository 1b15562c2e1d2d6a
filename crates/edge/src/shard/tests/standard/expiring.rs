//! Messages that are worth sending for a while only.

use super::*;

fn for_a_minute() -> PropertiesBuf {
    properties(&[Property::User("k", "v"), Property::MessageExpiry(60)])
}

//= mqtt-v5 MQTT-3.3.2-5, MQTT-3.3.2-6 test
#[test]
fn a_message_that_waits_is_sent_with_what_is_left_of_its_expiry_or_not_at_all() {
    let block = for_a_minute();
    for (seconds, expected) in [
        (
            0,
            expect![[r#"
        CONNACK Success present=true
        PUBLISH a 1 AtLeastOnce User("k", "v") MessageExpiry(60)
        PUBLISH a for ever AtLeastOnce"#]],
        ),
        (
            45,
            expect![[r#"
        CONNACK Success present=true
        PUBLISH a 1 AtLeastOnce User("k", "v") MessageExpiry(15)
        PUBLISH a for ever AtLeastOnce"#]],
        ),
        (
            60,
            expect![[r#"
        CONNACK Success present=true
        PUBLISH a for ever AtLeastOnce"#]],
        ),
    ] {
        lasting("anna", |connect| {
            let mut world = World::new(1);
            let anna = world.enters(&connect);
            world.listens(anna, V5, "a", options(Qos::AtLeastOnce));
            world.lose(anna);
            let bo = world.enters(&client("bo"));
            world.tells(bo, V5, &Packet::Publish(message("a", "1", (Qos::AtLeastOnce, 1), &block)));
            world.publish(bo, "a", "for ever", (Qos::AtLeastOnce, 2));
            world.later(seconds);
            let anna = world.connect(&connect);
            world.shows(anna, V5, &expected);
        });
    }
}

//= mqtt-v5 MQTT-3.3.2-5, MQTT-3.3.2-6 test
#[test]
fn a_retained_message_greets_until_it_expires() {
    let block = for_a_minute();
    let mut world = World::new(1);
    let (anna, bo) = (world.enters(&client("anna")), world.enters(&client("bo")));
    let retained = Publish { retain: true, ..message("a", "1", (Qos::AtMostOnce, 0), &block) };
    world.tells(bo, V5, &Packet::Publish(retained));
    world.later(59);
    world.asks(anna, V5, &[("a", options(Qos::AtMostOnce))]);
    world.later(1);
    world.asks(anna, V5, &[("a", options(Qos::AtMostOnce))]);
    world.shows(
        anna,
        V5,
        &expect![[r#"
        SubAck 9 [Success]
        PUBLISH a 1 AtMostOnce retained User("k", "v") MessageExpiry(1)
        SubAck 9 [Success]"#]],
    );
    assert_eq!(world.retained(), 0, "and leaves no trace in memory");
}

//= mqtt-v5 MQTT-4.3.3-7, MQTT-4.3.3-13 test
#[test]
fn what_was_sent_does_not_expire() {
    let block = for_a_minute();
    lasting("anna", |connect| {
        let mut world = World::new(1);
        let anna = world.enters(&connect);
        world.listens(anna, V5, "a", options(Qos::ExactlyOnce));
        let bo = world.enters(&client("bo"));
        world.tells(bo, V5, &Packet::Publish(message("a", "1", (Qos::ExactlyOnce, 1), &block)));
        world.shows(
            anna,
            V5,
            &expect![[r#"PUBLISH a 1 ExactlyOnce User("k", "v") MessageExpiry(60)"#]],
        );
        world.lose(anna);
        world.later(100);
        let anna = world.connect(&connect);
        world.shows(
            anna,
            V5,
            &expect![[r#"
                CONNACK Success present=true
                PUBLISH a 1 ExactlyOnce dup User("k", "v") MessageExpiry(0)"#]],
        );
        world.tells(anna, V5, &Packet::PubRec(ack(1, Reason::Success)));
        world.shows(anna, V5, &expect!["PubRel 1 Success"]);
        world.tells(bo, V5, &Packet::PubRel(ack(1, Reason::Success)));
        world.shows(
            bo,
            V5,
            &expect![[r#"
            PubRec 1 Success
            PubComp 1 Success"#]],
        );
    });
}
