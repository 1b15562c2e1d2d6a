//! What the fuzz targets call and what replays their corpora: any bytes, and what must hold then.
//! An assertion that fails here is a bug of this crate.

use model::{Message, Qos, Timestamp, TopicName};

use crate::json::{DEPTH_MAX, Item, Kind, Tape};
use crate::leaf::LEAVES_MAX;
use crate::name::NAME_BYTES_MAX;
use crate::outcome::Outcome;
use crate::recognizer::{Context, Recognizer};
use crate::time::Zone;

/// 2024-05-04T10:00:00Z.
const RECEIVED_AT_MILLIS: i64 = 1_714_816_800_000;

const WITH_CREDENTIAL: u8 = 1;
const WITH_RETAIN: u8 = 2;

/// One byte of context, the topic up to the first NUL, and the payload.
///
/// # Panics
/// When a limit is broken, or when reading twice gives two outcomes.
pub fn read(input: &[u8]) {
    let Some((flags, rest)) = input.split_first() else { return };
    let Some(end) = memchr::memchr(0, rest) else { return };
    let (Some(topic), Some(payload)) = (rest.get(..end), rest.get(end + 1..)) else { return };
    let Ok(topic) = std::str::from_utf8(topic) else { return };
    let Ok(topic) = TopicName::parse(topic) else { return };
    let message = Message {
        received_at: Timestamp::from_millis(RECEIVED_AT_MILLIS),
        client: "client-1",
        credential: (flags & WITH_CREDENTIAL != 0).then_some("credential-1"),
        topic,
        payload,
        properties: &[],
        qos: Qos::AtLeastOnce,
        retain: flags & WITH_RETAIN != 0,
    };
    let zone = Zone::default();
    let ctx = Context { zone: &zone, credential_is_device: true, bridged: true };
    let (mut recognizer, mut out) = (Recognizer::new(), Outcome::new());
    recognizer.read(&message, &ctx, &mut out);
    check(&out);
    let mut again = Outcome::new();
    let restored = Recognizer::restore(&Recognizer::new().snapshot());
    assert!(restored.is_ok_and(|mut restored| {
        restored.read(&message, &ctx, &mut again);
        format!("{out:?}") == format!("{again:?}")
    }));
}

fn check(out: &Outcome) {
    for group in out.groups() {
        assert!(!group.key().is_empty());
        assert!(group.readings().len() <= LEAVES_MAX);
        for reading in group.readings() {
            assert!((1..=NAME_BYTES_MAX).contains(&reading.name.len()));
            assert!(!reading.name.contains(char::is_control));
            assert!(reading.value.number().is_none_or(f64::is_finite));
        }
    }
}

/// Any bytes as JSON.
///
/// # Panics
/// When an accepted document has a tree that does not fit its text.
pub fn json(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut tape = Tape::default();
    if let Ok(root) = tape.parse(text) {
        assert_eq!(root.raw(), text.trim_matches([' ', '\t', '\n', '\r']));
        walk(root, 0);
    }
}

fn walk(item: Item<'_>, depth: usize) {
    assert!(depth <= DEPTH_MAX);
    let mut children = 0;
    for child in item.children() {
        assert!(item.raw().contains(child.raw()));
        walk(child, depth + 1);
        children += 1;
    }
    assert!(children == item.count() || item.is_cut());
    assert!(item.kind() != Kind::Number || item.number().is_some_and(f64::is_finite));
}
