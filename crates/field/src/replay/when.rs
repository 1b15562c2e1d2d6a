//! The time of a row.

use jiff::civil;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use model::Timestamp;

use crate::MappingFault;

/// Names that are taken for the time when none is given.
const USUAL: [&str; 6] = ["time", "timestamp", "ts", "datetime", "date_time", "date"];
const PARTS_MIN: usize = 3;
const PARTS_MAX: usize = 6;

/// Where the time of a row stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TimeSource {
    /// In the first column with a usual name.
    #[default]
    Guess,
    Column(String),
    /// Year, month, day, hour, minute, second; the last ones may be left out.
    Parts(Vec<String>),
}

/// How the time of a row is read.
#[derive(Clone, Debug)]
pub struct When {
    pub source: TimeSource,
    /// As for `strptime`. Without it: RFC 3339, a date with a time, or a number since 1970.
    pub format: Option<String>,
    /// For times that name no zone.
    pub zone: TimeZone,
}

impl Default for When {
    fn default() -> Self {
        Self { source: TimeSource::default(), format: None, zone: TimeZone::UTC }
    }
}

impl When {
    /// An offset such as `+08:00`, `system`, or a name such as `Europe/Berlin`.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn zone_of(text: &str) -> Result<TimeZone, MappingFault> {
        if text.eq_ignore_ascii_case("system") {
            return Ok(TimeZone::system());
        }
        if text.starts_with(['+', '-']) {
            let parsed = strtime::parse("%:z", text).or_else(|_| strtime::parse("%z", text));
            let offset = parsed.ok().and_then(|parsed| parsed.offset());
            return offset.map(TimeZone::fixed).ok_or_else(|| MappingFault::Zone(text.into()));
        }
        TimeZone::get(text).map_err(|_unknown| MappingFault::Zone(text.into()))
    }

    /// The columns that hold the time.
    pub(super) fn columns(&self, headers: &[String]) -> Result<Vec<usize>, MappingFault> {
        match &self.source {
            TimeSource::Column(name) => Ok(vec![super::mapping::column(headers, name)?]),
            TimeSource::Parts(names) => {
                if !(PARTS_MIN..=PARTS_MAX).contains(&names.len()) {
                    return Err(MappingFault::TimeColumns);
                }
                names.iter().map(|name| super::mapping::column(headers, name)).collect()
            }
            TimeSource::Guess => {
                let usual =
                    |header: &String| USUAL.iter().any(|usual| header.eq_ignore_ascii_case(usual));
                let found = headers.iter().position(usual);
                let first = found.ok_or_else(|| super::mapping::no_column("time", headers))?;
                Ok(vec![first])
            }
        }
    }

    /// One cell; `None` when it is no time.
    #[must_use]
    pub fn read_cell(&self, cell: &str) -> Option<Timestamp> {
        self.read(&[cell.trim()])
    }

    /// `None` when the cells are no time.
    pub(super) fn read(&self, cells: &[&str]) -> Option<Timestamp> {
        match (cells, &self.format) {
            ([cell], Some(format)) => self.read_as(format, cell),
            ([cell], None) => self.read_any(cell),
            (parts, _) => self.read_parts(parts),
        }
    }

    fn read_as(&self, format: &str, cell: &str) -> Option<Timestamp> {
        let parsed = strtime::parse(format, cell).ok()?;
        if parsed.offset().is_some() || parsed.timestamp().is_some() {
            return parsed.to_timestamp().ok().map(ours);
        }
        let date = parsed.to_date().ok()?;
        let time = parsed.to_time().unwrap_or_else(|_none| civil::Time::midnight());
        self.in_zone(date.to_datetime(time))
    }

    fn read_any(&self, cell: &str) -> Option<Timestamp> {
        if let Ok(number) = cell.parse::<f64>() {
            return since_1970(cell, number);
        }
        if let Ok(instant) = cell.parse::<jiff::Timestamp>() {
            return Some(ours(instant));
        }
        self.in_zone(cell.parse::<civil::DateTime>().ok()?)
    }

    fn read_parts(&self, parts: &[&str]) -> Option<Timestamp> {
        let number = |at: usize| match parts.get(at) {
            Some(cell) => cell.trim().parse::<i8>().ok(),
            None => Some(0),
        };
        let year = parts.first()?.trim().parse::<i16>().ok()?;
        let (month, day) = (number(1)?, number(2)?);
        let (hour, minute, second) = (number(3)?, number(4)?, number(5)?);
        // Midnight at the end of a day: some loggers count hours from 1 to 24.
        let (hour, extra) = if hour == 24 { (0, 1) } else { (hour, 0) };
        let at = civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        self.in_zone(at.checked_add(jiff::Span::new().days(extra)).ok()?)
    }

    fn in_zone(&self, at: civil::DateTime) -> Option<Timestamp> {
        self.zone.to_timestamp(at).ok().map(ours)
    }
}

/// Seconds, milliseconds, microseconds or nanoseconds: what the size says.
fn since_1970(cell: &str, number: f64) -> Option<Timestamp> {
    let whole = cell.parse::<i64>().ok();
    let scale = match number {
        1e8..1e11 => 1_000_000,
        1e11..1e14 => 1_000,
        1e14..1e17 => 1,
        1e17..1e20 => return whole.map(|nanos| Timestamp::from_micros(nanos / 1_000)),
        _ => return None,
    };
    let micros = match whole {
        Some(whole) => whole.checked_mul(scale)?,
        None => micros_of(number, scale)?,
    };
    Some(Timestamp::from_micros(micros))
}

/// Through text: a fraction of a second in decimals is exact there.
fn micros_of(number: f64, scale: i64) -> Option<i64> {
    format!("{:.0}", number * scale as f64).parse().ok()
}

fn ours(instant: jiff::Timestamp) -> Timestamp {
    Timestamp::from_micros(instant.as_microsecond())
}
