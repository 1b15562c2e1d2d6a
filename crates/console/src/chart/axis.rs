//! Round times in the site's zone: whole hours, days and months as a clock on the wall shows them,
//! also across a change of the clocks.

use jiff::Timestamp as Instant;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use model::Timestamp;

/// Days looked at for ticks: ten years and a day on each side.
const DAYS_MAX: usize = 3_656;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) time: Timestamp,
    pub(crate) label: String,
}

#[derive(Clone, Copy)]
enum Step {
    Minutes(u16),
    Days(i16),
    Months,
    Years,
}

/// At most seven ticks within the span.
pub(crate) fn ticks(from: Timestamp, to: Timestamp, zone: &TimeZone) -> Vec<Tick> {
    let step = match to.since(from).as_secs() / 60 {
        0..10 => Step::Minutes(1),
        10..35 => Step::Minutes(5),
        35..100 => Step::Minutes(10),
        100..300 => Step::Minutes(30),
        300..800 => Step::Minutes(120),
        800..3_000 => Step::Minutes(360),
        3_000..11_000 => Step::Days(1),
        11_000..50_000 => Step::Days(5),
        50_000..130_000 => Step::Days(14),
        130_000..1_200_000 => Step::Months,
        _ => Step::Years,
    };
    let Some(first) = instant(from).map(|from| from.to_zoned_datetime(zone.clone()).date()) else {
        return Vec::new();
    };
    let days = std::iter::successors(Some(first), |day| day.tomorrow().ok()).take(DAYS_MAX);
    let mut ticks = Vec::new();
    for day in days {
        for (at, label) in within(day, step) {
            let Ok(time) = zone.to_timestamp(at) else { continue };
            let time = Timestamp::from_micros(time.as_microsecond());
            if time > to {
                return thin(ticks);
            }
            if time >= from {
                ticks.push(Tick { time, label });
            }
        }
    }
    thin(ticks)
}

/// A year has twelve months, and a phone no room for them.
fn thin(ticks: Vec<Tick>) -> Vec<Tick> {
    let every = ticks.len().div_ceil(8).max(1);
    ticks.into_iter().step_by(every).collect()
}

fn within(day: Date, step: Step) -> Vec<(DateTime, String)> {
    match step {
        Step::Minutes(minutes) => (0..1440 / minutes)
            .filter_map(|index| {
                let minute = index * minutes;
                let hour = i8::try_from(minute / 60).ok()?;
                let rest = i8::try_from(minute % 60).ok()?;
                Some((day.at(hour, rest, 0, 0), format!("{hour:02}:{rest:02}")))
            })
            .collect(),
        Step::Days(days) => {
            // Counted from a fixed day, so that a later window has the same ticks.
            let since = day.day_of_year() - 1;
            let hit = since % days == 0;
            hit.then(|| (day.at(0, 0, 0, 0), day.strftime("%-d %b").to_string()))
                .into_iter()
                .collect()
        }
        Step::Months => {
            let first = day.day() == 1;
            first
                .then(|| (day.at(0, 0, 0, 0), day.strftime("%b").to_string()))
                .into_iter()
                .collect()
        }
        Step::Years => {
            let first = day.day_of_year() == 1;
            first
                .then(|| (day.at(0, 0, 0, 0), day.strftime("%Y").to_string()))
                .into_iter()
                .collect()
        }
    }
}

fn instant(time: Timestamp) -> Option<Instant> {
    Instant::from_microsecond(time.micros()).ok()
}
