//! Sessions that outlive the process: what clients were told stays true after a crash.

use expect_test::expect;
use model::Qos;
use mqtt::{Connect, Packet, Properties, Reason, Will};

use super::world::{At, World, ack, client, lasting};

/// `anna`, whose session lasts, subscribes to `a` and is told so.
fn with_anna(qos: Qos, run: impl FnOnce(World, &Connect<'_>, At)) {
    lasting("anna", |connect| {
        let mut world = World::new(2);
        let anna = world.connect(&connect);
        world.commit();
        world.subscribe(anna, "a", qos);
        world.check(anna, &expect!["CONNACK Success present=false"]);
        world.commit();
        world.check(anna, &expect!["SubAck"]);
        run(world, &connect, anna);
    });
}

fn publish(world: &mut World, payload: &str, qos: Qos) {
    let bo = world.connect(&client("bo"));
    world.publish(bo, "a", payload, (qos, 1));
}

#[test]
fn a_subscription_holds_and_what_came_meanwhile_is_delivered() {
    with_anna(Qos::AtLeastOnce, |mut world, connect, anna| {
        publish(&mut world, "before", Qos::AtLeastOnce);
        world.lose(anna);
        publish(&mut world, "away", Qos::AtLeastOnce);
        world.commit();
        world.crash();
        publish(&mut world, "after", Qos::AtLeastOnce);
        world.commit();
        let anna = world.connect(connect);
        world.commit();
        world.check(
            anna,
            &expect![[r#"
                CONNACK Success present=true
                PUBLISH a before AtLeastOnce
                PUBLISH a away AtLeastOnce
                PUBLISH a after AtLeastOnce"#]],
        );
    });
}

#[test]
fn what_was_confirmed_does_not_come_again() {
    with_anna(Qos::AtLeastOnce, |mut world, connect, anna| {
        publish(&mut world, "1", Qos::AtLeastOnce);
        world.commit();
        world.check(anna, &expect!["PUBLISH a 1 AtLeastOnce"]);
        world.send(anna, &Packet::PubAck(ack(1, Reason::Success)));
        world.commit();
        world.crash();
        let anna = world.connect(connect);
        world.commit();
        world.check(anna, &expect!["CONNACK Success present=true"]);
    });
}

#[test]
fn a_qos_2_message_goes_out_after_its_id_is_durable_and_arrives_once() {
    with_anna(Qos::ExactlyOnce, |mut world, connect, anna| {
        publish(&mut world, "1", Qos::ExactlyOnce);
        world.check(anna, &expect![""]);
        world.commit();
        world.check(anna, &expect!["PUBLISH a 1 ExactlyOnce"]);
        // Its receipt is lost with the process: the same message comes, marked, with the same id.
        world.crash();
        let anna = world.connect(connect);
        world.commit();
        world.check(
            anna,
            &expect![[r#"
                CONNACK Success present=true
                PUBLISH a 1 ExactlyOnce dup"#]],
        );
        world.send(anna, &Packet::PubRec(ack(1, Reason::Success)));
        world.check(anna, &expect![""]);
        world.commit();
        world.check(anna, &expect!["PubRel 1"]);
        // The release is lost as well: it comes again, the message does not.
        world.crash();
        let anna = world.connect(connect);
        world.commit();
        world.check(
            anna,
            &expect![[r#"
                CONNACK Success present=true
                PubRel 1"#]],
        );
        world.send(anna, &Packet::PubComp(ack(1, Reason::Success)));
        world.commit();
        world.crash();
        let anna = world.connect(connect);
        world.commit();
        world.check(anna, &expect!["CONNACK Success present=true"]);
    });
}

#[test]
fn a_message_of_qos_1_does_not_overtake_one_of_qos_2() {
    with_anna(Qos::ExactlyOnce, |mut world, _, anna| {
        let bo = world.connect(&client("bo"));
        world.publish(bo, "a", "first", (Qos::ExactlyOnce, 1));
        world.publish(bo, "a", "second", (Qos::AtLeastOnce, 2));
        world.check(anna, &expect![""]);
        world.commit();
        world.check(
            anna,
            &expect![[r#"
                PUBLISH a first ExactlyOnce
                PUBLISH a second AtLeastOnce"#]],
        );
    });
}

#[test]
fn a_qos_2_message_of_the_client_is_taken_once_across_a_crash() {
    with_anna(Qos::AtLeastOnce, |mut world, connect, anna| {
        world.publish(anna, "x", "1", (Qos::ExactlyOnce, 7));
        world.commit();
        world.check(anna, &expect!["PubRec 7"]);
        world.crash();
        let bo = world.connect(&client("bo"));
        world.subscribe(bo, "x", Qos::AtMostOnce);
        world.heard(bo);
        let anna = world.connect(connect);
        world.commit();
        world.publish(anna, "x", "1", (Qos::ExactlyOnce, 7));
        world.check(
            anna,
            &expect![[r#"
                CONNACK Success present=true
                PubRec 7"#]],
        );
        world.check(bo, &expect![""]);
        world.send(anna, &Packet::PubRel(ack(7, Reason::Success)));
        world.commit();
        world.check(anna, &expect!["PubComp 7"]);
        // The id is free, also after another crash: its next message is not taken for the last one.
        world.crash();
        let bo = world.connect(&client("bo"));
        world.subscribe(bo, "x", Qos::AtMostOnce);
        let anna = world.connect(connect);
        world.commit();
        world.heard(bo);
        world.publish(anna, "x", "2", (Qos::ExactlyOnce, 7));
        world.check(bo, &expect!["PUBLISH x 2 AtMostOnce"]);
    });
}

#[test]
fn a_step_that_was_not_durable_was_not_told() {
    with_anna(Qos::ExactlyOnce, |mut world, connect, anna| {
        world.publish(anna, "x", "1", (Qos::ExactlyOnce, 7));
        world.crash();
        let anna = world.connect(connect);
        world.commit();
        world.check(anna, &expect!["CONNACK Success present=true"]);
        world.send(anna, &Packet::PubRel(ack(7, Reason::Success)));
        world.commit();
        world.check(anna, &expect!["PubComp 7"]);
    });
}

#[test]
fn a_client_that_wants_a_clean_start_gets_nothing_of_its_past_ever_again() {
    with_anna(Qos::AtLeastOnce, |mut world, connect, anna| {
        world.lose(anna);
        publish(&mut world, "1", Qos::AtLeastOnce);
        world.commit();
        let clean = world.connect(&client("anna"));
        world.check(clean, &expect!["CONNACK Success present=false"]);
        world.commit();
        world.crash();
        let anna = world.connect(connect);
        world.commit();
        world.check(anna, &expect!["CONNACK Success present=false"]);
    });
}

#[test]
fn a_session_ends_when_its_time_is_over_also_while_the_site_is_down() {
    with_anna(Qos::AtLeastOnce, |mut world, connect, anna| {
        world.lose(anna);
        world.commit();
        world.crash();
        world.later(3_599);
        let anna = world.connect(connect);
        world.check(anna, &expect!["CONNACK Success present=true"]);
        world.lose(anna);
        world.commit();
        world.now.timestamp =
            world.now.timestamp.saturating_add(std::time::Duration::from_secs(3_600));
        world.crash();
        let anna = world.connect(connect);
        world.check(anna, &expect!["CONNACK Success present=false"]);
    });
}

#[test]
fn a_member_of_a_shared_group_keeps_what_it_was_chosen_for() {
    with_anna(Qos::AtLeastOnce, |mut world, connect, anna| {
        world.subscribe(anna, "$share/crew/jobs", Qos::AtLeastOnce);
        world.commit();
        world.lose(anna);
        let bo = world.connect(&client("bo"));
        world.publish(bo, "jobs", "1", (Qos::AtLeastOnce, 1));
        world.commit();
        world.crash();
        let anna = world.connect(connect);
        world.commit();
        world.check(
            anna,
            &expect![[r#"
                CONNACK Success present=true
                PUBLISH jobs 1 AtLeastOnce"#]],
        );
    });
}

#[test]
fn a_will_is_published_once_even_if_the_site_goes_down_with_its_client() {
    let mut properties = mqtt::PropertiesBuf::default();
    properties.push(mqtt::Property::WillDelay(30)).unwrap();
    let will = Will {
        topic: "wills/anna",
        payload: b"gone",
        qos: Qos::AtMostOnce,
        retain: false,
        properties: properties.as_properties(),
    };
    lasting("anna", |connect| {
        let mut world = World::new(2);
        world.connect(&Connect { will: Some(will), ..connect });
        world.commit();
        world.crash();
        let bo = world.connect(&client("bo"));
        world.subscribe(bo, "wills/#", Qos::AtMostOnce);
        world.heard(bo);
        world.later(25);
        world.check(bo, &expect![""]);
        world.later(10);
        world.check(bo, &expect!["PUBLISH wills/anna gone AtMostOnce"]);
        world.commit();
        world.crash();
        let bo = world.connect(&client("bo"));
        world.subscribe(bo, "wills/#", Qos::AtMostOnce);
        world.heard(bo);
        world.later(100);
        world.check(bo, &expect![""]);
    });
}

#[test]
fn a_session_without_properties_is_clean() {
    let mut world = World::new(1);
    let anna = world.connect(&Connect { properties: Properties::NONE, ..client("anna") });
    world.subscribe(anna, "a", Qos::AtLeastOnce);
    world.check(
        anna,
        &expect![[r#"
            CONNACK Success present=false
            SubAck"#]],
    );
    world.commit();
    world.crash();
    let anna = world.connect(&Connect { clean_start: false, ..client("anna") });
    world.check(anna, &expect!["CONNACK Success present=false"]);
}

#[test]
fn what_is_published_while_a_subscription_is_written_down_comes_once_and_after_the_greeting() {
    lasting("anna", |connect| {
        let mut world = World::new(2);
        let bo = world.connect(&client("bo"));
        world.publish(bo, "kept/a", "old", (Qos::AtMostOnce, 0));
        let anna = world.connect(&connect);
        world.commit();
        world.heard(anna);
        world.subscribe(anna, "kept/+", Qos::AtLeastOnce);
        world.publish(bo, "kept/a", "new", (Qos::AtLeastOnce, 1));
        world.commit();
        world.check(
            anna,
            &expect![[r#"
                PUBLISH kept/a old AtMostOnce retained
                PUBLISH kept/a new AtLeastOnce
                SubAck"#]],
        );
    });
}

#[test]
fn an_unsubscribe_that_changes_nothing_waits_behind_one_that_does() {
    with_anna(Qos::AtLeastOnce, |mut world, _, anna| {
        world.unsubscribe(anna, "a", 2);
        world.unsubscribe(anna, "a", 3);
        world.check(anna, &expect![""]);
        world.commit();
        world.check(
            anna,
            &expect![[r#"
                UnsubAck 2 [Success]
                UnsubAck 3 [NoSubscriptionExisted]"#]],
        );
    });
}

#[test]
fn a_message_that_its_client_can_never_take_is_not_owed_for_ever() {
    let mut properties = mqtt::PropertiesBuf::default();
    properties.push(mqtt::Property::SessionExpiry(3_600)).unwrap();
    properties.push(mqtt::Property::MaximumPacketSize(40.try_into().unwrap())).unwrap();
    let properties = properties.as_properties();
    let connect = Connect { clean_start: false, properties, ..client("anna") };
    for shards in [1, 2] {
        for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
            let mut world = World::new(shards);
            let anna = world.connect(&connect);
            world.subscribe(anna, "a", qos);
            world.commit();
            publish(&mut world, &"x".repeat(100), qos);
            world.commit();
            world.commit();
            assert_eq!(world.owed("anna"), 0, "{qos:?} over {shards} shards");
        }
    }
}

#[test]
fn of_an_absent_client_no_message_is_held_in_memory() {
    with_anna(Qos::AtLeastOnce, |mut world, _, anna| {
        world.lose(anna);
        for payload in ["1", "2", "3"] {
            publish(&mut world, payload, Qos::AtLeastOnce);
        }
        world.commit();
        assert_eq!(world.bodies_waiting("anna"), (3, 0), "three wait, as positions");
    });
}
