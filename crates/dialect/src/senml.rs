//! SenML (RFC 8428) in JSON and in CBOR: packs of records with base fields, on any topic.

use std::fmt::Write;

use model::{Timestamp, Unit};

use crate::claim::Body;
use crate::identity::{Hardware, Shape, add_key_of, keys_of_credential, keys_of_topic};
use crate::json::{Item, Kind, Tape};
use crate::leaf::LEAVES_MAX;
use crate::name::{push_name, push_segment};
use crate::note::Note;
use crate::outcome::{GroupHead, Held, Keys, ReadingRow, UnitBasis};
use crate::recognizer::Desk;
use crate::time::Stamp;
use crate::value::TEXT_BYTES_MAX;

mod cbor;
mod record;

pub(crate) use cbor::is_cbor_pack;
use record::{Record, Resolved, Resolver, Worth};

/// Records of one pack: a sensor's backlog of one reading a minute for most of a day.
pub const RECORDS_MAX: usize = 1024;

/// Times at or above this many seconds are since 1970, below they are relative to the receipt
/// (RFC 8428, 4.5.3).
const ABSOLUTE_SECONDS: f64 = 268_435_456.0;

/// The signal of a record whose name is the device's own.
const UNNAMED: &str = "value";

/// Between the base name, which is the device, and the name of the signal.
const SEPARATORS: [char; 5] = [':', '/', '.', '_', '-'];

/// Every record is an object of SenML's own members, one has a name and one a value.
pub(crate) fn is_pack(item: Item<'_>) -> bool {
    let has = |names: &[&str]| {
        item.children().any(|record| record.children().any(|m| names.contains(&m.key())))
    };
    let all_known = |record: Item<'_>| {
        record.kind() == Kind::Object
            && record.children().all(|member| record::LABELS.contains(&member.key()))
    };
    item.kind() == Kind::Array
        && item.count() > 0
        && item.children().all(all_known)
        && has(&["n", "bn"])
        && has(&["v", "vb", "vs", "vd", "s"])
}

/// Whether a text is one pack that is read as a whole.
#[must_use]
pub fn is_senml(text: &str) -> bool {
    let mut tape = Tape::default();
    let pack = tape.parse(text).ok();
    pack.is_some_and(|pack| is_pack(pack) && !pack.is_cut() && pack.count() <= RECORDS_MAX)
}

pub(crate) fn read_json(desk: &mut Desk<'_>, body: Body<'_>) {
    let Some(pack) = body.json() else { return };
    if pack.is_cut() || pack.count() > RECORDS_MAX {
        desk.out.note(Note::Truncated);
    }
    let records = pack.children().take(RECORDS_MAX).map(Record::from_json);
    match records.collect::<Option<Vec<_>>>() {
        Some(records) => read(desk, &records),
        None => refuse(desk),
    }
}

pub(crate) fn read_cbor(desk: &mut Desk<'_>, payload: &[u8]) {
    match cbor::decode(payload) {
        Some((records, cut)) => {
            if cut {
                desk.out.note(Note::Truncated);
            }
            read(desk, &records);
        }
        None => refuse(desk),
    }
}

fn refuse(desk: &mut Desk<'_>) {
    let head = unnamed_head(desk);
    desk.out.open_group(head);
    desk.out.unread(Note::Malformed);
}

/// Readings of one device at one time.
struct Pile<'a> {
    device: &'a str,
    time: Option<Timestamp>,
    records: Vec<Resolved<'a>>,
}

fn read(desk: &mut Desk<'_>, records: &[Record<'_>]) {
    let mut resolver = Resolver::default();
    let mut piles: Vec<Pile<'_>> = Vec::new();
    for record in records {
        let Some(resolved) = resolver.resolve(record) else { continue };
        let time = time_of(&resolved, desk.message.received_at);
        let same = |pile: &&mut Pile<'_>| pile.device == resolved.device && pile.time == time;
        match piles.iter_mut().rev().find(same) {
            Some(pile) => pile.records.push(resolved),
            None => piles.push(Pile { device: resolved.device, time, records: vec![resolved] }),
        }
    }
    for pile in piles {
        let head = head_of(desk, pile.device);
        desk.open_at(head, pile.time.map(|time| (Stamp::Certain(time), None)));
        if pile.records.len() > LEAVES_MAX {
            desk.out.note(Note::Truncated);
        }
        for resolved in pile.records.iter().take(LEAVES_MAX) {
            push_record(desk, head.keys, resolved);
        }
    }
}

