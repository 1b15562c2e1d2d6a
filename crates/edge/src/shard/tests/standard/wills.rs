//! What is published for those who are lost.

use super::*;

const GONE: &str = "PUBLISH wills/anna gone AtMostOnce";

fn will(retain: bool, properties: Properties<'_>) -> Will<'_> {
    Will { topic: "wills/anna", payload: b"gone", qos: Qos::AtMostOnce, retain, properties }
}

/// A world in which bo hears of wills.
fn with_bo() -> (World, At) {
    let mut world = World::new(1);
    let bo = world.enters(&client("bo"));
    world.listens(bo, V5, "wills/#", options(Qos::AtLeastOnce));
    (world, bo)
}

//= mqtt-v5 MQTT-3.1.2-7, MQTT-3.1.2-8, MQTT-3.1.2-10, MQTT-3.1.2-14, MQTT-3.1.2-15 test
//= mqtt-v311 MQTT-3.1.2-8, MQTT-3.1.2-10, MQTT-3.1.2-12, MQTT-3.1.2-16, MQTT-3.1.2-17 test
#[test]
fn a_will_is_published_once_and_retained_if_its_client_wanted_that() {
    for version in [V3, V5] {
        for retain in [false, true] {
            let (mut world, bo) = with_bo();
            let anna = speaking(version, "anna");
            let at = world.enters(&Connect { will: Some(will(retain, Properties::NONE)), ..anna });
            assert_eq!(world.hears(bo, V5), "");
            world.lose(at);
            assert_eq!(world.hears(bo, V5), GONE);
            // The same client again, with nothing to say when it is lost.
            let at = world.enters(&anna);
            world.lose(at);
            world.later(10);
            assert_eq!(world.hears(bo, V5), "");
            let cleo = world.enters(&client("cleo"));
            world.asks(cleo, V5, &[("wills/#", options(Qos::AtMostOnce))]);
            assert_eq!(world.hears(cleo, V5).contains("gone AtMostOnce retained"), retain);
        }
    }
}

//= mqtt-v5 MQTT-3.1.2-8, MQTT-3.1.3-9 test
#[test]
fn a_delayed_will_waits_for_its_client_to_be_back() {
    let delayed = properties(&[Property::WillDelay(10)]);
    lasting("anna", |connect| {
        let connect = Connect { will: Some(will(false, delayed.as_properties())), ..connect };
        let (mut world, bo) = with_bo();
        let anna = world.enters(&connect);
        world.lose(anna);
        world.later(9);
        let taken_over = world.enters(&connect);
        world.later(9);
        // A takeover is a new connection too.
        let anna = world.enters(&connect);
        world.lose(taken_over);
        world.later(20);
        assert_eq!(world.hears(bo, V5), "");
        world.lose(anna);
        world.later(9);
        assert_eq!(world.hears(bo, V5), "");
        world.later(2);
        assert_eq!(world.hears(bo, V5), GONE);
    });
}

//= mqtt-v5 MQTT-3.1.2-8 test
#[test]
fn a_delayed_will_does_not_outlive_its_session() {
    let delayed = properties(&[Property::WillDelay(1_000)]);
    let short = properties(&[Property::SessionExpiry(5)]);
    let (mut world, bo) = with_bo();
    let connect = Connect {
        will: Some(will(false, delayed.as_properties())),
        properties: short.as_properties(),
        ..client("anna")
    };
    let anna = world.enters(&connect);
    world.lose(anna);
    world.later(4);
    assert_eq!(world.hears(bo, V5), "");
    world.later(3);
    assert_eq!(world.hears(bo, V5), GONE);
}

//= mqtt-v5 MQTT-3.1.2-8 test
//= mqtt-v311 MQTT-3.1.2-8 test
#[test]
fn a_clean_start_ends_the_session_and_publishes_its_will() {
    let delayed = properties(&[Property::WillDelay(100)]);
    let stays = properties(&[Property::SessionExpiry(3_600)]);
    for version in [V3, V5] {
        for lost_before in [false, true] {
            let (mut world, bo) = with_bo();
            let connect = Connect {
                will: Some(will(false, delayed.as_properties())),
                properties: stays.as_properties(),
                clean_start: false,
                ..speaking(version, "anna")
            };
            let anna = world.enters(&connect);
            if lost_before {
                world.lose(anna);
            }
            world.enters(&speaking(version, "anna"));
            assert_eq!(world.hears(bo, V5), GONE, "{version:?} {lost_before}");
        }
    }
}

//= mqtt-v5 MQTT-3.14.4-3, MQTT-3.1.2-10 test
//= mqtt-v311 MQTT-3.14.4-3, MQTT-3.1.2-10 test
#[test]
fn a_goodbye_discards_the_will() {
    for version in [V3, V5] {
        let (mut world, bo) = with_bo();
        let connect =
            Connect { will: Some(will(true, Properties::NONE)), ..speaking(version, "anna") };
        let anna = world.enters(&connect);
        world.says_goodbye(anna, version);
        world.lose(anna);
        world.later(10);
        assert_eq!(world.hears(bo, V5), "");
    }
}

//= mqtt-v5 MQTT-3.1.3-10 test
#[test]
fn properties_of_a_will_keep_their_order() {
    let block = properties(&[
        Property::User("b", "1"),
        Property::WillDelay(0),
        Property::User("a", "2"),
        Property::ContentType("text"),
        Property::User("b", "0"),
    ]);
    let (mut world, bo) = with_bo();
    let connect = Connect { will: Some(will(false, block.as_properties())), ..client("anna") };
    let anna = world.enters(&connect);
    world.lose(anna);
    world.shows(bo, V5, &expect![[r#"PUBLISH wills/anna gone AtMostOnce User("b", "1") User("a", "2") ContentType("text") User("b", "0")"#]]);
}
