//! What operators see of clients, and do to them.

use std::sync::mpsc::sync_channel;

use model::census::{
    Client, Detail, Expiry, Fate, Mark, Order, Page, Presence, Question, Rate, Traffic,
};

use super::*;

fn page(world: &mut World, question: &Question) -> Page {
    let mut pages = Vec::new();
    for shard in &mut world.shards {
        let (answer, answers) = sync_channel(1);
        shard.asked(Asked::Page(question.clone(), answer), world.now);
        while shard.has_inquiries() {
            shard.look_into_inquiries(world.now);
        }
        pages.push(answers.try_recv().unwrap());
    }
    Page::merge(pages, question.order, question.limit)
}

fn detail(world: &mut World, client: &str) -> Option<Detail> {
    let details = world.shards.iter_mut().map(|shard| {
        let (answer, answers) = sync_channel(1);
        shard.asked(Asked::Client(client.into(), answer), world.now);
        answers.try_recv().unwrap()
    });
    details.flatten().next()
}

fn close(world: &mut World, client: &str, fate: Fate) -> bool {
    let known = world.shards.iter_mut().map(|shard| {
        let (answer, answers) = sync_channel(1);
        shard.asked(Asked::Close(client.into(), fate, answer), world.now);
        answers.try_recv().unwrap()
    });
    known.collect::<Vec<_>>().contains(&true)
}

fn ids(page: &Page) -> Vec<&str> {
    page.clients.iter().map(|client| &*client.id).collect()
}

fn everybody(limit: usize) -> Question {
    Question { limit, ..Question::default() }
}

