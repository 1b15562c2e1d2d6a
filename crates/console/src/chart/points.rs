//! The numbers of a chart inside the page, for the script that draws it anew: differences of whole
//! numbers, which compress to about a byte each.

use serde::Serialize;

use crate::chart::Plot;
use crate::site::Point;

/// A plot is about a thousand pixels wide; times finer than a quarter of one cannot be seen.
const TIME_PARTS: i64 = 4000;
const DECIMALS_MAX: i32 = 6;

/// A line, and the plot that it belongs to.
pub(crate) struct Trace<'a> {
    pub(crate) name: &'a str,
    pub(crate) unit: Option<&'a str>,
    pub(crate) plot: Plot<'a>,
    /// 1 to 6.
    pub(crate) colour: u8,
    pub(crate) before: bool,
}

#[derive(Debug, Serialize)]
struct Numbers<'a> {
    name: &'a str,
    unit: &'a str,
    /// Milliseconds between points that are a gap.
    gap: u64,
    /// Of the first point, in milliseconds.
    start: i64,
    /// What one step of `t` is, in milliseconds.
    tick: i64,
    /// `v`, `lo` and `hi` are in units of ten to the power of minus this.
    scale: i32,
    t: Vec<i64>,
    v: Vec<i64>,
    /// How far the extremes lie below and above `v`. Empty: single readings.
    lo: Vec<i64>,
    hi: Vec<i64>,
    /// Its colour, if it is not the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<u8>,
    /// 1 for a line that another is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<u8>,
}

/// JSON that can stand inside a page: no `<` in it.
pub(crate) fn script(traces: &[Trace<'_>]) -> String {
    let numbers: Vec<Numbers<'_>> = traces.iter().map(numbers).collect();
    let json = serde_json::to_string(&numbers).unwrap_or_else(|_| "[]".to_owned());
    json.replace('<', "\\u003c")
}

fn numbers<'a>(trace: &Trace<'a>) -> Numbers<'a> {
    let plot = &trace.plot;
    let tick = (millis(plot.to.since(plot.from)) / TIME_PARTS).max(1);
    let scale = scale(plot);
    let start = plot.points.first().map_or(0, |point| point.time.millis());
    let end = plot.points.last();
    let line = |point: &Point| if Some(point) == end { point.last } else { point.mean };
    let times = plot.points.iter().map(|point| (point.time.millis() - start) / tick);
    let values: Vec<i64> = plot.points.iter().map(|point| whole(line(point), scale)).collect();
    let apart = |extreme: fn(&Point) -> f64| -> Vec<i64> {
        let pairs = plot.points.iter().zip(&values).filter(|_| plot.decimated);
        pairs.map(|(point, value)| (whole(extreme(point), scale) - value).abs()).collect()
    };
    Numbers {
        name: trace.name,
        unit: trace.unit.unwrap_or_default(),
        gap: plot.gap.as_millis().try_into().unwrap_or(u64::MAX),
        start,
        tick,
        scale,
        t: differences(times),
        lo: apart(|point| point.min),
        hi: apart(|point| point.max),
        v: differences(values.into_iter()),
        s: (trace.colour > 1).then_some(trace.colour),
        b: trace.before.then_some(1),
    }
}

/// A thousandth of what the plot spans, and no coarser than the last reading is written.
fn scale(plot: &Plot<'_>) -> i32 {
    let Some((low, high)) = plot.extremes() else { return 0 };
    let end = plot.points.last().map_or(0.0, |point| point.last);
    let written = (0..DECIMALS_MAX).find(|decimals| {
        let power = 10_f64.powi(*decimals);
        ((end * power).round() / power - end).abs() <= 1e-9 * end.abs().max(1.0)
    });
    let seen = (0..DECIMALS_MAX).find(|decimals| 10_f64.powi(-decimals) * 1000.0 <= high - low);
    written.unwrap_or(DECIMALS_MAX).min(3).max(seen.unwrap_or(0))
}

fn differences(values: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut last = 0;
    values.map(|value| value - std::mem::replace(&mut last, value)).collect()
}

fn whole(value: f64, scale: i32) -> i64 {
    // A float becomes the nearest end of the range when it lies outside.
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and no plot is that tall")]
    let whole = (value * 10_f64.powi(scale)).round() as i64;
    whole
}

fn millis(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
