//! A stream of messages is a function: the same again gives the same again, across a restart too.

use dialect::{Context, Note, Outcome, Recognizer, StateFault, Zone};
use model::{Message, Qos, Timestamp, TopicName};
use proptest::prelude::*;

use crate::golden::shown;

const GOLDEN: &[u8] = include_bytes!("../golden/dialect-state-v1.bin");

fn message<'a>(topic: &'a str, payload: &'a str, minute: i64) -> Message<'a> {
    Message {
        received_at: Timestamp::from_millis(1_714_816_800_000 + minute * 60_000),
        client: "client-1",
        credential: None,
        topic: TopicName::parse(topic).unwrap(),
        payload: payload.as_bytes(),
        properties: &[],
        qos: Qos::AtLeastOnce,
        retain: false,
    }
}

fn read(recognizer: &mut Recognizer, message: &Message<'_>) -> Outcome {
    let (zone, mut out) = (Zone::default(), Outcome::new());
    let ctx = Context { zone: &zone, credential_is_device: false, bridged: false };
    recognizer.read(message, &ctx, &mut out);
    out
}

/// Two hours ahead of its receipt, which is what a wrong zone looks like.
const TWO_HOURS_OFF: [&str; 4] = [
    r#"{"time":"2024-05-04 12:00:10","v":1}"#,
    r#"{"time":"2024-05-04 12:01:05","v":1}"#,
    r#"{"time":"2024-05-04 12:02:00","v":1}"#,
    r#"{"time":"2024-05-04 12:03:00","v":1}"#,
];

fn proposals(recognizer: &mut Recognizer, minutes: std::ops::Range<usize>) -> Vec<bool> {
    let proposed = |minute: usize| {
        let at = i64::try_from(minute).unwrap();
        let out = read(recognizer, &message("farm/a", TWO_HOURS_OFF[minute], at));
        out.notes().contains(&Note::ZoneProposed { quarters: 8 })
    };
    minutes.map(proposed).collect()
}

#[test]
fn three_times_the_same_offset_propose_a_zone_once() {
    assert_eq!(proposals(&mut Recognizer::new(), 0..4), [false, false, true, false]);
}

#[test]
fn a_right_time_in_between_starts_anew() {
    let mut recognizer = Recognizer::new();
    assert_eq!(proposals(&mut recognizer, 0..2), [false, false]);
    read(&mut recognizer, &message("farm/a", r#"{"time":"2024-05-04 10:02:00","v":1}"#, 2));
    assert_eq!(proposals(&mut recognizer, 2..4), [false, false]);
}

#[test]
fn what_was_learned_survives_a_restart() {
    let mut recognizer = Recognizer::new();
    proposals(&mut recognizer, 0..2);
    let mut restored = Recognizer::restore(&recognizer.snapshot()).unwrap();
    assert_eq!(proposals(&mut restored, 2..4), [true, false]);
}

#[test]
fn a_device_that_is_forgotten_begins_anew() {
    for (is_known, expected) in [(true, [true, false]), (false, [false, false])] {
        let mut recognizer = Recognizer::new();
        proposals(&mut recognizer, 0..2);
        recognizer.retain(|key| is_known && key == "topic:farm/a");
        assert_eq!(proposals(&mut recognizer, 2..4), expected, "known: {is_known}");
    }
}

#[test]
fn version_one_of_the_state_still_reads() {
    let mut recognizer = Recognizer::new();
    proposals(&mut recognizer, 0..2);
    assert_eq!(recognizer.snapshot(), GOLDEN, "the format changed: it needs a version of its own");
    let mut restored = Recognizer::restore(GOLDEN).unwrap();
    assert_eq!(proposals(&mut restored, 2..3), [true]);
}

#[test]
fn a_damaged_state_is_refused_wherever_the_damage_is() {
    for at in 0..GOLDEN.len() {
        let mut bytes = GOLDEN.to_vec();
        bytes[at] ^= 0x10;
        assert!(Recognizer::restore(&bytes).is_err(), "byte {at}");
        assert!(Recognizer::restore(&GOLDEN[..at]).is_err(), "{at} bytes");
    }
    let mut newer = GOLDEN.to_vec();
    newer[4] = 2;
    assert_eq!(Recognizer::restore(&newer).err(), Some(StateFault::Version(2)));
}

fn any_message() -> impl Strategy<Value = (String, String)> {
    let topic = prop_oneof![
        Just("farm/a".to_owned()),
        Just("v1/devices/me/telemetry".to_owned()),
        Just("v1/gateway/telemetry".to_owned()),
        "[a-c]{1,2}(/[a-c]{1,2}){0,2}",
    ];
    let payload = prop_oneof![
        prop::sample::select(TWO_HOURS_OFF.as_slice()).prop_map(str::to_owned),
        Just(r#"[{"bn":"urn:dev:ow:1:","n":"t","v":1,"t":-5}]"#.to_owned()),
        Just(r#"{"A":[{"ts":1714816800000,"values":{"x":1,"y":"on"}}]}"#.to_owned()),
        "[0-9]{1,3}",
    ];
    (topic, payload)
}

proptest! {
    #[test]
    fn the_same_stream_gives_the_same_outcomes_across_a_restart(
        messages in prop::collection::vec(any_message(), 1..24),
        restart in any::<prop::sample::Index>(),
    ) {
        let (mut steady, mut restarted) = (Recognizer::new(), Recognizer::new());
        let restart = restart.index(messages.len());
        for (place, (topic, payload)) in messages.iter().enumerate() {
            if place == restart {
                restarted = Recognizer::restore(&restarted.snapshot()).unwrap();
            }
            let message = message(topic, payload, i64::try_from(place / 4).unwrap());
            let (one, other) = (read(&mut steady, &message), read(&mut restarted, &message));
            prop_assert_eq!(shown(&one), shown(&other));
        }
        prop_assert_eq!(steady.snapshot(), restarted.snapshot());
    }
}
