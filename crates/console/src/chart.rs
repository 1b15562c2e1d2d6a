//! Charts drawn on the server: complete without a script, and the numbers for one.
//!
//! All lengths along time are in thousandths of the plot's width, so that one drawing fits every
//! width; lengths along values are pixels. Lines lie in a stretched inner picture, letters in the
//! outer one that is not stretched.

mod axis;
mod points;
mod scale;
mod svg;

pub(crate) use axis::{Tick, ticks};
pub(crate) use points::{Trace, script};
pub(crate) use svg::{LETTERS_OF_LINES, Stroke, axis_row, letters, plot, sheet};

use std::time::Duration;

use model::Timestamp;

use crate::site::Point;

/// Pixels from the top of a plot to its bottom.
pub(crate) const HEIGHT: f64 = 136.0;
/// A silence of this many usual steps is a gap in the line.
const GAP_STEPS: u32 = 4;

/// What one plot draws.
pub(crate) struct Plot<'a> {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) points: &'a [Point],
    pub(crate) decimated: bool,
    pub(crate) gap: Duration,
}

impl<'a> Plot<'a> {
    pub(crate) fn new(
        span: (Timestamp, Timestamp),
        columns: u32,
        (points, decimated): (&'a [Point], bool),
    ) -> Self {
        let (from, to) = span;
        let column = to.since(from) / columns.max(1);
        Self { from, to, points, decimated, gap: gap(points).max(column * GAP_STEPS) }
    }

    /// Lowest and highest value. `None` without points.
    pub(crate) fn extremes(&self) -> Option<(f64, f64)> {
        let mut points = self.points.iter().filter(|point| point.min.is_finite());
        let first = points.next()?;
        Some(points.fold((first.min, first.max), |(low, high), point| {
            (low.min(point.min), high.max(point.max))
        }))
    }

    /// Runs of points without a gap between them.
    fn runs(&self) -> impl Iterator<Item = &'a [Point]> {
        let gap = self.gap;
        self.points.chunk_by(move |one, next| next.time.since(one.time) <= gap)
    }

    pub(crate) fn gaps(&self) -> u64 {
        u64::try_from(self.runs().count().saturating_sub(1)).unwrap_or(u64::MAX)
    }

    fn x(&self, time: Timestamp) -> f64 {
        let span = self.to.since(self.from).as_secs_f64();
        1000.0 * time.since(self.from).as_secs_f64() / span.max(f64::MIN_POSITIVE)
    }
}

/// From the middle of all steps: a signal's own rhythm decides what a gap is.
fn gap(points: &[Point]) -> Duration {
    let mut steps: Vec<Duration> = points
        .iter()
        .zip(points.iter().skip(1))
        .map(|(one, next)| next.time.since(one.time))
        .collect();
    let middle = steps.len() / 2;
    steps.sort_unstable();
    steps.get(middle).copied().unwrap_or_default() * GAP_STEPS
}

#[cfg(test)]
mod tests;
