//! When a reading was taken: which numbers and texts are times, and which times can be true.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use model::{Quality, Timestamp};

use crate::note::Note;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// 2000-01-01T00:00:00Z. A clock that says less was never set.
const EARLIEST: i64 = 946_684_800 * SECOND;

/// Further ahead than this no clock is merely fast.
const AHEAD_MAX: i64 = 24 * HOUR;

/// Further ahead than this a time is marked.
const AHEAD_UNMARKED: i64 = 5 * MINUTE;

/// Further back than this a reading was kept somewhere on its way: the first queries, charts and
/// totals were made without it.
const BEHIND_UNMARKED: i64 = 15 * MINUTE;

/// A time without a zone has to be this near to its receipt.
const UNZONED_ERROR_MAX: i64 = 15 * MINUTE;

const QUARTER: i64 = 15 * MINUTE;

/// How near to a whole number of quarters an offset has to be.
const QUARTER_ERROR: i64 = MINUTE;

/// Zones reach from UTC-12 to UTC+14.
const QUARTERS_MAX: i64 = 14 * 4;

/// The time zone of the site, in which times without a zone are read.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

/// There is no such time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time zone: write a name such as Europe/Vilnius, or an offset such as +05:30")]
pub struct ZoneFault;

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Zone {
    /// A name of the IANA data base, which is part of the program, or an offset: `+05:30`, `-08`.
    ///
    /// # Errors
    /// Neither of them.
    pub fn parse(text: &str) -> Result<Self, ZoneFault> {
        if let Some(seconds) = zone_offset(text) {
            let offset = Offset::from_seconds(seconds).map_err(|_fault| ZoneFault)?;
            return Ok(Self(TimeZone::fixed(offset)));
        }
        TimeZoneDatabase::bundled().get(text).map(Self).map_err(|_fault| ZoneFault)
    }

    /// In the hour that a clock repeats in autumn the first one counts; a time that a clock skips
    /// in spring is moved forward.
    fn resolve(&self, local: DateTime) -> Option<Timestamp> {
        let zoned = self.0.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(Timestamp::from_micros(zoned.as_microsecond()))
    }
}

/// A time as a device wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    Certain(Timestamp),
    /// The text named no zone; read in the zone of the site.
    Unzoned(Timestamp),
}

/// What became of a stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    /// `None`: the time of receipt stands.
    pub(crate) time: Option<Timestamp>,
    pub(crate) quality: Quality,
    pub(crate) note: Option<Note>,
    /// Set for a time without a zone. `NotByQuarters` too when it is right.
    pub(crate) off: Option<Off>,
}

/// How far a time without a zone is from its receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Off {
    NotByQuarters,
    /// By so many quarters of an hour, which is what a wrong zone looks like.
    ByQuarters(i8),
}

impl Stamp {
    /// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size;
    /// anything else is no time. Finer digits are cut.
    pub(crate) fn from_number(number: f64) -> Option<Self> {
        // From 2^53 on a double holds whole numbers only, so multiplying is safe below 1e14.
        let micros = match number {
            n if (1e8..1e11).contains(&n) => seconds_to_micros(n)?,
            n if (1e11..1e14).contains(&n) => whole((n * 1e3).floor())?,
            n if (1e14..1e17).contains(&n) => whole(n.floor())?,
            n if (1e17..1e20).contains(&n) => whole((n / 1e3).floor())?,
            _ => return None,
        };
        Some(Self::Certain(Timestamp::from_micros(micros)))
    }

    /// Where the dialect says that a number counts seconds, however small it is.
    pub(crate) fn from_seconds(seconds: f64) -> Option<Self> {
        seconds_to_micros(seconds).map(|micros| Self::Certain(Timestamp::from_micros(micros)))
    }

    pub(crate) fn micros_of_seconds(seconds: f64) -> Option<i64> {
        seconds_to_micros(seconds)
    }

