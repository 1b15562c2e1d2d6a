//! Amounts that carry their unit: `64MiB`, `15min`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Largest first, so that printing takes the first that divides.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

const SPANS: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Bytes(u64);

/// A length of time, in whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Span(Duration);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QuantityFault {
    #[error("a size is a number with a unit, like 64MiB, 4GiB or 512kB")]
    Bytes,
    #[error("a time is a number with a unit, like 500ms, 10s, 15min, 12h or 7d")]
    Span,
}

impl Bytes {
    pub(crate) const fn kibi(count: u64) -> Self {
        Self(count << 10)
    }

    pub(crate) const fn mebi(count: u64) -> Self {
        Self(count << 20)
    }

    #[must_use]
    pub(crate) const fn get(self) -> u64 {
        self.0
    }
}

impl Span {
    pub(crate) const fn of(length: Duration) -> Self {
        Self(length)
    }

    pub(crate) const ZERO: Self = Self(Duration::ZERO);

    pub(crate) const fn days(count: u64) -> Self {
        Self(Duration::from_secs(count * 86_400))
    }

    pub(crate) const fn minutes(count: u64) -> Self {
        Self(Duration::from_secs(count * 60))
    }

    pub(crate) const fn seconds(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }

    #[must_use]
    pub(crate) const fn get(self) -> Duration {
        self.0
    }
}

/// A whole number and a unit of the table; blanks between them do not matter.
fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    let unit = unit.trim();
    let (_, size) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    number.parse::<u64>().ok()?.checked_mul(*size)
}

fn print(
    amount: u64,
    units: &[(&str, u64)],
    zero: &str,
    out: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let fits = |(_, size): &&(&str, u64)| amount.is_multiple_of(*size);
    match units.iter().find(fits).filter(|_| amount > 0) {
        Some((name, size)) => write!(out, "{}{name}", amount / size),
        None => write!(out, "0{zero}"),
    }
}

impl FromStr for Bytes {
    type Err = QuantityFault;

    fn from_str(text: &str) -> Result<Self, QuantityFault> {
        parse(text, &SIZES).map(Self).ok_or(QuantityFault::Bytes)
    }
}

impl FromStr for Span {
    type Err = QuantityFault;

    fn from_str(text: &str) -> Result<Self, QuantityFault> {
        let micros = parse(text, &SPANS).ok_or(QuantityFault::Span)?;
        Ok(Self(Duration::from_micros(micros)))
    }
}

impl TryFrom<String> for Bytes {
    type Error = QuantityFault;

    fn try_from(text: String) -> Result<Self, QuantityFault> {
        text.parse()
    }
}

impl TryFrom<String> for Span {
    type Error = QuantityFault;

    fn try_from(text: String) -> Result<Self, QuantityFault> {
        text.parse()
    }
}

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> Self {
        bytes.to_string()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self.0, &SIZES, "B", out)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX), &SPANS, "s", out)
    }
}
