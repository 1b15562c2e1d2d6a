//! An invented co-operative: greenhouses, water, a bottling line, cold rooms. Every value is a
//! function of device, signal and time alone, so that whatever a page asks for agrees with every
//! other page, and a position is a time.

#[path = "world/clients.rs"]
mod clients;
#[path = "world/completeness.rs"]
mod completeness;
#[path = "world/devices.rs"]
mod devices;
#[path = "world/explore.rs"]
mod explore;
#[path = "world/site.rs"]
mod site;

use std::time::{Duration, Instant};

use console::{Point, Reading, Value};
use jiff::tz::TimeZone;
use model::Timestamp;

#[cfg(test)]
pub(crate) use devices::HOSTILE;
use devices::Spec;
use devices::{Sense, Shape};

/// 2026-11-22 12:10:44 in Nairobi.
const NOON: Timestamp = Timestamp::from_millis(1_795_338_644_000);
/// One record lies in each quarter of a second.
const SLOT_MS: i64 = 250;
/// What the site has of its past.
const PAST: Duration = Duration::from_secs(45 * 86_400);

pub(crate) struct World {
    specs: Vec<Spec>,
    zone: TimeZone,
    /// The clock started here; without it, it stands still.
    started: Option<Instant>,
}

impl World {
    /// A site whose clock stands still.
    pub(crate) fn still() -> Self {
        let zone = TimeZone::get("Africa/Nairobi").unwrap_or(TimeZone::UTC);
        Self { specs: devices::all(), zone, started: None }
    }

    #[cfg(not(test))]
    /// A site whose clock runs on from the same minute at every start.
    #[expect(clippy::disallowed_methods, reason = "an example has no other shell than itself")]
    pub(crate) fn moving() -> Self {
        Self { started: Some(Instant::now()), ..Self::still() }
    }

    /// Before the first message.
    pub(crate) fn empty(mut self) -> Self {
        self.specs.clear();
        self
    }

    /// The same site, where some devices gave themselves names against us.
    pub(crate) fn hostile(mut self) -> Self {
        self.specs.extend(devices::hostile());
        self
    }

    #[expect(clippy::disallowed_methods, reason = "an example has no other shell than itself")]
    fn time(&self) -> Timestamp {
        let since = self.started.map(|started| started.elapsed()).unwrap_or_default();
        NOON.saturating_add(since)
    }

    fn start() -> Timestamp {
        NOON.saturating_sub(PAST)
    }
}

/// The record that was received at this time.
fn position_of(time: Timestamp) -> u64 {
    u64::try_from((time.millis() - World::start().millis()).div_euclid(SLOT_MS)).unwrap_or(0)
}

fn time_of(position: u64) -> Timestamp {
    let slots = i64::try_from(position).unwrap_or(i64::MAX / SLOT_MS);
    Timestamp::from_millis(World::start().millis() + slots * SLOT_MS)
}

impl Spec {
    /// Numbers of the reports within `from < time <= to`, oldest first.
    fn reports(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        let (every, phase) = (self.every_ms(), self.phase_ms());
        let (from, to) = (from.max(World::start()).millis(), to.min(self.last()).millis());
        let first = (from - phase).div_euclid(every) + 1;
        let last = (to - phase).div_euclid(every);
        (first..=last)
            .map(move |index| Timestamp::from_millis(index * every + phase))
            .filter(|time| !self.missing(*time))
    }

    fn latest(&self, now: Timestamp) -> Timestamp {
        let long = Duration::from_millis(self.every_ms().unsigned_abs() * 3);
        let from = now.min(self.last()).saturating_sub(long);
        self.reports(from, now).last().unwrap_or(from)
    }

    fn reading(&self, sense: &Sense, time: Timestamp) -> Reading {
        let number = self.number(sense, time);
        let value = match sense.shape {
            Shape::Switch => Value::Bool(number > 0.5),
            Shape::Words(words) => {
                let index = if number > 0.5 { 1 } else { 0 };
                Value::Text(words.get(index).copied().unwrap_or_default().to_owned())
            }
            Shape::Daily { .. } | Shape::Counter { .. } => Value::Number(number),
        };
        Reading { time, value }
    }

    /// As history answers: columns when there are more readings than columns.
    fn points(&self, sense: &Sense, window: &console::Window) -> (Vec<Point>, bool) {
        let reports = || self.reports(window.from, window.to);
        let columns = i64::from(window.columns);
        let decimated = reports().count() > usize::try_from(columns).unwrap_or(usize::MAX);
        if !decimated {
            let single = |time| {
                let last = self.number(sense, time);
                Point { time, last, min: last, max: last, mean: last }
            };
            return (reports().map(single).collect(), false);
        }
        let span = window.to.millis() - window.from.millis();
        let column = |time: Timestamp| (time.millis() - window.from.millis()) * columns / span;
        let times: Vec<Timestamp> = reports().collect();
        let columns = times.chunk_by(|one, next| column(*one) == column(*next));
        (columns.filter_map(|times| self.column(sense, times)).collect(), true)
    }

    fn column(&self, sense: &Sense, times: &[Timestamp]) -> Option<Point> {
        let time = *times.last()?;
        let last = self.number(sense, time);
        let (mut min, mut max, mut sum, mut count) = (last, last, 0.0, 0.0);
        for time in times {
            let value = self.number(sense, *time);
            (min, max) = (min.min(value), max.max(value));
            (sum, count) = (sum + value, count + 1.0);
        }
        Some(Point { time, last, min, max, mean: sum / count })
    }

    /// Evenly spaced readings over the span before `now`; nothing where the device was silent.
    fn spark(&self, sense: &Sense, now: Timestamp, span: Duration) -> Vec<Option<f64>> {
        const SPOTS: u32 = 36;
        let step = span / SPOTS;
        (0..SPOTS)
            .map(|index| {
                let to = now.saturating_sub(step * (SPOTS - 1 - index));
                let time = self.reports(to.saturating_sub(step), to).last()?;
                Some(self.number(sense, time))
            })
            .collect()
    }
}
