//! What Explore asks of a site: some signals of some devices over a span of time, as one statement
//! of SQL. The chart, its table, its downloads and *Show as SQL* are all of that statement, so
//! that they cannot differ.

mod choices;

pub use choices::{Choice, Choices, Line, Named, Search};

use std::fmt::Write as _;
use std::time::Duration;

use model::Timestamp;

use crate::show;

/// Devices in one chart: more lines than this cannot be told apart.
pub(crate) const DEVICES_MAX: usize = 6;
/// Signals at once: with different units that is as many charts, two screens of a desk.
pub(crate) const SIGNALS_MAX: usize = 4;

/// What is drawn of the readings of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Draw {
    /// First, lowest, highest and last of each column of the screen: looks as if every reading
    /// were drawn.
    #[default]
    Line,
    /// Every reading.
    Raw,
    /// From the lowest to the highest, and the mean.
    Band,
    Mean,
    Lowest,
    Highest,
    Sum,
    Last,
}

/// Where one bucket ends and the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// So many seconds each, counted from `origin`.
    Seconds { step: u64, origin: Timestamp },
    /// Days of the site's calendar.
    Day,
    /// Weeks of it, from Monday.
    Week,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exploration {
    pub signals: Vec<String>,
    pub devices: Vec<String>,
    pub from: Timestamp,
    /// Not included.
    pub to: Timestamp,
    pub draw: Draw,
    pub bucket: Bucket,
    /// The same span so much earlier is asked for too; its rows have the times of this one.
    pub earlier: Option<Duration>,
    /// The IANA name of the zone that days are cut in.
    pub zone: String,
}

/// Columns of an answer beside those of `Draw`.
pub(crate) mod column {
    pub(crate) const TIME: &str = "time";
    pub(crate) const DEVICE: &str = "device";
    pub(crate) const SIGNAL: &str = "signal";
    /// How many readings a bucket holds.
    pub(crate) const READINGS: &str = "readings";
    /// `now` or `before`; only where an earlier span is asked for.
    pub(crate) const PERIOD: &str = "period";
    pub(crate) const BEFORE: &str = "before";
}

impl Draw {
    /// The column that holds what is drawn.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Line | Self::Raw => "value",
            Self::Band | Self::Mean => "mean",
            Self::Lowest => "lowest",
            Self::Highest => "highest",
            Self::Sum => "sum",
            Self::Last => "last",
        }
    }

    /// Columns as SQL makes them of a bucket's readings.
    const fn aggregates(self) -> &'static str {
        match self {
            Self::Line | Self::Raw => "",
            Self::Band => "min(number) AS lowest, avg(number) AS mean, max(number) AS highest",
            Self::Mean => "avg(number) AS mean",
            Self::Lowest => "min(number) AS lowest",
            Self::Highest => "max(number) AS highest",
            Self::Sum => "sum(number) AS sum",
            Self::Last => "last(number, time) AS last",
        }
    }
}

impl Exploration {
    /// The question in SQL. Every word of a stranger is inside quotes.
    #[must_use]
    pub fn statement(&self) -> String {
        let mut out = self.part(None);
        if let Some(earlier) = self.earlier {
            out.push_str("UNION ALL\n");
            out.push_str(&self.part(Some(earlier)));
        }
        out.push_str("ORDER BY device, signal, time");
        out
    }

    fn part(&self, earlier: Option<Duration>) -> String {
        let time = match earlier {
            Some(shift) => format!("time + INTERVAL '{} seconds'", shift.as_secs()),
            None => "time".to_owned(),
        };
        let period = match (self.earlier, earlier) {
            (None, _) => "",
            (Some(_), None) => ", 'now' AS period",
            (Some(_), Some(_)) => ", 'before' AS period",
        };
        let rows = self.rows(earlier);
        match self.draw {
            Draw::Raw => {
                format!("SELECT {time} AS time, device, signal, number AS value{period}\n{rows}")
            }
            Draw::Line => format!(
                "SELECT p['time'] AS time, device, signal, p['value'] AS value{period}\nFROM (\n\
                 SELECT device, signal, unnest(m4(number, {time})) AS p\n{rows}\
                 GROUP BY device, signal, {}\n)\n",
                self.bucket(&time)
            ),
            Draw::Band | Draw::Mean | Draw::Lowest | Draw::Highest | Draw::Sum | Draw::Last => {
                format!(
                    "SELECT {} AS time, device, signal,\n  {}, count(number) AS readings{period}\n\
                 {rows}GROUP BY 1, 2, 3\n",
                    self.bucket(&time),
                    self.draw.aggregates()
                )
            }
        }
    }

    fn rows(&self, earlier: Option<Duration>) -> String {
        let at = |time: Timestamp| stamp(time.saturating_sub(earlier.unwrap_or_default()));
        format!(
            "FROM readings\nWHERE number IS NOT NULL\n  AND signal IN ({})\n  AND device IN ({})\n  \
             AND time >= {} AND time < {}\n",
            quoted(&self.signals),
            quoted(&self.devices),
            at(self.from),
            at(self.to)
        )
    }

    fn bucket(&self, time: &str) -> String {
        let unit = match self.bucket {
            Bucket::Seconds { step, origin } => {
                return format!("date_bin(INTERVAL '{step} seconds', {time}, {})", stamp(origin));
            }
            Bucket::Day => "day",
            Bucket::Week => "week",
        };
        format!("date_trunc('{unit}', ({time}) AT TIME ZONE {})", text(&self.zone))
    }
}

fn stamp(time: Timestamp) -> String {
    format!("TIMESTAMP '{}'", show::iso(time))
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn quoted(texts: &[String]) -> String {
    let mut out = String::new();
    for (index, one) in texts.iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        // Writing to a string cannot fail.
        write!(out, "{comma}{}", text(one)).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests;