    /// RFC 3339 and its relatives, and numbers in text.
    pub(crate) fn from_text(text: &str, zone: &Zone) -> Option<Self> {
        let text = text.trim();
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Self::from_number(text.parse().ok()?);
        }
        let (local, rest) = local_time(text)?;
        match rest.trim() {
            "" => zone.resolve(local).map(Self::Unzoned),
            zone_text => {
                let offset = zone_offset(zone_text)?;
                let local = TimeZone::UTC.to_timestamp(local).ok()?.as_microsecond();
                let utc = local.checked_sub(i64::from(offset) * SECOND)?;
                Some(Self::Certain(Timestamp::from_micros(utc)))
            }
        }
    }

    pub(crate) fn judge(self, received_at: Timestamp) -> Judged {
        let (time, unzoned) = match self {
            Self::Certain(time) => (time, false),
            Self::Unzoned(time) => (time, true),
        };
        let ahead = time.micros().saturating_sub(received_at.micros());
        if time.micros() < EARLIEST || (!unzoned && ahead > AHEAD_MAX) {
            let (quality, note) = (Quality::CLOCK_BAD, Some(Note::ClockBad));
            return Judged { quality, note, ..Judged::default() };
        }
        if unzoned && ahead.saturating_abs() > UNZONED_ERROR_MAX {
            let (quality, note) = (Quality::CLOCK_UNSURE, Some(Note::ClockUnsure));
            return Judged { time: None, quality, note, off: Some(quarters(ahead)) };
        }
        // A clock that is right once ends every streak of wrong ones.
        let off = unzoned.then_some(Off::NotByQuarters);
        let time = Some(time);
        if ahead > AHEAD_UNMARKED {
            let (quality, note) = (Quality::FUTURE, Some(Note::ClockAhead));
            return Judged { time, quality, note, off };
        }
        let quality = if ahead < -BEHIND_UNMARKED { Quality::BACKFILL } else { Quality::default() };
        Judged { time, quality, off, ..Judged::default() }
    }
}

/// Longer than any time with nanoseconds and a zone.
const TEXT_BYTES_MAX: usize = 48;

fn whole(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the bounds are checked on this line")]
    (value.abs() < 9e18).then_some(value as i64)
}

/// Whole seconds and their fraction apart, since a double holds 1.7e9 s only to 0.2 µs, which a
/// plain multiplication would carry into the last digit.
fn seconds_to_micros(seconds: f64) -> Option<i64> {
    let base = whole(seconds.trunc())?;
    // 0.000_000_2 s is the grain of a double here, so half of it may be rounded up.
    let fraction = whole(((seconds.fract() * 1e6) + 0.25).floor())?;
    base.checked_mul(SECOND)?.checked_add(fraction)
}

fn quarters(ahead: i64) -> Off {
    let nearest = (ahead + QUARTER.div_euclid(2)).div_euclid(QUARTER);
    let near = (ahead - nearest * QUARTER).abs() <= QUARTER_ERROR;
    let whole = i8::try_from(nearest).ok().filter(|_| near && nearest.abs() <= QUARTERS_MAX);
    whole.map_or(Off::NotByQuarters, Off::ByQuarters)
}

/// Date and time of day at the start of `text`, and what follows them.
fn local_time(text: &str) -> Option<(DateTime, &str)> {
    let year = digits(text.get(..4)?)?;
    let separator = text.get(4..5)?;
    if !matches!(separator, "-" | ".") || text.get(7..8)? != separator {
        return None;
    }
    let (month, day) = (digits(text.get(5..7)?)?, digits(text.get(8..10)?)?);
    if !matches!(text.get(10..11)?, "T" | "t" | " ") || text.get(13..14)? != ":" {
        return None;
    }
    let (hour, minute) = (digits(text.get(11..13)?)?, digits(text.get(14..16)?)?);
    let (second, rest) = match text.get(16..)?.strip_prefix(':') {
        Some(rest) => (digits(rest.get(..2)?)?, rest.get(2..)?),
        None => (0, text.get(16..)?),
    };
    let (nanos, rest) = fraction(rest);
    // A leap second counts as the second before it.
    let second = if second == 60 { 59 } else { second };
    let small = |number: i16| i8::try_from(number).ok();
    let date = jiff::civil::Date::new(year, small(month)?, small(day)?).ok()?;
    let time = jiff::civil::Time::new(small(hour)?, small(minute)?, small(second)?, nanos).ok()?;
    Some((date.to_datetime(time), rest))
}

fn digits(text: &str) -> Option<i16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Nanoseconds after a point or a comma, finer digits cut, and the rest.
fn fraction(text: &str) -> (i32, &str) {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return (0, text) };
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (written, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let nanos = written
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'));
    (nanos, rest)
}

/// Seconds east of Greenwich: `Z`, `+02:00`, `+0200`, `+02`.
fn zone_offset(text: &str) -> Option<i32> {
    if matches!(text, "Z" | "z" | "UTC" | "GMT") {
        return Some(0);
    }
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = match text.get(1..)? {
        hours if hours.len() == 2 => (hours, "0"),
        both if both.len() == 4 => both.split_at_checked(2)?,
        both if both.len() == 5 => both.split_once(':')?,
        _ => return None,
    };
    let (hours, minutes) = (i32::from(digits(hours)?), i32::from(digits(minutes)?));
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests;
