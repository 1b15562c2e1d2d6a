//! How many messages of one kind the recogniser reads per second of CPU:
//! `cargo run --release -p dialect --example read_speed [KIND]`.

use std::hint::black_box;

use dialect::{Context, Outcome, Recognizer, Zone};
use model::{Message, Qos, Timestamp, TopicName};

const ROUNDS: u32 = 2_000_000;

const KINDS: [(&str, &str, &str); 7] = [
    ("plain, 2 signals", "farm/barn1/state", r#"{"t":21.5,"h":40.1}"#),
    ("plain, long names", "farm/barn1", r#"{"temperature":21.5,"humidity":40.1}"#),
    ("plain, with a time", "farm/barn1", r#"{"ts":1714816800,"t":21.5,"h":40.1}"#),
    ("plain number", "farm/barn1/temperature", "23.4"),
    ("thingsboard", "v1/devices/me/telemetry", r#"{"t":21.5,"h":40.1}"#),
    (
        "thingsboard, timed",
        "v1/devices/me/telemetry",
        r#"{"ts":1714816800000,"values":{"temperature":21.5,"humidity":40.1}}"#,
    ),
    (
        "senml",
        "farm/barn1",
        r#"[{"bn":"urn:dev:ow:10e2073a01080063:","n":"t","u":"Cel","v":21.5},{"n":"h","u":"%RH","v":40.1}]"#,
    ),
];

#[expect(clippy::print_stdout, reason = "a program for people")]
fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    for (kind, topic, payload) in KINDS.iter().filter(|(kind, ..)| kind.contains(&wanted)) {
        let Ok(topic) = TopicName::parse(topic) else { continue };
        let message = Message {
            received_at: Timestamp::from_millis(1_714_816_800_000),
            client: "client-1",
            credential: None,
            topic,
            payload: payload.as_bytes(),
            properties: &[],
            qos: Qos::AtLeastOnce,
            retain: false,
        };
        let nanos = nanos_per_message(&message);
        println!("{kind:20} {nanos:6.0} ns a message, {:>9.0} a second", 1e9 / nanos);
    }
}

fn nanos_per_message(message: &Message<'_>) -> f64 {
    let zone = Zone::default();
    let ctx = Context { zone: &zone, credential_is_device: false, bridged: false };
    let (mut recognizer, mut out) = (Recognizer::new(), Outcome::new());
    let mut readings = 0;
    let start = cpu_seconds();
    for _ in 0..ROUNDS {
        recognizer.read(black_box(message), &ctx, &mut out);
        for group in out.groups() {
            readings += black_box(group.readings()).count();
        }
    }
    black_box(readings);
    (cpu_seconds() - start) * 1e9 / f64::from(ROUNDS)
}

/// CPU time of this process, which others on the machine cannot stretch.
fn cpu_seconds() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "seconds and nanoseconds of one run are small")]
    let (seconds, nanos) = (used.tv_sec as f64, used.tv_nsec as f64);
    seconds + nanos / 1e9
}
