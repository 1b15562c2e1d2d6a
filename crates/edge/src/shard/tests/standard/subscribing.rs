//! Filters: what they grant, how they end, and what their answers say.

use super::*;

//= mqtt-v5 MQTT-3.8.3-3 test
#[test]
fn no_local_keeps_a_client_from_hearing_itself() {
    let mut world = World::new(1);
    let (anna, bo) = (world.enters(&client("anna")), world.enters(&client("bo")));
    let no_local = SubscriptionOptions { no_local: true, ..options(Qos::AtMostOnce) };
    world.listens(anna, V5, "a", no_local);
    world.listens(bo, V5, "a", no_local);
    world.publish(anna, "a", "1", (Qos::AtMostOnce, 0));
    world.shows(anna, V5, &expect![""]);
    world.shows(bo, V5, &expect!["PUBLISH a 1 AtMostOnce"]);
}

//= mqtt-v5 MQTT-3.8.4-7, MQTT-3.8.4-8 test
//= mqtt-v311 MQTT-3.8.4-6 test
#[test]
fn a_message_has_the_lower_of_its_own_qos_and_the_granted_one() {
    for version in [V3, V5] {
        let mut world = World::new(1);
        let bo = world.enters(&client("bo"));
        let levels = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];
        let ears = ["c0", "c1", "c2"].map(|name| world.enters(&speaking(version, name)));
        for (ear, qos) in ears.iter().zip(levels) {
            world.asks(*ear, version, &[("a", options(qos))]);
        }
        for (id, qos) in (0..).zip(levels) {
            world.publish(bo, "a", "x", (qos, id));
        }
        let heard = ears.map(|ear| world.hears(ear, version));
        expect![[r#"
            SubAck 9 [Success]
            PUBLISH a x AtMostOnce
            PUBLISH a x AtMostOnce
            PUBLISH a x AtMostOnce
            SubAck 9 [GrantedQos1]
            PUBLISH a x AtMostOnce
            PUBLISH a x AtLeastOnce
            PUBLISH a x AtLeastOnce
            SubAck 9 [GrantedQos2]
            PUBLISH a x AtMostOnce
            PUBLISH a x AtLeastOnce
            PUBLISH a x ExactlyOnce"#]]
        .assert_eq(&heard.join("\n"));
    }
}

//= mqtt-v5 MQTT-3.3.4-2, MQTT-3.3.4-3, MQTT-3.3.4-4 test
//= mqtt-v311 MQTT-3.3.5-1 test
#[test]
fn overlapping_filters_give_one_copy_with_the_highest_qos_and_all_numbers() {
    let mut world = World::new(1);
    let (anna, bo) = (world.enters(&client("anna")), world.enters(&client("bo")));
    let old = world.enters(&speaking(V3, "old"));
    for (number, filter, qos) in [
        (7_u32, "a/#", Qos::AtMostOnce),
        (200, "a/b", Qos::AtLeastOnce),
        (3, "c", Qos::ExactlyOnce),
    ] {
        let block = properties(&[Property::SubscriptionId(number.try_into().unwrap())]);
        world.asks_as(anna, V5, &[(filter, options(qos))], &block);
        world.listens(old, V3, filter, options(qos));
    }
    world.hears(anna, V5);
    world.publish(bo, "a/b", "1", (Qos::ExactlyOnce, 1));
    world.shows(
        anna,
        V5,
        &expect!["PUBLISH a/b 1 AtLeastOnce SubscriptionId(7) SubscriptionId(200)"],
    );
    world.shows(old, V3, &expect!["PUBLISH a/b 1 AtLeastOnce"]);
}

//= mqtt-v5 MQTT-3.8.4-3 test
//= mqtt-v311 MQTT-3.8.4-3 test
#[test]
fn the_same_filter_again_replaces_the_subscription() {
    for version in [V3, V5] {
        let mut world = World::new(1);
        let bo = world.enters(&client("bo"));
        world.publish(bo, "kept/a", "1", (Qos::AtLeastOnce, 1));
        let anna = world.enters(&speaking(version, "anna"));
        world.listens(anna, version, "kept/+", options(Qos::AtLeastOnce));
        world.asks(anna, version, &[("kept/+", options(Qos::AtMostOnce))]);
        world.publish(bo, "kept/a", "2", (Qos::AtLeastOnce, 2));
        world.shows(
            anna,
            version,
            &expect![[r#"
            SubAck 9 [Success]
            PUBLISH kept/a 1 AtMostOnce retained
            PUBLISH kept/a 2 AtMostOnce"#]],
        );
    }
}

//= mqtt-v5 MQTT-3.8.4-5, MQTT-3.8.4-6, MQTT-3.9.3-1, MQTT-3.9.3-2 test
//= mqtt-v311 MQTT-3.8.4-4, MQTT-3.9.3-1 test
#[test]
fn each_filter_has_its_answer_in_its_place() {
    for (version, expected) in [
        (V3, expect!["SubAck 9 [GrantedQos2, Unspecified, Success, Unspecified, GrantedQos1]"]),
        (
            V5,
            expect![
                "SubAck 9 [GrantedQos2, TopicFilterInvalid, Success, TopicFilterInvalid, GrantedQos1]"
            ],
        ),
    ] {
        let mut world = World::new(1);
        let anna = world.enters(&speaking(version, "anna"));
        let lines = [
            ("a", options(Qos::ExactlyOnce)),
            ("a/#/b", options(Qos::AtMostOnce)),
            ("b", options(Qos::AtMostOnce)),
            ("$share/g", options(Qos::AtMostOnce)),
            ("c", options(Qos::AtLeastOnce)),
        ];
        world.asks(anna, version, &lines);
        world.shows(anna, version, &expected);
        let bo = world.enters(&client("bo"));
        for topic in ["a", "b", "c"] {
            world.publish(bo, topic, "1", (Qos::AtMostOnce, 0));
        }
        assert_eq!(world.hears(anna, version).lines().count(), 3);
    }
}

//= mqtt-v5 MQTT-3.10.4-1, MQTT-3.10.4-2, MQTT-3.10.4-4, MQTT-3.10.4-5, MQTT-3.10.4-6 test
//= mqtt-v5 MQTT-3.11.3-1, MQTT-3.11.3-2 test
//= mqtt-v311 MQTT-3.10.4-1, MQTT-3.10.4-2, MQTT-3.10.4-5, MQTT-3.10.4-6 test
#[test]
fn unsubscribing_takes_away_the_filters_that_are_named_and_no_other() {
    for (version, expected) in [
        (
            V3,
            expect![[r#"
        UnsubAck 8 []
        PUBLISH a/b 1 AtMostOnce"#]],
        ),
        (
            V5,
            expect![[r#"
        UnsubAck 8 [Success, NoSubscriptionExisted, NoSubscriptionExisted, Success]
        PUBLISH a/b 1 AtMostOnce"#]],
        ),
    ] {
        let mut world = World::new(1);
        let anna = world.enters(&speaking(version, "anna"));
        for filter in ["a/+", "a/b", "c"] {
            world.listens(anna, version, filter, options(Qos::AtMostOnce));
        }
        // "a/#" matches what "a/b" matches, but it is another filter.
        world.leaves_off(anna, version, &["a/+", "a/#", "A/b", "c"]);
        let bo = world.enters(&client("bo"));
        for topic in ["a/b", "a/x", "c"] {
            world.publish(bo, topic, "1", (Qos::AtMostOnce, 0));
        }
        world.shows(anna, version, &expected);
    }
}

//= mqtt-v5 MQTT-3.10.4-3 test
//= mqtt-v311 MQTT-3.10.4-3 test
#[test]
fn what_is_under_way_is_completed_after_the_subscription_has_gone() {
    for version in [V3, V5] {
        let mut world = World::new(1);
        let (anna, bo) = (world.enters(&speaking(version, "anna")), world.enters(&client("bo")));
        world.listens(anna, version, "a", options(Qos::ExactlyOnce));
        world.publish(bo, "a", "1", (Qos::ExactlyOnce, 1));
        world.leaves_off(anna, version, &["a"]);
        world.tells(anna, version, &Packet::PubRec(ack(1, Reason::Success)));
        world.publish(bo, "a", "2", (Qos::ExactlyOnce, 2));
        world.tells(anna, version, &Packet::PubComp(ack(1, Reason::Success)));
        expect![[r#"
            PUBLISH a 1 ExactlyOnce
            UnsubAck 8 []
            PubRel 1 Success"#]]
        .assert_eq(&world.hears(anna, version).replace("[Success]", "[]"));
    }
}

//= mqtt-v5 MQTT-4.7.3-4, MQTT-3.3.2-3 test
//= mqtt-v311 MQTT-4.7.3-4, MQTT-3.3.2-3 test
#[test]
fn a_filter_matches_its_topics_letter_for_letter() {
    // An empty level, another case, a space, one letter and the same of two parts.
    let topics = ["a//b", "a/b", "A/b", "a/b ", "\u{e9}", "e\u{301}", "/a", "a/"];
    for version in [V3, V5] {
        for wanted in topics {
            let mut world = World::new(1);
            let anna = world.enters(&speaking(version, "anna"));
            let bo = world.enters(&client("bo"));
            world.listens(anna, version, wanted, options(Qos::AtMostOnce));
            for topic in topics {
                world.publish(bo, topic, "1", (Qos::AtMostOnce, 0));
            }
            assert_eq!(world.hears(anna, version), format!("PUBLISH {wanted} 1 AtMostOnce"));
        }
    }
}

//= mqtt-v5 MQTT-4.7.2-1 test
//= mqtt-v311 MQTT-4.7.2-1 test
#[test]
fn wildcards_in_front_do_not_reach_topics_of_the_server() {
    let mut world = World::new(1);
    let (anna, bo) = (world.enters(&speaking(V3, "anna")), world.enters(&client("bo")));
    for filter in ["#", "+/x"] {
        world.listens(anna, V3, filter, options(Qos::AtMostOnce));
    }
    world.publish(bo, "$a/x", "1", (Qos::AtMostOnce, 0));
    world.shows(anna, V3, &expect![""]);
    world.listens(anna, V3, "$a/#", options(Qos::AtMostOnce));
    world.publish(bo, "$a/x", "2", (Qos::AtMostOnce, 0));
    world.shows(anna, V3, &expect!["PUBLISH $a/x 2 AtMostOnce"]);
}
