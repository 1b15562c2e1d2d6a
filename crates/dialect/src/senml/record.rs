//! One record, as it is written and as it is meant once the base fields are applied.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::{SEPARATORS, strip_prefix};
use crate::json::{Item, Kind};

pub(super) const LABELS: [&str; 15] =
    ["bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t", "ut"];

/// A record as written. A later member replaces an earlier one of the same name.
#[derive(Clone, Debug, Default)]
pub(super) struct Record<'a> {
    pub(super) base_name: Option<&'a str>,
    pub(super) base_time: Option<f64>,
    pub(super) base_unit: Option<&'a str>,
    pub(super) base_value: Option<f64>,
    pub(super) base_sum: Option<f64>,
    pub(super) name: Option<&'a str>,
    pub(super) unit: Option<&'a str>,
    pub(super) worth: Worth<'a>,
    pub(super) sum: Option<f64>,
    pub(super) time: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Worth<'a> {
    #[default]
    Nothing,
    Number(f64),
    Boolean(bool),
    Text(&'a str),
    Data(Vec<u8>),
}

/// A record with the base fields applied.
#[derive(Clone, Debug)]
pub(super) struct Resolved<'a> {
    pub(super) device: &'a str,
    /// Empty when the name is the device's own.
    pub(super) signal: &'a str,
    pub(super) unit: Option<&'a str>,
    pub(super) worth: Worth<'a>,
    pub(super) sum: Option<f64>,
    pub(super) base_time: f64,
    pub(super) time: f64,
}

/// The base fields in force (RFC 8428, 4.6).
#[derive(Debug, Default)]
pub(super) struct Resolver<'a> {
    name: &'a str,
    time: f64,
    unit: Option<&'a str>,
    value: Option<f64>,
    sum: Option<f64>,
}

impl<'a> Record<'a> {
    /// `None` when a member has a value of the wrong type.
    pub(super) fn from_json(item: Item<'a>) -> Option<Self> {
        let mut record = Self::default();
        for member in item.members() {
            let (number, text) = (number_of(member), member.text());
            match member.key() {
                "bn" => record.base_name = Some(text?),
                "bt" => record.base_time = Some(number?),
                "bu" => record.base_unit = Some(text?),
                "bv" => record.base_value = Some(number?),
                "bs" => record.base_sum = Some(number?),
                "n" => record.name = Some(text?),
                "u" => record.unit = Some(text?),
                "v" if member.kind() == Kind::Digits => record.worth = Worth::Text(member.raw()),
                "v" => record.worth = Worth::Number(number?),
                "vs" => record.worth = Worth::Text(text?),
                "vb" => record.worth = Worth::Boolean(member.boolean()?),
                "vd" => record.worth = Worth::Data(data_of(text?)?),
                "s" => record.sum = Some(number?),
                "t" => record.time = Some(number?),
                // The version, and the longest time to the next record.
                _ => {}
            }
        }
        Some(record)
    }
}

fn number_of(member: Item<'_>) -> Option<f64> {
    if member.kind() == Kind::Digits { member.raw().parse().ok() } else { member.number() }
}

/// The standard asks for the URL-safe alphabet without padding; senders use the other one, too.
fn data_of(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    URL_SAFE_NO_PAD.decode(text).or_else(|_fault| STANDARD_NO_PAD.decode(text)).ok()
}

impl<'a> Resolver<'a> {
    /// `None` for a record that holds base fields only.
    pub(super) fn resolve(&mut self, record: &Record<'a>) -> Option<Resolved<'a>> {
        self.name = record.base_name.unwrap_or(self.name);
        self.time = record.base_time.unwrap_or(self.time);
        self.unit = record.base_unit.or(self.unit);
        self.value = record.base_value.or(self.value);
        self.sum = record.base_sum.or(self.sum);
        let worth = self.worth(record);
        let sum = self.sum_of(record);
        if worth == Worth::Nothing && sum.is_none() {
            return None;
        }
        let (device, signal) = device_and_signal(self.name, record.name.unwrap_or_default());
        Some(Resolved {
            device,
            signal,
            unit: record.unit.or(self.unit),
            worth,
            sum,
            base_time: self.time,
            time: record.time.unwrap_or_default(),
        })
    }

    fn worth(&self, record: &Record<'a>) -> Worth<'a> {
        match (&record.worth, self.value) {
            (Worth::Number(own), Some(base)) => Worth::Number(base + own),
            // A missing value counts as zero when there is a base value, but a record of base
            // fields alone is no reading.
            (Worth::Nothing, Some(base)) if record.name.is_some() && record.sum.is_none() => {
                Worth::Number(base)
            }
            (own, _) => own.clone(),
        }
    }

    fn sum_of(&self, record: &Record<'a>) -> Option<f64> {
        record.sum.map(|own| own + self.sum.unwrap_or_default())
    }
}

/// The base name is the device. Without one, a name that is a URN holds both.
fn device_and_signal<'a>(base: &'a str, name: &'a str) -> (&'a str, &'a str) {
    if !base.is_empty() {
        return (base.trim_end_matches(SEPARATORS), name.trim_start_matches(SEPARATORS));
    }
    let Some(rest) = strip_prefix(name, "urn:dev:") else { return ("", name) };
    // urn:dev:<kind>:<identifier>, where an identifier may hold '-' and '.'.
    let kind = rest.find(':').map_or(rest.len(), |at| at + 1);
    let end = rest.get(kind..).and_then(|id| id.find([':', '/', '_']));
    let end = end.map_or(name.len(), |at| name.len() - rest.len() + kind + at);
    let (device, signal) = name.split_at_checked(end).unwrap_or((name, ""));
    (device, signal.trim_start_matches(SEPARATORS))
}
