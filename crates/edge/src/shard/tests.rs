mod authenticating;
mod backlog;
mod census;
mod kept;
mod retained;
mod standard;
mod sys;
mod tracer;
mod world;

use expect_test::expect;
use model::Qos;
use mqtt::{Connect, Outgoing, Packet, Properties, Reason, Version, Will, decode};

use super::*;
use world::{At, World, ack, client, describe, lasting};

#[test]
fn an_acknowledgement_waits_for_the_commit_and_a_delivery_does_not() {
    let mut world = World::new(1);
    let (anna, bo) = (world.connect(&client("anna")), world.connect(&client("bo")));
    world.subscribe(anna, "farm/#", Qos::AtLeastOnce);
    world.heard(anna);
    world.heard(bo);
    world.publish(bo, "farm/t", "21.5", (Qos::AtLeastOnce, 7));
    world.check(anna, &expect!["PUBLISH farm/t 21.5 AtLeastOnce"]);
    world.check(bo, &expect![""]);
    world.commit();
    world.check(bo, &expect!["PubAck 7"]);
}

#[test]
fn clients_on_two_shards_hear_each_other() {
    let mut world = World::new(2);
    let here = world.connect(&client("a0"));
    let mut number = 1;
    let there = loop {
        let name = format!("a{number}");
        let at = world.connect(&client(&name));
        if at.shard != here.shard {
            break at;
        }
        number += 1;
    };
    world.subscribe(here, "x", Qos::AtLeastOnce);
    world.heard(here);
    world.publish(there, "x", "1", (Qos::AtLeastOnce, 1));
    world.check(here, &expect!["PUBLISH x 1 AtLeastOnce"]);
}

#[test]
fn a_second_connection_of_a_client_takes_over_its_session() {
    lasting("anna", |connect| {
        let mut world = World::new(1);
        let first = world.connect(&connect);
        world.subscribe(first, "a", Qos::AtLeastOnce);
        world.heard(first);
        let second = world.connect(&connect);
        world.check(first, &expect!["DISCONNECT SessionTakenOver"]);
        world.check(second, &expect!["CONNACK Success present=true"]);
        let bo = world.connect(&client("bo"));
        world.commit();
        world.publish(bo, "a", "1", (Qos::AtLeastOnce, 1));
        world.check(second, &expect!["PUBLISH a 1 AtLeastOnce"]);
    });
}

