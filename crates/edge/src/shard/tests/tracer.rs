//! What an operator sees of one client.

use std::fmt::Write as _;

use model::census::Unanswered;
use model::trace::{EVENTS_WAITING, Packet as Line, Silence, Tracing, What, Wish};

use super::*;

fn wish(client: &str, payload: bool) -> Wish {
    Wish { client: client.into(), span: Duration::from_secs(60), payload }
}

impl World {
    fn traces(&mut self, client: &str, payload: bool) -> Result<Tracing, Unanswered> {
        let now = self.now;
        self.shards[0].trace(wish(client, payload), now)
    }

    /// Everything is written to the sockets, and those that are done with are closed.
    fn flushes(&mut self) {
        for shard in &mut self.shards {
            while let Some(key) = shard.next_dirty() {
                drop(shard.take_output(key, usize::MAX));
                if shard.is_finished(key) {
                    shard.release(key);
                }
            }
        }
    }
}

fn line(told: &Line) -> String {
    let mut text = told.kind.to_owned();
    if let Some(id) = told.packet_id {
        write!(text, " {id}").unwrap();
    }
    if let Some(it) = &told.message {
        let payload = it.payload.as_deref().map(String::from_utf8_lossy);
        write!(text, " {} {:?} {} {payload:?}", it.topic, it.qos, it.payload_bytes).unwrap();
    }
    if !told.filters.is_empty() {
        write!(text, " {:?}", told.filters).unwrap();
    }
    text
}

/// What was told, and how it ended or goes on.
fn seen(tracing: &Tracing) -> String {
    let mut lines = Vec::new();
    loop {
        match tracing.next(Duration::ZERO) {
            Ok(traced) => lines.push(match traced.what {
                What::In(packet) => format!("> {}", line(&packet)),
                What::Out(packet) => format!("< {}", line(&packet)),
                What::Closed => "closed".to_owned(),
            }),
            Err(Silence::Yet) => return lines.join("\n"),
            Err(Silence::Over) => {
                lines.push("over".to_owned());
                return lines.join("\n");
            }
        }
    }
}

#[test]
fn a_client_is_seen_from_its_connect_to_its_end() {
    let mut world = World::new(1);
    let tracing = world.traces("anna", false).unwrap();
    let bo = world.connect(&client("bo"));
    let anna = world.connect(&client("anna"));
    world.subscribe(anna, "farm/#", Qos::AtLeastOnce);
    world.publish(bo, "farm/t", "21.5", (Qos::AtLeastOnce, 7));
    world.publish(anna, "other", "secret", (Qos::AtLeastOnce, 9));
    world.flushes();
    world.commit();
    world.send(anna, &Packet::PubAck(ack(1, Reason::Success)));
    world.flushes();
    world.lose(anna);
    world.flushes();
    assert_eq!(tracing.dropped(), 0);
    expect![[r#"
        > CONNECT
        > SUBSCRIBE 1 ["farm/#"]
        > PUBLISH 9 other AtLeastOnce 6 None
        < CONNACK
        < SUBACK 1
        < PUBLISH 1 farm/t AtLeastOnce 4 None
        > PUBACK 1
        < PUBACK 9
        closed"#]]
    .assert_eq(&seen(&tracing));
}

#[test]
fn a_connected_client_is_seen_from_now_on_and_payloads_if_asked_for() {
    let mut world = World::new(1);
    let anna = world.connect(&client("anna"));
    world.subscribe(anna, "farm/#", Qos::AtMostOnce);
    // What it has not been sent yet belongs to the time before.
    let tracing = world.traces("anna", true).unwrap();
    world.publish(anna, "farm/t", "21.5", (Qos::AtMostOnce, 0));
    world.flushes();
    expect![[r#"
        > PUBLISH farm/t AtMostOnce 4 Some("21.5")
        < PUBLISH farm/t AtMostOnce 4 Some("21.5")"#]]
    .assert_eq(&seen(&tracing));
}

#[test]
fn a_connection_that_is_taken_over_is_seen_to_its_end() {
    let mut world = World::new(1);
    world.connect(&client("anna"));
    world.flushes();
    let tracing = world.traces("anna", false).unwrap();
    world.connect(&client("anna"));
    world.flushes();
    expect![[r#"
        > CONNECT
        < CONNACK
        < DISCONNECT
        closed"#]]
    .assert_eq(&seen(&tracing));
}

#[test]
fn a_trace_is_over_with_its_time_and_with_its_reader() {
    let mut world = World::new(1);
    let tracing = world.traces("anna", false).unwrap();
    world.later(59);
    assert_eq!(tracing.next(Duration::ZERO), Err(Silence::Yet));
    world.later(1);
    assert_eq!(tracing.next(Duration::ZERO), Err(Silence::Over));
    assert!(world.shards[0].traces.is_empty());
    drop(world.traces("anna", false));
    world.later(1);
    assert!(world.shards[0].traces.is_empty());
}

#[test]
fn a_slow_reader_is_told_how_much_it_missed() {
    let mut world = World::new(1);
    let anna = world.connect(&client("anna"));
    let tracing = world.traces("anna", false).unwrap();
    for _ in 0..EVENTS_WAITING + 5 {
        world.send(anna, &Packet::PingReq);
    }
    assert_eq!(tracing.dropped(), 5);
}

#[test]
fn there_are_only_so_many_traces() {
    let mut world = World::new(1);
    let mut held = Vec::new();
    let refused = loop {
        match world.traces("anna", false) {
            Ok(tracing) => held.push(tracing),
            Err(refused) => break refused,
        }
    };
    assert_eq!((refused, held.len()), (Unanswered::Full, 8));
    held.pop();
    held.push(world.traces("anna", false).unwrap());
}

#[test]
fn nobody_sees_how_a_client_proves_who_it_is() {
    let mut world = authenticating::guarded(1);
    let tracing = world.traces("anna", true).unwrap();
    let (anna, _) = world.logs_in("anna", "anna", "pencil");
    world.auth(anna, (Reason::ReAuthenticate, "MOTTO"), b"I am anna");
    world.flushes();
    let mut lines = Vec::new();
    while let Ok(traced) = tracing.next(Duration::ZERO) {
        let shown = format!("{:?}", traced.what);
        // The nonce, the word, and every other text that was said.
        for secret in ["AwMD", "I am", "n=", "r=", "SCRAM", "MOTTO"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        if let What::In(packet) | What::Out(packet) = traced.what {
            lines.push(line(&packet));
        }
    }
    // The helper takes what is written before a trace can look at it, all but the last.
    let shown = lines.join(" ");
    assert!(shown.starts_with("CONNECT") && shown.contains("AUTH"), "{shown}");
}