#[test]
fn pages_of_two_shards_hold_every_client_once_and_in_order() {
    let mut world = World::new(2);
    let names: Vec<String> = (0..25).map(|number| format!("device-{number:02}")).collect();
    for name in &names {
        world.connect(&client(name));
    }
    assert!(world.shards.iter().all(|shard| !shard.sessions.is_empty()), "both have some");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = page(&mut world, &Question { after, ..everybody(10) });
        assert!(page.clients.len() <= 10);
        assert_eq!((page.matching, page.totals.connected), (25, 25));
        seen.extend(page.clients.iter().map(|client| client.id.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, names);
}

#[test]
fn a_search_finds_parts_of_names_and_addresses_in_any_case() {
    let mut world = World::new(1);
    for name in ["Pump-North", "pump-south", "meter"] {
        world.connect(&client(name));
    }
    let found = |world: &mut World, search: &str| {
        let question = Question { search: search.to_owned(), ..everybody(10) };
        let page = page(world, &question);
        assert_eq!(page.matching, page.clients.len() as u64);
        assert_eq!(page.totals.sessions, 3, "totals leave nobody out");
        ids(&page).join(" ")
    };
    assert_eq!(found(&mut world, "PUMP"), "Pump-North pump-south");
    assert_eq!(found(&mut world, "127.0.0.1:1"), "Pump-North meter pump-south");
    assert_eq!(found(&mut world, "127.0.0.9"), "");
}

#[test]
fn a_client_is_told_with_its_traffic_its_terms_and_its_filters() {
    let mut world = World::new(1);
    world.later(100);
    let anna = world.connect(&Connect { keep_alive: 30, ..client("anna") });
    world.subscribe(anna, "farm/#", Qos::AtLeastOnce);
    world.heard(anna);
    let bo = world.connect(&client("bo"));
    world.later(5);
    for id in 1..=3 {
        world.publish(bo, "farm/t", "21.5", (Qos::AtLeastOnce, id));
    }
    let Some(Detail { client, filters }) = detail(&mut world, "anna") else { panic!("no anna") };
    let filters: Vec<_> = filters.iter().map(|one| (&*one.filter, one.qos)).collect();
    assert_eq!(filters, [("farm/#", Qos::AtLeastOnce)]);
    assert_eq!((client.subscriptions, client.in_flight, client.queued), (1, 3, 0));
    assert_eq!(client.expiry, Expiry::Granted(Duration::ZERO));
    let line = client.connection.unwrap();
    assert_eq!(line.since, world.now.timestamp.saturating_sub(Duration::from_secs(5)));
    assert_eq!((line.keep_alive, line.last_heard), (Duration::from_secs(30), line.since));
    let Traffic { messages_in, messages_out, bytes_in, bytes_out } = line.traffic;
    assert_eq!((messages_in, messages_out), (0, 3));
    assert!(bytes_in > 20 && bytes_out > 5 && line.output_bytes > 40, "{line:?}");
    assert_eq!(line.rate, Rate { received_millis: 0, sent_millis: 300 });
    let bo = detail(&mut world, "bo").unwrap().client.connection.unwrap();
    assert_eq!((bo.traffic.messages_in, bo.rate.received_millis), (3, 300));
    assert_eq!(detail(&mut world, "cleo"), None);
}

#[test]
fn who_says_most_and_for_whom_most_waits_come_first() {
    lasting("away", |connect| {
        let mut world = World::new(1);
        let away = world.connect(&connect);
        world.subscribe(away, "a", Qos::AtLeastOnce);
        world.commit();
        world.lose(away);
        let (loud, quiet) = (world.connect(&client("loud")), world.connect(&client("quiet")));
        for id in 1..=4 {
            world.publish(loud, "a", "1", (Qos::AtLeastOnce, id));
        }
        world.publish(quiet, "b", "1", (Qos::AtLeastOnce, 1));
        let ordered = |world: &mut World, order| page(world, &Question { order, ..everybody(3) });
        assert_eq!(ids(&ordered(&mut world, Order::Rate)), ["loud", "quiet", "away"]);
        let waiting = ordered(&mut world, Order::Waiting);
        assert_eq!(ids(&waiting)[0], "away");
        assert_eq!(waiting.totals.queued, 4);
        assert_eq!(waiting.clients[0].expiry, Expiry::Left(Duration::from_secs(3_600)));

        let presence = Presence::Away;
        let gone = page(&mut world, &Question { presence, ..everybody(3) });
        assert_eq!(ids(&gone), ["away"]);
        let first = Question { order: Order::Rate, ..everybody(1) };
        let second = Question { after: page(&mut world, &first).next, ..first };
        let second = page(&mut world, &second);
        assert_eq!(ids(&second), ["quiet"]);
        assert_eq!(second.next, Some(Mark { weight: 100, client: "quiet".into() }));
    });
}

#[test]
fn a_look_at_many_sessions_takes_several_turns() {
    let mut world = World::new(1);
    for number in 0..9_000 {
        world.connect(&client(&format!("device-{number}")));
    }
    let (answer, answers) = sync_channel(1);
    let (shard, now) = (&mut world.shards[0], world.now);
    shard.asked(Asked::Page(everybody(5), answer), now);
    shard.look_into_inquiries(now);
    assert!(shard.has_inquiries() && answers.try_recv().is_err(), "one turn is not enough");
    while shard.has_inquiries() {
        shard.look_into_inquiries(now);
    }
    let page = answers.try_recv().unwrap();
    assert_eq!((page.clients.len(), page.matching), (5, 9_000));
}

//= mqtt-v5 MQTT-3.14.2-1 test
#[test]
fn an_operator_closes_a_connection_and_the_session_stays() {
    lasting("anna", |connect| {
        let mut world = World::new(1);
        let anna = world.connect(&connect);
        world.subscribe(anna, "a", Qos::AtLeastOnce);
        world.commit();
        world.heard(anna);
        assert!(close(&mut world, "anna", Fate::Kept));
        world.check(anna, &expect!["DISCONNECT AdministrativeAction"]);
        assert!(world.shards[0].is_finished(anna.key));
        let back = world.connect(&connect);
        world.check(back, &expect!["CONNACK Success present=true"]);
        assert!(!close(&mut world, "nobody", Fate::Kept));
        assert_eq!(world.shards[0].common.meter.total(model::Event::ClientClosed), 1);
    });
}

#[test]
fn an_operator_ends_a_session_and_a_crash_does_not_bring_it_back() {
    lasting("anna", |connect| {
        for away in [false, true] {
            let mut world = World::new(1);
            let anna = world.connect(&connect);
            world.subscribe(anna, "a", Qos::AtLeastOnce);
            world.commit();
            if away {
                world.lose(anna);
            }
            assert!(close(&mut world, "anna", Fate::Ended));
            assert_eq!(page(&mut world, &everybody(1)).totals.sessions, 0);
            assert!(world.shards[0].common.subscriptions.is_empty());
            world.commit();
            world.crash();
            let back = world.connect(&connect);
            world.check(back, &expect!["CONNACK Success present=false"]);
        }
    });
}

//= mqtt-v5 MQTT-3.1.2-8 test
#[test]
fn who_is_closed_by_an_operator_leaves_its_will() {
    let will = Will {
        topic: "wills/anna",
        payload: b"gone",
        qos: Qos::AtMostOnce,
        retain: false,
        properties: Properties::NONE,
    };
    let mut world = World::new(1);
    let bo = world.connect(&client("bo"));
    world.subscribe(bo, "wills/#", Qos::AtMostOnce);
    world.heard(bo);
    world.connect(&Connect { will: Some(will), ..client("anna") });
    assert!(close(&mut world, "anna", Fate::Kept));
    world.check(bo, &expect!["PUBLISH wills/anna gone AtMostOnce"]);
}

#[test]
fn a_row_costs_its_client_nothing_while_it_is_idle() {
    // What one idle connection holds in the shard, beside its name in the table of sessions.
    let bytes = size_of::<Connection>() + size_of::<hub::Session<Kept>>();
    assert!(bytes <= 600, "{bytes} bytes");
    let told = size_of::<Client>();
    assert!(told <= 256, "{told} bytes for a row");
}