#[test]
fn what_a_client_missed_or_did_not_confirm_comes_when_it_is_back() {
    lasting("anna", |connect| {
        let mut world = World::new(1);
        let anna = world.connect(&connect);
        world.subscribe(anna, "a", Qos::AtLeastOnce);
        let bo = world.connect(&client("bo"));
        world.publish(bo, "a", "unconfirmed", (Qos::AtLeastOnce, 1));
        world.lose(anna);
        world.publish(bo, "a", "missed", (Qos::AtLeastOnce, 2));
        world.publish(bo, "a", "not kept", (Qos::AtMostOnce, 0));
        let back = world.connect(&connect);
        world.check(back, &expect!["CONNACK Success present=true"]);
        world.commit();
        world.check(
            back,
            &expect![[r#"
                PUBLISH a unconfirmed AtLeastOnce dup
                PUBLISH a missed AtLeastOnce"#]],
        );
    });
}

#[test]
fn a_qos_2_message_that_commits_while_its_sender_is_away_is_confirmed_once() {
    lasting("anna", |connect| {
        let mut world = World::new(1);
        let anna = world.connect(&connect);
        let bo = world.connect(&client("bo"));
        world.subscribe(bo, "a", Qos::AtMostOnce);
        world.heard(bo);
        world.publish(anna, "a", "1", (Qos::ExactlyOnce, 9));
        world.lose(anna);
        world.commit();
        let back = world.connect(&connect);
        world.heard(back);
        world.publish(back, "a", "1", (Qos::ExactlyOnce, 9));
        world.check(back, &expect!["PubRec 9"]);
        world.send(back, &Packet::PubRel(ack(9, Reason::Success)));
        world.check(back, &expect![""]);
        world.commit();
        world.check(back, &expect!["PubComp 9"]);
        world.check(bo, &expect!["PUBLISH a 1 AtMostOnce"]);
    });
}

#[test]
fn a_retained_message_greets_a_new_subscriber() {
    let mut world = World::new(1);
    let bo = world.connect(&client("bo"));
    world.publish(bo, "kept/a", "1", (Qos::AtMostOnce, 0));
    world.publish(bo, "kept/a", "2", (Qos::AtMostOnce, 0));
    let anna = world.connect(&client("anna"));
    world.subscribe(anna, "kept/+", Qos::AtLeastOnce);
    world.check(
        anna,
        &expect![[r#"
            CONNACK Success present=false
            SubAck
            PUBLISH kept/a 2 AtMostOnce retained"#]],
    );
}

#[test]
fn a_will_is_published_when_its_client_is_lost_and_not_when_it_says_goodbye() {
    let will = Will {
        topic: "wills/anna",
        payload: b"gone",
        qos: Qos::AtMostOnce,
        retain: false,
        properties: Properties::NONE,
    };
    let connect = Connect { will: Some(will), ..client("anna") };
    let mut world = World::new(1);
    let bo = world.connect(&client("bo"));
    world.subscribe(bo, "wills/#", Qos::AtMostOnce);
    world.heard(bo);
    let anna = world.connect(&connect);
    world.send(anna, &Packet::Disconnect(mqtt::Disconnect::new(Reason::Success)));
    world.check(bo, &expect![""]);
    let anna = world.connect(&connect);
    world.lose(anna);
    world.check(bo, &expect!["PUBLISH wills/anna gone AtMostOnce"]);
}

#[test]
fn a_silent_client_is_closed_after_one_and_a_half_keep_alives() {
    let mut world = World::new(1);
    let anna = world.connect(&Connect { keep_alive: 10, ..client("anna") });
    world.heard(anna);
    world.later(14);
    world.check(anna, &expect![""]);
    world.later(3);
    world.check(anna, &expect!["DISCONNECT KeepAliveTimeout"]);
    let silent = world.open();
    world.later(20);
    assert!(world.shards[0].is_finished(silent.key), "no CONNECT came");
}

#[test]
fn a_peer_that_does_not_read_its_farewell_is_closed_all_the_same() {
    let mut world = World::new(1);
    let anna = world.connect(&client("anna"));
    world.send(anna, &Packet::PubRel(ack(1, Reason::Success)));
    world.send(
        anna,
        &Packet::ConnAck(mqtt::ConnAck {
            session_present: false,
            reason: Reason::Success,
            properties: Properties::NONE,
        }),
    );
    world.later(4);
    assert!(!world.shards[0].is_finished(anna.key), "its DISCONNECT is still to be sent");
    world.later(4);
    assert!(world.shards[0].is_finished(anna.key));
}

#[test]
fn a_slow_subscriber_holds_a_bounded_amount_and_loses_nothing_of_qos_1() {
    let mut world = World::new(1);
    let mut slow = mqtt::PropertiesBuf::default();
    slow.push(mqtt::Property::ReceiveMaximum(256.try_into().unwrap())).unwrap();
    let slow = Connect { properties: slow.as_properties(), ..client("anna") };
    let (anna, bo) = (world.connect(&slow), world.connect(&client("bo")));
    world.subscribe(anna, "a", Qos::AtLeastOnce);
    world.heard(anna);
    for number in 0..1_000_u16 {
        world.publish(bo, "a", &number.to_string(), (Qos::AtLeastOnce, number + 1));
        world.commit();
    }
    let mut got = 0;
    loop {
        let heard = world.heard(anna);
        if heard.is_empty() {
            break;
        }
        assert!(heard.len() <= 256, "no more than the window");
        for line in &heard {
            assert_eq!(*line, format!("PUBLISH a {got} AtLeastOnce"));
            got += 1;
            let id = u16::try_from(got).unwrap();
            world.send(anna, &Packet::PubAck(ack(id, Reason::Success)));
        }
    }
    assert_eq!(got, 1_000);
}

#[test]
fn without_leave_nobody_gets_in_anonymously() {
    let mut world = World::new(1);
    world.shards[0].common.limits.anonymous = false;
    let anna = world.connect(&client("anna"));
    world.check(anna, &expect!["CONNACK NotAuthorized present=false"]);
    assert!(world.shards[0].is_finished(anna.key));
}

#[test]
fn a_shared_message_goes_to_one_member_of_the_group() {
    let mut world = World::new(1);
    let members = ["anna", "cleo"].map(|name| world.connect(&client(name)));
    for member in members {
        world.subscribe(member, "$share/g/jobs", Qos::AtMostOnce);
        world.heard(member);
    }
    let bo = world.connect(&client("bo"));
    for _ in 0..10 {
        world.publish(bo, "jobs", "1", (Qos::AtMostOnce, 0));
    }
    let heard = members.map(|member| world.heard(member).len());
    assert_eq!(heard, [5, 5]);
}

#[test]
fn one_encoding_serves_all_subscribers_of_a_kind() {
    let mut frames = Frames::default();
    let shown = frames::Shown { topic: "a", properties: &[], payload: b"1", expiry_left: None };
    let mut expected = Vec::new();
    let outgoing = Outgoing {
        qos: Qos::AtMostOnce,
        retain: false,
        topic: "a",
        subscription_ids: &[],
        properties: &[],
        expiry_left: None,
        payload: b"1",
    };
    outgoing.encode(Version::V5, &mut expected).unwrap();
    frames.begin();
    for _ in 0..3 {
        let shape = frames::Shape {
            version: Version::V5,
            qos: Qos::AtMostOnce,
            retain: false,
            identifiers: &[],
        };
        assert_eq!(frames.get(shown, shape).unwrap().len(), expected.len());
    }
}
