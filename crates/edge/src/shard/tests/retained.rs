//! More retained messages than a client takes at once.
use super::*;

const TOPICS: u16 = 1_000;

/// With `TOPICS` retained messages of 100 bytes, of which an output holds forty.
fn world() -> (World, At) {
    let mut world = World::with(1, |limits| limits.output_bytes_max = 4_000);
    let bo = world.connect(&client("bo"));
    for number in 0..TOPICS {
        let payload = "x".repeat(100);
        world.publish(bo, &format!("kept/{number:04}"), &payload, (Qos::AtLeastOnce, number + 1));
    }
    world.commit();
    world.heard(bo);
    (world, bo)
}

/// Takes what a client was sent, and confirms it; says the topics and payloads.
fn reads(world: &mut World, at: At) -> Vec<(String, String)> {
    let bytes = world.shards[at.shard].take_output(at.key, usize::MAX).unwrap();
    let (mut rest, mut heard, mut acks) = (&bytes[..], Vec::new(), Vec::new());
    while let Some((packet, length)) = decode(rest, Version::V5, 1 << 20).unwrap() {
        if let Packet::Publish(publish) = packet {
            let payload = String::from_utf8_lossy(publish.payload).into_owned();
            heard.push((publish.topic.to_owned(), payload));
            acks.extend(publish.packet_id);
        }
        rest = &rest[length..];
    }
    for id in acks {
        world.send(at, &Packet::PubAck(ack(id.get(), Reason::Success)));
    }
    heard
}

fn reads_all(world: &mut World, at: At) -> Vec<(String, String)> {
    let mut all = Vec::new();
    loop {
        world.commit();
        let some = reads(world, at);
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

#[test]
fn retained_messages_go_on_as_their_client_takes_them() {
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce] {
        let (mut world, _bo) = world();
        let anna = world.connect(&client("anna"));
        world.subscribe(anna, "kept/#", qos);
        let first = reads(&mut world, anna).len();
        assert!((10..100).contains(&first), "a part of them, {first}");
        let rest = reads_all(&mut world, anna);
        let topics: Vec<_> = rest.into_iter().map(|(topic, _)| topic).collect();
        let expected: Vec<_> =
            (first..usize::from(TOPICS)).map(|number| format!("kept/{number:04}")).collect();
        assert_eq!(topics, expected);
        assert!(world.shards[0].retained_runs.is_empty());
        assert_eq!(world.shards[0].common.meter.total(model::Event::MessageDropped), 0);
    }
}

#[test]
fn nothing_old_comes_after_something_new() {
    let (mut world, bo) = world();
    let anna = world.connect(&client("anna"));
    world.subscribe(anna, "kept/#", Qos::AtMostOnce);
    reads(&mut world, anna);
    world.publish(bo, "kept/0999", "new", (Qos::AtMostOnce, 0));
    world.publish(bo, "kept/0998", "", (Qos::AtMostOnce, 0));
    let heard = reads_all(&mut world, anna);
    let of = |topic: &str| {
        let found = heard.iter().filter(|(name, _)| name == topic);
        found.map(|(_, payload)| payload.as_str()).collect::<Vec<_>>()
    };
    assert!(of("kept/0999").iter().all(|payload| *payload == "new"));
    assert!(of("kept/0998").iter().all(|payload| payload.is_empty()));
}

#[test]
fn who_comes_back_gets_retained_messages_to_the_end() {
    lasting("anna", |connect| {
        let (mut world, _bo) = world();
        let mut anna = world.connect(&connect);
        world.subscribe(anna, "kept/#", Qos::AtLeastOnce);
        let mut heard = Vec::new();
        for _ in 0..3 {
            world.commit();
            heard.extend(reads(&mut world, anna));
            world.commit();
            world.lose(anna);
            world.commit();
            anna = world.connect(&Connect { clean_start: false, ..connect });
        }
        heard.extend(reads_all(&mut world, anna));
        heard.sort();
        heard.dedup();
        assert_eq!(heard.len(), usize::from(TOPICS));
    });
}

#[test]
fn who_unsubscribes_or_ends_gets_no_more_retained_messages() {
    let (mut world, _bo) = world();
    let (anna, carl) = (world.connect(&client("anna")), world.connect(&client("carl")));
    world.subscribe(anna, "kept/#", Qos::AtMostOnce);
    world.subscribe(carl, "kept/#", Qos::AtMostOnce);
    world.subscribe(carl, "kept/#", Qos::AtMostOnce);
    world.unsubscribe(anna, "kept/#", 2);
    world.lose(carl);
    assert!(reads_all(&mut world, anna).len() < 100);
    world.later(2);
    assert!(world.shards[0].retained_runs.is_empty());
}
