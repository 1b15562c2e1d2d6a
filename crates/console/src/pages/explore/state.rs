//! What a person asks of Explore, as it stands in the address: shared, kept and gone back to.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::Timestamp;

use crate::explore::{DEVICES_MAX, Draw, SIGNALS_MAX};
use crate::pages::range::Range;
use crate::show;
use crate::urls;
use crate::words::Text;

/// Longer names are no names of this site: a topic has 65,535 bytes at most, an address 2,000.
const NAME_BYTES_MAX: usize = 2_000;
/// What is typed to find a name, and a time.
const TEXT_BYTES_MAX: usize = 200;

const MINUTE: u64 = 60;
/// Nothing is to be seen in less.
const SPAN_MIN: Duration = Duration::from_secs(2 * MINUTE);
/// Ten years.
pub(crate) const SPAN_MAX: Duration = Duration::from_secs(3_653 * 86_400);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) signals: Vec<String>,
    pub(crate) devices: Vec<String>,
    pub(crate) time: Time,
    /// Seconds of a bucket, if a person chose one of `EVERY`.
    pub(crate) every: Option<u64>,
    pub(crate) draw: Draw,
    pub(crate) compare: Compare,
    /// Numbers stand where the charts would.
    pub(crate) table: bool,
    pub(crate) signal_text: String,
    pub(crate) device_text: String,
}

/// The time that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// Up to the moment of the page.
    Range(Range),
    /// As it was written, in the site's zone. Without an end it ends at the moment of the page.
    Free { from: String, to: String },
}

impl Default for Time {
    fn default() -> Self {
        Self::Range(Range::HalfDay)
    }
}

/// Why there is no such time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeFault {
    Unclear,
    Backwards,
    Long,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Compare {
    #[default]
    Nothing,
    /// The span right before, equally long.
    Period,
    Day,
    Week,
    Year,
}

/// What was asked for beyond what a page compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Over {
    pub(crate) signals: u64,
    pub(crate) devices: u64,
}

pub(crate) const DRAWS: [Draw; 8] = [
    Draw::Line,
    Draw::Band,
    Draw::Mean,
    Draw::Lowest,
    Draw::Highest,
    Draw::Sum,
    Draw::Last,
    Draw::Raw,
];

/// Buckets to choose from: word and seconds.
pub(crate) const EVERY: [(&str, u64); 8] = [
    ("10s", 10),
    ("1min", MINUTE),
    ("5min", 5 * MINUTE),
    ("15min", 15 * MINUTE),
    ("1h", 60 * MINUTE),
    ("6h", 360 * MINUTE),
    ("1d", 1_440 * MINUTE),
    ("7d", 10_080 * MINUTE),
];

pub(crate) const fn draw_word(draw: Draw) -> &'static str {
    match draw {
        Draw::Line => "line",
        Draw::Raw => "all",
        Draw::Band => "band",
        Draw::Mean => "mean",
        Draw::Lowest => "lowest",
        Draw::Highest => "highest",
        Draw::Sum => "sum",
        Draw::Last => "last",
    }
}

pub(crate) fn draw_label(draw: Draw, t: Text) -> &'static str {
    match draw {
        Draw::Line => t.draw_line(),
        Draw::Raw => t.draw_raw(),
        Draw::Band => t.draw_band(),
        Draw::Mean => t.draw_mean(),
        Draw::Lowest => t.draw_lowest(),
        Draw::Highest => t.draw_highest(),
        Draw::Sum => t.draw_sum(),
        Draw::Last => t.draw_last(),
    }
}

impl Compare {
    pub(crate) const ALL: [Self; 5] =
        [Self::Nothing, Self::Period, Self::Day, Self::Week, Self::Year];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Period => "period",
            Self::Day => "day",
            Self::Week => "week",
            Self::Year => "year",
        }
    }

    pub(crate) fn label(self, t: Text) -> &'static str {
        match self {
            Self::Nothing => t.compare_nothing(),
            Self::Period => t.compare_period(),
            Self::Day => t.compare_day(),
            Self::Week => t.compare_week(),
            Self::Year => t.compare_year(),
        }
    }

    /// How much earlier the other span lies.
    pub(crate) fn earlier(self, span: Duration) -> Option<Duration> {
        const DAY: Duration = Duration::from_secs(86_400);
        match self {
            Self::Nothing => None,
            Self::Period => Some(span),
            Self::Day => Some(DAY),
            Self::Week => Some(DAY * 7),
            Self::Year => Some(DAY * 365),
        }
    }
}

