//! SenML in CBOR (RFC 8428, 6; RFC 8949): an own decoder that knows exactly what a pack may hold.

use super::RECORDS_MAX;
use super::record::{Record, Worth};
use crate::value::widen;

/// Members of one record: every label once, and as many again that are not ours.
const MEMBERS_MAX: usize = 32;

/// A decimal fraction beyond this is no measurement.
const EXPONENT_MAX: i128 = 308;

const DECIMAL_FRACTION: u64 = 4;

/// Labels are numbers here (RFC 8428, table 4).
const LABELS: [(i128, &str); 15] = [
    (-1, "bver"),
    (-2, "bn"),
    (-3, "bt"),
    (-4, "bu"),
    (-5, "bv"),
    (-6, "bs"),
    (0, "n"),
    (1, "u"),
    (2, "v"),
    (3, "vs"),
    (4, "vb"),
    (5, "s"),
    (6, "t"),
    (7, "ut"),
    (8, "vd"),
];

/// An array whose first element is a map with at least one member: no UTF-8 text starts so.
pub(crate) fn is_cbor_pack(bytes: &[u8]) -> bool {
    let mut reader = Reader(bytes);
    let Some(Head::Array(length)) = reader.head() else { return false };
    length != Some(0) && matches!(reader.head(), Some(Head::Map(count)) if count != Some(0))
}

/// The records of a pack, and whether there were too many.
pub(super) fn decode(bytes: &[u8]) -> Option<(Vec<Record<'_>>, bool)> {
    let mut reader = Reader(bytes);
    let Head::Array(count) = reader.head()? else { return None };
    let mut records = Vec::new();
    let mut seen = 0;
    while reader.goes_on(count, seen)? {
        if seen == RECORDS_MAX {
            return Some((records, true));
        }
        records.push(reader.record()?);
        seen += 1;
    }
    reader.0.is_empty().then_some((records, false))
}

