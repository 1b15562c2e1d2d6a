//! Shared subscriptions: one of several clients gets a message.

use super::*;

const GROUP: &str = "$share/g/jobs";

/// Two members of a group whose sessions stay for a minute, a message on its way to one of them.
struct Group {
    world: World,
    bo: At,
    taker: At,
    taker_name: &'static str,
    other: At,
}

impl Group {
    fn at_work() -> Self {
        let mut world = World::new(1);
        let bo = world.enters(&client("bo"));
        let names = ["anna", "cleo"];
        let members = names.map(|name| {
            let at = comes(&mut world, name);
            world.listens(at, V5, GROUP, options(Qos::ExactlyOnce));
            at
        });
        world.publish(bo, "jobs", "1", (Qos::ExactlyOnce, 1));
        let heard = members.map(|member| world.hears(member, V5));
        let first = usize::from(heard[0].is_empty());
        assert_eq!(heard[first], "PUBLISH jobs 1 ExactlyOnce");
        assert_eq!(heard[1 - first], "");
        let (taker, taker_name, other) = (members[first], names[first], members[1 - first]);
        Self { world, bo, taker, taker_name, other }
    }
}

fn comes(world: &mut World, name: &'static str) -> At {
    let stays = properties(&[Property::SessionExpiry(60)]);
    let properties = stays.as_properties();
    world.connect(&Connect { clean_start: false, properties, ..client(name) })
}

//= mqtt-v5 MQTT-4.8.2-3 test
#[test]
fn the_chosen_client_gets_the_qos_that_it_was_granted() {
    let mut world = World::new(1);
    let bo = world.enters(&client("bo"));
    let (low, high) = (world.enters(&client("low")), world.enters(&client("high")));
    world.listens(low, V5, GROUP, options(Qos::AtMostOnce));
    world.listens(high, V5, GROUP, options(Qos::ExactlyOnce));
    for id in 1..=2 {
        world.publish(bo, "jobs", "1", (Qos::AtLeastOnce, id));
    }
    world.shows(low, V5, &expect!["PUBLISH jobs 1 AtMostOnce"]);
    world.shows(high, V5, &expect!["PUBLISH jobs 1 AtLeastOnce"]);
}

//= mqtt-v5 MQTT-4.8.2-4 test
#[test]
fn a_qos_2_message_is_completed_with_the_client_it_was_begun_with() {
    let Group { mut world, taker, taker_name, other, .. } = Group::at_work();
    world.lose(taker);
    let back = comes(&mut world, taker_name);
    world.tells(back, V5, &Packet::PubRec(ack(1, Reason::Success)));
    world.tells(back, V5, &Packet::PubComp(ack(1, Reason::Success)));
    world.shows(
        back,
        V5,
        &expect![[r#"
            CONNACK Success present=true
            PubRel 1 Success"#]],
    );
    world.shows(other, V5, &expect![""]);
}

//= mqtt-v5 MQTT-4.8.2-5 test
#[test]
fn a_message_does_not_move_on_when_its_clients_session_ends() {
    let Group { mut world, bo, taker, other, .. } = Group::at_work();
    world.lose(taker);
    world.later(100);
    world.shows(other, V5, &expect![""]);
    world.publish(bo, "jobs", "2", (Qos::ExactlyOnce, 2));
    world.shows(other, V5, &expect!["PUBLISH jobs 2 ExactlyOnce"]);
}

//= mqtt-v5 MQTT-4.8.2-6, MQTT-4.4.0-2 test
#[test]
fn a_message_that_its_client_refuses_is_offered_to_nobody_else() {
    let Group { mut world, taker, taker_name, other, .. } = Group::at_work();
    world.tells(taker, V5, &Packet::PubRec(ack(1, Reason::QuotaExceeded)));
    world.lose(taker);
    let back = comes(&mut world, taker_name);
    world.shows(back, V5, &expect!["CONNACK Success present=true"]);
    world.shows(other, V5, &expect![""]);
}

/// A worker whose session ends with its connection.
fn works(world: &mut World, name: &'static str) -> At {
    let at = world.enters(&client(name));
    world.listens(at, V5, GROUP, options(Qos::AtLeastOnce));
    at
}

/// Each line that a client heard, without what answers its own packets.
fn jobs(world: &mut World, at: At) -> Vec<String> {
    let heard = world.hears(at, V5);
    heard.lines().filter(|line| line.starts_with("PUBLISH")).map(str::to_owned).collect()
}

#[test]
fn what_a_member_had_not_confirmed_goes_to_another_when_its_session_ends() {
    let mut world = World::new(1);
    let bo = world.enters(&client("bo"));
    let members = [works(&mut world, "anna"), works(&mut world, "cleo")];
    for id in 1..=4 {
        world.publish(bo, "jobs", &id.to_string(), (Qos::AtLeastOnce, id));
    }
    let before = members.map(|member| jobs(&mut world, member));
    assert_eq!(before.each_ref().map(Vec::len), [2, 2]);
    world.tells(members[0], V5, &Packet::PubAck(ack(1, Reason::Success)));
    world.lose(members[0]);
    world.commit();
    assert_eq!(jobs(&mut world, members[1]), before[0][1..], "what it had not confirmed");
    world.commit();
    assert_eq!(jobs(&mut world, members[1]), [""; 0]);
}

#[test]
fn a_member_on_another_shard_takes_over_and_nobody_is_left_with_nothing() {
    let mut world = World::new(2);
    let bo = world.enters(&client("bo"));
    let members = ["anna", "cleo", "dora", "emil", "fina"].map(|name| works(&mut world, name));
    for id in 1..=20 {
        world.publish(bo, "jobs", &id.to_string(), (Qos::AtLeastOnce, id));
    }
    let mut open = 0;
    for member in members.iter().take(4) {
        open += jobs(&mut world, *member).len();
        world.lose(*member);
        world.commit();
    }
    assert!(open >= 16, "{open}");
    let mut last = jobs(&mut world, members[4]);
    last.sort();
    last.dedup();
    assert_eq!(last.len(), 20, "{last:?}");
}

#[test]
fn what_waited_in_the_journal_for_an_absent_member_is_read_again_for_another() {
    let mut world = World::new(1);
    let bo = world.enters(&client("bo"));
    let anna = comes(&mut world, "anna");
    world.listens(anna, V5, GROUP, options(Qos::AtLeastOnce));
    world.commit();
    world.lose(anna);
    for id in 1..=3 {
        world.publish(bo, "jobs", &id.to_string(), (Qos::AtLeastOnce, id));
    }
    world.commit();
    assert_eq!(world.bodies_waiting("anna"), (3, 0));
    let cleo = works(&mut world, "cleo");
    world.later(100);
    world.commit();
    world.exchange();
    world.commit();
    assert_eq!(jobs(&mut world, cleo).len(), 3);
    assert_eq!(world.owed("anna"), 0);
}