/// Base time and time are added as whole microseconds: the sum of two doubles would lose digits.
fn time_of(resolved: &Resolved<'_>, received_at: Timestamp) -> Option<Timestamp> {
    let (base, own) = (resolved.base_time, resolved.time);
    let sum = base + own;
    if sum == 0.0 || !sum.is_finite() {
        return None;
    }
    let micros = |seconds| Stamp::micros_of_seconds(seconds).unwrap_or(i64::MAX);
    let offset = micros(base).saturating_add(micros(own));
    let start = if sum.abs() < ABSOLUTE_SECONDS { received_at.micros() } else { 0 };
    Some(Timestamp::from_micros(start.saturating_add(offset)))
}

/// `urn:dev:` names are the device's own; other base names are weak; without one it is a guess.
fn head_of(desk: &mut Desk<'_>, device: &str) -> GroupHead {
    let device = device.trim();
    if device.is_empty() {
        return unnamed_head(desk);
    }
    let mark = desk.out.keys_mark();
    let mac = strip_prefix(device, "urn:dev:mac:").and_then(Hardware::from_hex);
    let imei = strip_prefix(device, "urn:dev:imei:");
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match (mac.map(Hardware::as_mac), imei.filter(is_number)) {
        (Some(address), _) => desk.out.add_key(address.kind(), address.hex()),
        (None, Some(imei)) => desk.out.add_key("imei", imei),
        (None, None) => match strip_prefix(device, "urn:") {
            Some(rest) => add_key_of(desk.out, "urn", &[rest]),
            None => add_key_of(desk.out, "senml", &[device]),
        },
    }
    GroupHead { keys: desk.out.keys_since(mark), ..GroupHead::default() }
}

fn unnamed_head(desk: &mut Desk<'_>) -> GroupHead {
    match keys_of_credential(desk.message, desk.ctx, desk.out) {
        Some(keys) => GroupHead { keys, ..GroupHead::default() },
        None => {
            let keys = keys_of_topic(desk.message, Shape::Object, desk.out);
            GroupHead { keys, guessed: true, ..GroupHead::default() }
        }
    }
}

fn push_record(desk: &mut Desk<'_>, keys: Keys, resolved: &Resolved<'_>) {
    let mut name = String::new();
    push_segment(&mut name, resolved.signal);
    if name.is_empty() {
        name.push_str(UNNAMED);
    }
    let unit_text = resolved.unit.map(str::trim).filter(|unit| !unit.is_empty());
    if let Some(value) = held(desk, keys, &name, resolved) {
        let is_number = matches!(value, Held::Number(_));
        let unit = unit_text.filter(|_| is_number).and_then(|text| unit_of(desk, text));
        push_reading(desk, &name, value, unit);
    }
    if let Some(sum) = resolved.sum.filter(|sum| sum.is_finite()) {
        name.push_str(".sum");
        let unit = unit_text.and_then(|text| unit_of(desk, &format!("{text}.s")));
        push_reading(desk, &name, Held::Number(sum), unit);
    }
}

fn held(desk: &mut Desk<'_>, keys: Keys, name: &str, resolved: &Resolved<'_>) -> Option<Held> {
    match &resolved.worth {
        Worth::Nothing => None,
        Worth::Number(number) => number.is_finite().then_some(Held::Number(*number)),
        Worth::Boolean(truth) => Some(Held::Boolean(*truth)),
        Worth::Text("") => None,
        Worth::Text(text) if text.len() > TEXT_BYTES_MAX => {
            let name = desk.out.put(name);
            let json = desk.out.put_json_text(text);
            desk.out.add_attribute(keys, name, json);
            None
        }
        Worth::Text(text) => Some(Held::Text(desk.out.put(text))),
        Worth::Data(bytes) if bytes.len() * 2 > TEXT_BYTES_MAX => {
            let name = desk.out.put(name);
            let json = desk.out.put_json_text(&hex(bytes));
            desk.out.add_attribute(keys, name, json);
            None
        }
        Worth::Data(bytes) => Some(Held::Text(desk.out.put(&hex(bytes)))),
    }
}

fn push_reading(desk: &mut Desk<'_>, name: &str, value: Held, unit: Option<Unit>) {
    let start = desk.out.mark();
    if push_name(desk.out.text_mut(), name) {
        desk.out.note(Note::NameCut);
    }
    let name = desk.out.since(start);
    let basis = if unit.is_some() { UnitBasis::Message } else { UnitBasis::Unstated };
    desk.out.push(ReadingRow { name, value, unit, basis });
}

fn unit_of(desk: &mut Desk<'_>, text: &str) -> Option<Unit> {
    let unit = Unit::from_senml(text).or_else(|| Unit::from_text(text));
    if unit.is_none() {
        desk.out.note(Note::UnknownUnit);
    }
    unit
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let written = write!(text, "{byte:02x}");
        debug_assert_eq!(written, Ok(()));
        text
    })
}

/// URNs ignore case in front (RFC 8141).
fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..)).flatten()
}