/// The first bytes of a data item. `None` for a length: until a break.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Head<'a> {
    Integer(i128),
    Data(&'a [u8]),
    Text(&'a str),
    Array(Option<usize>),
    Map(Option<usize>),
    Tag(u64),
    Float(f64),
    Boolean(bool),
    Null,
    Break,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn record(&mut self) -> Option<Record<'a>> {
        let Head::Map(count) = self.head()? else { return None };
        let mut record = Record::default();
        let mut seen = 0;
        while self.goes_on(count, seen)? {
            if seen == MEMBERS_MAX {
                return None;
            }
            self.member(&mut record)?;
            seen += 1;
        }
        Some(record)
    }

    fn member(&mut self, record: &mut Record<'a>) -> Option<()> {
        let head = self.head()?;
        let label = if let Head::Text(label) = head { label } else { label_of(head)? };
        match label {
            "bn" => record.base_name = Some(self.text()?),
            "bt" => record.base_time = Some(self.number()?),
            "bu" => record.base_unit = Some(self.text()?),
            "bv" => record.base_value = Some(self.number()?),
            "bs" => record.base_sum = Some(self.number()?),
            "n" => record.name = Some(self.text()?),
            "u" => record.unit = Some(self.text()?),
            "v" => record.worth = Worth::Number(self.number()?),
            "vs" => record.worth = Worth::Text(self.text()?),
            "vb" => record.worth = Worth::Boolean(self.boolean()?),
            "vd" => record.worth = Worth::Data(self.data()?),
            "s" => record.sum = Some(self.number()?),
            "t" => record.time = Some(self.number()?),
            "bver" | "ut" => {
                self.number()?;
            }
            // A label that ends in `_` has to be understood (RFC 8428, 4.4); others hold one plain
            // value that is passed over.
            _ => {
                let passed = !label.ends_with('_') && self.head().is_some_and(Head::is_scalar);
                passed.then_some(())?;
            }
        }
        Some(())
    }

    fn text(&mut self) -> Option<&'a str> {
        if let Head::Text(text) = self.head()? { Some(text) } else { None }
    }

    fn data(&mut self) -> Option<Vec<u8>> {
        if let Head::Data(bytes) = self.head()? { Some(bytes.to_vec()) } else { None }
    }

    fn boolean(&mut self) -> Option<bool> {
        if let Head::Boolean(truth) = self.head()? { Some(truth) } else { None }
    }

    fn number(&mut self) -> Option<f64> {
        let head = self.head()?;
        match head {
            Head::Integer(number) => Some(to_double(number)),
            Head::Float(number) => Some(number),
            Head::Tag(DECIMAL_FRACTION) => self.decimal_fraction(),
            Head::Data(_) | Head::Text(_) | Head::Array(_) | Head::Map(_) | Head::Tag(_) => None,
            Head::Boolean(_) | Head::Null | Head::Break => None,
        }
    }

    /// [exponent, mantissa] (RFC 8949, 3.4.4).
    fn decimal_fraction(&mut self) -> Option<f64> {
        let Head::Array(Some(2)) = self.head()? else { return None };
        let Head::Integer(power) = self.head()? else { return None };
        let Head::Integer(digits) = self.head()? else { return None };
        if power.abs() > EXPONENT_MAX {
            return None;
        }
        // Through text, so that 215 and -1 are the double nearest to 21.5.
        format!("{digits}e{power}").parse().ok()
    }

    /// Whether another element follows; takes the break of an open-ended item.
    fn goes_on(&mut self, count: Option<usize>, seen: usize) -> Option<bool> {
        match count {
            Some(count) => Some(seen < count),
            None if *self.0.first()? == BREAK => {
                self.head()?;
                Some(false)
            }
            None => Some(true),
        }
    }

    fn head(&mut self) -> Option<Head<'a>> {
        let [first] = self.take::<1>()?;
        let (major, minor) = (first >> 5, first & 31);
        if major == 7 {
            return self.simple(minor);
        }
        if minor == 31 {
            return match major {
                4 => Some(Head::Array(None)),
                5 => Some(Head::Map(None)),
                // Texts in chunks would have to be copied together; no SenML sender makes them.
                _ => None,
            };
        }
        let argument = self.argument(minor)?;
        let length = || usize::try_from(argument).ok();
        Some(match major {
            0 => Head::Integer(i128::from(argument)),
            1 => Head::Integer(-1 - i128::from(argument)),
            2 => Head::Data(self.slice(length()?)?),
            3 => Head::Text(std::str::from_utf8(self.slice(length()?)?).ok()?),
            4 => Head::Array(Some(length()?)),
            5 => Head::Map(Some(length()?)),
            _ => Head::Tag(argument),
        })
    }

    fn argument(&mut self, minor: u8) -> Option<u64> {
        match minor {
            0..=23 => Some(u64::from(minor)),
            24 => self.take::<1>().map(|bytes| u64::from(u8::from_be_bytes(bytes))),
            25 => self.take().map(|bytes| u64::from(u16::from_be_bytes(bytes))),
            26 => self.take().map(|bytes| u64::from(u32::from_be_bytes(bytes))),
            27 => self.take().map(u64::from_be_bytes),
            _ => None,
        }
    }

    fn simple(&mut self, minor: u8) -> Option<Head<'a>> {
        match minor {
            20 => Some(Head::Boolean(false)),
            21 => Some(Head::Boolean(true)),
            22 | 23 => Some(Head::Null),
            25 => self.take().map(|bytes| Head::Float(half(u16::from_be_bytes(bytes)))),
            26 => self.take().map(|bytes| Head::Float(widen(f32::from_be_bytes(bytes)))),
            27 => self.take().map(|bytes| Head::Float(f64::from_be_bytes(bytes))),
            31 => Some(Head::Break),
            _ => None,
        }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }
}

const BREAK: u8 = 0xff;

fn label_of(head: Head<'_>) -> Option<&'static str> {
    let Head::Integer(number) = head else { return None };
    LABELS.iter().find(|(known, _)| *known == number).map(|(_, label)| *label)
}

impl Head<'_> {
    fn is_scalar(self) -> bool {
        !matches!(self, Self::Array(_) | Self::Map(_) | Self::Tag(_) | Self::Break)
    }
}

/// The nearest double; a CBOR integer has at most 65 bits.
#[expect(clippy::cast_precision_loss, reason = "the value of SenML is a double")]
fn to_double(number: i128) -> f64 {
    number as f64
}

/// IEEE 754 half precision.
fn half(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff);
    let size = match (bits >> 10) & 31 {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        power => (fraction + 1024.0) * 2_f64.powi(i32::from(power) - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}
