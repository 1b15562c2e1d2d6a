//! Packets as bytes, by hand, and what becomes of them.

use expect_test::{Expect, expect};

use super::*;

mod reference;
mod round_trip;
mod table;

const MAX: u32 = 1 << 20;

/// What becomes of the bytes, as text.
fn outcome(version: Version, hex: &str) -> String {
    let bytes: Vec<u8> =
        hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    match decode(&bytes, version, MAX) {
        Ok(Some((packet, used))) => {
            assert_eq!(used, bytes.len(), "the packet is all of the bytes");
            wrapped(&format!("{packet:?}"))
        }
        Ok(None) => "incomplete".to_owned(),
        Err(malformed) => format!("{malformed:?}"),
    }
}

/// In lines that fit this file.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(", ") {
        if lines.last().is_some_and(|line| line.len() + word.len() > 80) {
            lines.push(String::new());
        }
        lines.last_mut().unwrap().push_str(word);
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check(version: Version, hex: &str, expected: &Expect) {
    expected.assert_eq(&outcome(version, hex));
}

/// For what both versions understand in the same way.
#[track_caller]
fn check_both(hex: &str, expected: &Expect) {
    let seen = outcome(Version::V311, hex);
    assert_eq!(seen, outcome(Version::V5, hex));
    expected.assert_eq(&seen);
}
