//! The points of a group, and what is made of them.

/// What becomes of the points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    First,
    Last,
    /// Of a counter that starts again at zero now and then.
    Increase,
    /// The same for each second.
    Rate,
    /// The mean, each value weighted with the time it held.
    TimeWeight,
    /// First, lowest, highest and last: all that a column of a chart shows (Jugel et al., M4,
    /// VLDB 2014).
    M4,
    /// The value at a time, on the line between its neighbours.
    Interpolate(i64),
    /// The value that held at a time.
    AsOf(i64),
    GapFill(Grid),
}

/// Times at equal steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) step: i64,
    pub(super) from: i64,
    /// Not included.
    pub(super) to: i64,
    pub(super) fill: Fill,
}

impl Grid {
    /// How many points it has.
    pub(super) fn len(self) -> usize {
        let span = self.to.saturating_sub(self.from).max(0);
        usize::try_from(span / self.step + 1).unwrap_or(usize::MAX)
    }
}

/// What stands where there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    Null,
    Previous,
    Linear,
}

/// Milliseconds and value.
pub(super) type Point = (i64, f64);

const MS_IN_SECOND: f64 = 1_000.0;

/// Sorts by time; of several at one time the last stays.
pub(super) fn settle(points: &mut Vec<Point>) {
    points.sort_by_key(|(time, _)| *time);
    // `dedup` keeps the first.
    points.reverse();
    points.dedup_by_key(|(time, _)| *time);
    points.reverse();
}

/// Forgets points that no answer of this shape needs. They are settled before and after.
pub(super) fn reduce(shape: Shape, points: &mut Vec<Point>) {
    match shape {
        Shape::First => points.truncate(1),
        Shape::Last => drop(points.drain(..points.len().saturating_sub(1))),
        Shape::M4 => *points = m4(points),
        Shape::AsOf(at) => *points = as_of(points, at).into_iter().collect(),
        Shape::Increase
        | Shape::Rate
        | Shape::TimeWeight
        | Shape::Interpolate(_)
        | Shape::GapFill(_) => {}
    }
}

/// First, lowest, highest and last, each once, in the order of time.
pub(super) fn m4(points: &[Point]) -> Vec<Point> {
    let by_value = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
    let chosen = [
        points.first(),
        points.iter().min_by(by_value),
        points.iter().max_by(by_value),
        points.last(),
    ];
    let mut chosen: Vec<Point> = chosen.into_iter().flatten().copied().collect();
    settle(&mut chosen);
    chosen
}

/// The sum of all rises. A fall is a counter that started again: what it says now has come since.
pub(super) fn increase(points: &[Point]) -> Option<f64> {
    let rise = |pair: &[Point]| match pair {
        [(_, before), (_, after)] if after >= before => after - before,
        [_, (_, after)] => *after,
        _ => 0.0,
    };
    (points.len() > 1).then(|| points.windows(2).map(rise).sum())
}

pub(super) fn rate(points: &[Point]) -> Option<f64> {
    Some(increase(points)? / (span(points)? / MS_IN_SECOND))
}

/// Each value holds until the next one; the last one only ends the time.
pub(super) fn time_weight(points: &[Point]) -> Option<f64> {
    let Some(span) = span(points) else { return points.first().map(|(_, value)| *value) };
    let held = |pair: &[Point]| match pair {
        [(start, value), (end, _)] => value * length(*start, *end),
        _ => 0.0,
    };
    Some(points.windows(2).map(held).sum::<f64>() / span)
}

/// `None` before the first and after the last point.
pub(super) fn interpolate(points: &[Point], at: i64) -> Option<f64> {
    let after = points.partition_point(|(time, _)| *time < at);
    let (end, high) = points.get(after)?;
    if *end == at {
        return Some(*high);
    }
    let (start, low) = points.get(after.checked_sub(1)?)?;
    Some(low + (high - low) * length(*start, at) / length(*start, *end))
}

/// The last point at a time or before it.
pub(super) fn as_of(points: &[Point], at: i64) -> Option<Point> {
    let after = points.partition_point(|(time, _)| *time <= at);
    points.get(after.checked_sub(1)?).copied()
}

/// The mean of each step, and what stands where there is none.
pub(super) fn gap_fill(points: &[Point], grid: Grid) -> Vec<(i64, Option<f64>)> {
    let Grid { step, from, to, fill } = grid;
    let mut rest = points;
    let mut previous = {
        let before = rest.partition_point(|(time, _)| *time < from);
        let (before, after) = rest.split_at(before);
        rest = after;
        before.last().copied()
    };
    let mut filled = Vec::new();
    let mut start = from;
    while start < to {
        let end = start.saturating_add(step).min(to);
        let (inside, after) = rest.split_at(rest.partition_point(|(time, _)| *time < end));
        rest = after;
        let value = mean(inside).or_else(|| match (fill, previous, rest.first()) {
            (Fill::Previous, Some((_, value)), _) => Some(value),
            (Fill::Linear, Some(before), Some(next)) => interpolate(&[before, *next], start),
            _ => None,
        });
        previous = inside.last().copied().or(previous);
        filled.push((start, value));
        start = end;
    }
    filled
}

fn mean(points: &[Point]) -> Option<f64> {
    let sum: f64 = points.iter().map(|(_, value)| value).sum();
    (!points.is_empty()).then(|| sum / as_number(points.len() as u64))
}

/// From the first to the last; `None` when that is no time.
fn span(points: &[Point]) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    (first.0 < last.0).then(|| length(first.0, last.0))
}

fn length(start: i64, end: i64) -> f64 {
    as_number(end.abs_diff(start))
}

#[expect(clippy::cast_precision_loss, reason = "times and counts are far below 2^53")]
fn as_number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