impl Asked {
    /// A word that is not known asks for nothing, as if it were not there.
    pub(crate) fn parse(pairs: &[(String, String)]) -> (Self, Over) {
        let word = |key: &str| {
            let found = pairs.iter().find(|(name, value)| name == key && !value.is_empty());
            found.map_or("", |(_, value)| value.as_str())
        };
        let (signals, signals_over) = names(pairs, "signal", SIGNALS_MAX);
        let (devices, devices_over) = names(pairs, "device", DEVICES_MAX);
        let (from, to) = (short(word("from")), short(word("to")));
        let time = if from.is_empty() && to.is_empty() {
            Time::Range(Range::parse(word("range")))
        } else {
            Time::Free { from, to }
        };
        let every = EVERY.iter().find(|(name, _)| *name == word("every"));
        let draw = DRAWS.into_iter().find(|draw| draw_word(*draw) == word("as"));
        let compare = Compare::ALL.into_iter().find(|one| one.word() == word("compare"));
        let asked = Self {
            signals,
            devices,
            time,
            every: every.map(|(_, seconds)| *seconds),
            draw: draw.unwrap_or_default(),
            compare: compare.unwrap_or_default(),
            table: word("show") == "table",
            signal_text: short(word("find-signal")),
            device_text: short(word("find-device")),
        };
        (asked, Over { signals: signals_over, devices: devices_over })
    }

    /// The one form in which this stands in an address; what is as usual is left out.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, &str)> {
        let mut pairs: Vec<(&'static str, &str)> = Vec::new();
        pairs.extend(self.signals.iter().map(|name| ("signal", name.as_str())));
        pairs.extend(self.devices.iter().map(|name| ("device", name.as_str())));
        match &self.time {
            time if *time == Time::default() => {}
            Time::Range(range) => pairs.push(("range", range.word())),
            Time::Free { from, to } => pairs.extend([("from", from.as_str()), ("to", to)]),
        }
        let every = EVERY.iter().find(|(_, seconds)| Some(*seconds) == self.every);
        pairs.extend(every.map(|(word, _)| ("every", *word)));
        if self.draw != Draw::default() {
            pairs.push(("as", draw_word(self.draw)));
        }
        if self.compare != Compare::default() {
            pairs.push(("compare", self.compare.word()));
        }
        if self.table {
            pairs.push(("show", "table"));
        }
        let found = [("find-signal", &self.signal_text), ("find-device", &self.device_text)];
        pairs.extend(found.map(|(key, text)| (key, text.as_str())));
        pairs.retain(|(_, value)| !value.is_empty());
        pairs
    }

    pub(crate) fn address(&self, base: &str) -> String {
        format!("{base}{}", urls::query(&self.pairs()))
    }

    pub(crate) fn with_time(&self, time: Time) -> Self {
        Self { time, ..self.clone() }
    }
}

impl Time {
    /// From, and the end that is not included.
    pub(crate) fn span(
        &self,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Result<(Timestamp, Timestamp), TimeFault> {
        let (from, to) = match self {
            Self::Range(range) => (now.saturating_sub(range.span()), now),
            Self::Free { from, to } => {
                let to = if to.is_empty() { Some(now) } else { instant(to, zone) };
                (instant(from, zone).ok_or(TimeFault::Unclear)?, to.ok_or(TimeFault::Unclear)?)
            }
        };
        match to.since(from) {
            Duration::ZERO => Err(TimeFault::Backwards),
            span if span > SPAN_MAX => Err(TimeFault::Long),
            _ => Ok((from, to)),
        }
    }

    /// A span as fields of a form and addresses hold it: to the minute, in the site's zone.
    pub(crate) fn free((from, to): (Timestamp, Timestamp), zone: &TimeZone) -> Self {
        let to = to.max(from.saturating_add(SPAN_MIN));
        Self::Free { from: show::field(from, zone), to: show::field(to, zone) }
    }
}

fn instant(written: &str, zone: &TimeZone) -> Option<Timestamp> {
    let civil: DateTime = written.trim().parse().ok()?;
    let instant = zone.to_timestamp(civil).ok()?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

/// Each name once, and how many there were beyond the limit.
fn names(pairs: &[(String, String)], key: &str, limit: usize) -> (Vec<String>, u64) {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let usable = |value: &str| !value.is_empty() && value.len() <= NAME_BYTES_MAX;
    let mut found: Vec<String> = pairs
        .iter()
        .filter(|(name, value)| name == key && usable(value) && seen.insert(value))
        .map(|(_, value)| value.clone())
        .collect();
    let over = u64::try_from(found.len().saturating_sub(limit)).unwrap_or(u64::MAX);
    found.truncate(limit);
    (found, over)
}

fn short(text: &str) -> String {
    let text = text.trim();
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or(text).trim().to_owned()
}

#[cfg(test)]
mod tests;
