//! Subscribers who are slow or away, and many of them.

use model::Event;

use super::*;

/// Bytes of everything that waits for somebody.
fn waiting(world: &World) -> usize {
    let shard = &world.shards[0];
    let queues: usize = shard.sessions.all().map(|session| session.queue.cost()).sum();
    queues + shard.connections.iter().map(|(_, client)| client.output.len()).sum::<usize>()
}

#[test]
fn a_thousand_subscribers_who_do_not_read_hold_no_more_than_the_site_grants() {
    let mut world = World::new(1);
    world.shards[0].backlog = Backlog::new(1 << 20);
    // Nobody takes what is sent to them: their sockets are full.
    let stalled = world.connect(&client("stalled"));
    world.subscribe(stalled, "q0", Qos::AtMostOnce);
    let mut away = Vec::new();
    for number in 0..20 {
        lasting(&format!("away {number}"), |connect| {
            let at = world.connect(&connect);
            world.subscribe(at, "q1", Qos::AtLeastOnce);
            away.push(at);
        });
    }
    world.commit();
    away.iter().for_each(|at| world.lose(*at));
    let bo = world.connect(&client("bo"));
    for number in 0..2_000 {
        world.publish(bo, "q0", &"x".repeat(1_000), (Qos::AtMostOnce, 0));
        world.publish(bo, "q1", "y", (Qos::AtLeastOnce, number % 500 + 1));
        if number % 100 == 0 {
            world.commit();
            world.heard(bo);
        }
    }
    world.commit();
    let held = waiting(&world);
    assert!(held <= 2 << 20, "{held} bytes");
    assert!(world.shards[0].common.meter.total(Event::MessageDropped) > 0);
    // Whoever is not behind is not touched by it.
    let carl = world.connect(&client("carl"));
    world.subscribe(carl, "q1", Qos::AtLeastOnce);
    world.heard(carl);
    world.publish(bo, "q1", "fresh", (Qos::AtLeastOnce, 9));
    world.check(carl, &expect!["PUBLISH q1 fresh AtLeastOnce"]);
}

#[test]
fn a_queue_that_had_to_drop_owes_what_it_kept_and_nothing_else() {
    let mut world = World::new(1);
    world.shards[0].backlog = Backlog::new(1 << 16);
    lasting("anna", |connect| {
        let at = world.connect(&connect);
        world.subscribe(at, "a", Qos::AtLeastOnce);
        world.commit();
        world.lose(at);
    });
    let bo = world.connect(&client("bo"));
    for number in 0..5_000 {
        world.publish(bo, "a", "y", (Qos::AtLeastOnce, number % 500 + 1));
        if number % 100 == 0 {
            world.commit();
            world.heard(bo);
        }
    }
    world.commit();
    world.commit();
    let kept = world.shards[0].sessions.of("anna").unwrap().queue.len();
    assert!((1_000..5_000).contains(&kept), "{kept}");
    assert_eq!(world.owed("anna"), kept);
}
