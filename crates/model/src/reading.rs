//! A value of a signal, and how far it can be trusted.

use std::ops::{BitOr, BitOrAssign};

/// What a signal said. Borrowed from the payload where it can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Number(f64),
    Boolean(bool),
    Text(&'a str),
}

impl Value<'_> {
    /// The `number` column of SQL: booleans are 0 and 1, texts have none.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(number),
            Value::Boolean(truth) => Some(f64::from(u8::from(truth))),
            Value::Text(_) => None,
        }
    }
}

/// Bits that qualify a reading; 0 is good. Stored with it, shown with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Quality(u16);

impl Quality {
    pub const GOOD: Self = Self(0);
    /// The device itself calls the value bad.
    pub const BAD: Self = Self(1);
    /// The device itself calls the value stale.
    pub const STALE: Self = Self(2);
    /// The text had no zone and did not fit the time of receipt.
    pub const CLOCK_UNSURE: Self = Self(4);
    /// The device's time was impossible; the time of receipt stands.
    pub const CLOCK_BAD: Self = Self(8);
    /// More than five minutes ahead of us.
    pub const FUTURE: Self = Self(16);
    pub const BACKFILL: Self = Self(32);
    /// Sent in another unit of the same dimension.
    pub const CONVERTED: Self = Self(64);
    pub const SIMULATED: Self = Self(128);

    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    #[must_use]
    pub const fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Quality {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Quality {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
