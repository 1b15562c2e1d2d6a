//! From what a person asks to a question that a page can hold: which lines, how coarse.

use std::time::Duration;

use jiff::tz::TimeZone;
use model::Timestamp;

use crate::explore::{Bucket, Draw, Exploration, Line};
use crate::pages::explore::state::Asked;

/// Lines at once, without those they are compared with: two charts with six each.
pub(crate) const LINES_MAX: usize = 12;

/// Values on a page: each is some five bytes compressed, twice (drawing and script), beside 36 KB
/// of scripts and styles and a limit of 60 KB.
pub(crate) const POINTS_MAX: u64 = 2_880;

/// Columns of a plot, as on the page of a device: finer is noise.
const COLUMNS_MAX: u64 = 240;
/// A line of means may be as fine as two pixels.
const BUCKETS_MAX: u64 = 480;

const DAY: u64 = 86_400;
const WEEK: u64 = 7 * DAY;

/// Steps that a clock has, in seconds.
const LADDER: [u64; 15] =
    [1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, DAY, WEEK, 4 * WEEK, 16 * WEEK];

pub(crate) struct Plan {
    pub(crate) question: Exploration,
    pub(crate) lines: Vec<Line>,
    /// Parts of the plot's width that are one column or bucket.
    pub(crate) columns: u32,
    /// A person wanted buckets of so many seconds and gets so many.
    pub(crate) coarser: Option<(u64, u64)>,
    /// Signals that have no place.
    pub(crate) dropped: Vec<String>,
}

impl Plan {
    /// `None` when there is nothing to draw.
    pub(crate) fn new(
        asked: &Asked,
        lines: Vec<Line>,
        (from, to): (Timestamp, Timestamp),
        zone: &TimeZone,
    ) -> Option<Self> {
        let (lines, dropped) = kept(lines);
        if lines.is_empty() {
            return None;
        }
        let span = to.since(from);
        let compared = asked.compare.earlier(span).is_some();
        let count = u64::try_from(lines.len()).unwrap_or(u64::MAX) * if compared { 2 } else { 1 };
        let columns = columns(asked.draw, count);
        let (step, coarser) = match asked.draw {
            Draw::Line | Draw::Raw => (span.as_secs().div_ceil(columns).max(1), None),
            Draw::Band | Draw::Mean | Draw::Lowest | Draw::Highest | Draw::Sum | Draw::Last => {
                step(span.as_secs(), columns, asked.every)
            }
        };
        let aligned = match asked.draw {
            Draw::Line | Draw::Raw => (Bucket::Seconds { step, origin: from }, from),
            Draw::Band | Draw::Mean | Draw::Lowest | Draw::Highest | Draw::Sum | Draw::Last => {
                cut(step, from, zone)
            }
        };
        let (bucket, from) = aligned;
        let question = Exploration {
            signals: each(&lines, |line| &line.signal),
            devices: each(&lines, |line| &line.device),
            from,
            to,
            draw: asked.draw,
            bucket,
            earlier: asked.compare.earlier(to.since(from)),
            zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        };
        let shown = to.since(from).as_secs().div_ceil(step).max(1);
        Some(Self {
            question,
            lines,
            columns: u32::try_from(shown).unwrap_or(u32::MAX),
            coarser,
            dropped,
        })
    }
}

/// As many whole signals as fit. A question names signals and devices, so a part of one would be
/// another question than the one that is shown as SQL.
fn kept(mut lines: Vec<Line>) -> (Vec<Line>, Vec<String>) {
    let mut dropped = Vec::new();
    while lines.len() > LINES_MAX {
        let Some(signal) = lines.last().map(|line| line.signal.clone()) else { break };
        lines.retain(|line| line.signal != signal);
        dropped.insert(0, signal);
    }
    (lines, dropped)
}

fn columns(draw: Draw, lines: u64) -> u64 {
    let values = POINTS_MAX / lines.max(1);
    match draw {
        Draw::Line => (values / 4).min(COLUMNS_MAX),
        Draw::Band => (values / 3).min(COLUMNS_MAX),
        Draw::Raw | Draw::Mean | Draw::Lowest | Draw::Highest | Draw::Sum | Draw::Last => {
            values.min(BUCKETS_MAX)
        }
    }
    .max(1)
}

fn step(span: u64, columns: u64, wanted: Option<u64>) -> (u64, Option<(u64, u64)>) {
    let fits = |step: &u64| span.div_ceil(*step) <= columns;
    if let Some(wanted) = wanted.filter(fits) {
        return (wanted, None);
    }
    let [.., longest] = LADDER;
    let step = LADDER.into_iter().find(fits).unwrap_or(longest);
    (step, wanted.map(|wanted| (wanted, step)))
}

/// The bucket and the start of the first one, so that none is cut by the edge of the plot.
fn cut(step: u64, from: Timestamp, zone: &TimeZone) -> (Bucket, Timestamp) {
    let midnight = midnight(from, zone, step == WEEK);
    match step {
        DAY => (Bucket::Day, midnight),
        WEEK => (Bucket::Week, midnight),
        _ => {
            let since = from.since(midnight).as_secs() / step * step;
            let start = midnight.saturating_add(Duration::from_secs(since));
            (Bucket::Seconds { step, origin: midnight }, start)
        }
    }
}

/// The start of the day in the site's zone, or of its week.
fn midnight(time: Timestamp, zone: &TimeZone, of_week: bool) -> Timestamp {
    let found = || {
        let instant = jiff::Timestamp::from_microsecond(time.micros()).ok()?;
        let day = instant.to_zoned_datetime(zone.clone()).date();
        let back = if of_week { i64::from(day.weekday().to_monday_zero_offset()) } else { 0 };
        let first = day.checked_sub(jiff::Span::new().try_days(back).ok()?).ok()?;
        let start = zone.to_timestamp(first.at(0, 0, 0, 0)).ok()?;
        Some(Timestamp::from_micros(start.as_microsecond()))
    };
    found().unwrap_or(time)
}

fn each(lines: &[Line], name: fn(&Line) -> &String) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in lines {
        if !names.contains(name(line)) {
            names.push(name(line).clone());
        }
    }
    names
}

#[cfg(test)]
mod tests;
