//! Readings as packs of SenML, each small enough to be read as a whole.

use std::fmt::Write as _;

use dialect::LEAVES_MAX;
use hashbrown::HashMap;
use model::{Timestamp, Unit, Value};

use crate::sink::Found;

/// A reader compares each record with the groups before it: half of what a pack may have costs a
/// quarter.
pub(crate) const PACK_RECORDS_MAX: usize = 512;

/// The door takes 512 KiB.
const PACK_BYTES_MAX: usize = 384 << 10;

/// From here on a double no longer holds every whole number, and a reader takes one without an
/// exponent for a text of digits.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Packs, one a line.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    text: String,
    /// Where the open pack begins.
    start: usize,
    records: usize,
    /// Of the record before, as far as it holds for the next.
    device: String,
    at: Option<Timestamp>,
    /// How many of the pack belong to one device and time.
    piles: HashMap<(u64, Timestamp), usize, foldhash::fast::FixedState>,
}

impl Packer {
    pub(crate) fn push(&mut self, found: &Found<'_>) {
        let bytes = self.text.len() - self.start;
        let pile = self.pile(found);
        if self.records == PACK_RECORDS_MAX || bytes > PACK_BYTES_MAX || pile >= LEAVES_MAX {
            self.close();
        }
        let key = (hash(found.device), found.at);
        *self.piles.entry(key).or_insert(0) += 1;
        self.text.push_str(if self.records == 0 { "[" } else { "," });
        self.records += 1;
        self.record(found);
    }

    /// All packs, whole.
    pub(crate) fn packs(&mut self) -> &str {
        self.close();
        &self.text
    }

    pub(crate) fn clear(&mut self) {
        self.close();
        self.text.clear();
        self.start = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    fn pile(&self, found: &Found<'_>) -> usize {
        self.piles.get(&(hash(found.device), found.at)).copied().unwrap_or_default()
    }

    fn close(&mut self) {
        if self.records > 0 {
            self.text.push_str("]\n");
        }
        self.start = self.text.len();
        self.records = 0;
        self.device.clear();
        self.at = None;
        self.piles.clear();
    }

    fn record(&mut self, found: &Found<'_>) {
        self.text.push('{');
        if self.device != found.device {
            found.device.clone_into(&mut self.device);
            self.text.push_str("\"bn\":");
            push_text(&mut self.text, found.device);
            self.text.push(',');
        }
        if self.at != Some(found.at) {
            self.at = Some(found.at);
            push_time(&mut self.text, found.at);
        }
        self.text.push_str("\"n\":");
        push_text(&mut self.text, found.signal);
        if let (Some(unit), Value::Number(_)) = (found.unit, found.value) {
            self.text.push_str(",\"u\":");
            push_text(&mut self.text, name_of(unit));
        }
        push_value(&mut self.text, found.value);
        self.text.push('}');
    }
}

/// A collision closes a pack earlier than needed, no more.
fn hash(text: &str) -> u64 {
    use std::hash::BuildHasher as _;
    foldhash::fast::FixedState::default().hash_one(text)
}

/// What a reader of SenML takes for this unit: some codes of UCUM are other units there.
fn name_of(unit: Unit) -> &'static str {
    let reads = |name: &str| Unit::from_senml(name).or_else(|| Unit::from_text(name));
    [unit.code(), unit.print()].into_iter().find(|name| reads(name) == Some(unit)).unwrap_or("")
}

fn push_time(out: &mut String, at: Timestamp) {
    let (seconds, micros) = (at.micros().div_euclid(1_000_000), at.micros().rem_euclid(1_000_000));
    let written = if micros == 0 {
        write!(out, "\"bt\":{seconds},")
    } else {
        write!(out, "\"bt\":{seconds}.{micros:06},")
    };
    // Writing to a String cannot fail.
    debug_assert_eq!(written, Ok(()));
}

fn push_value(out: &mut String, value: Value<'_>) {
    let written = match value {
        Value::Number(number) if number.abs() >= WHOLE_MAX => write!(out, ",\"v\":{number:e}"),
        Value::Number(number) => write!(out, ",\"v\":{number}"),
        Value::Boolean(truth) => write!(out, ",\"vb\":{truth}"),
        Value::Text(text) => {
            out.push_str(",\"vs\":");
            push_text(out, text);
            Ok(())
        }
    };
    debug_assert_eq!(written, Ok(()));
}

fn push_text(out: &mut String, text: &str) {
    let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\' && byte != 0x7f;
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests;
