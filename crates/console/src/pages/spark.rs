//! Sparklines: the shape of six hours beside a value. Every one stands on the same baseline and
//! ends in a dot; a gap in the data is a gap in the line.

use std::fmt::Write as _;

use crate::markup::Markup;

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 28.0;
/// Room for the end dot at the right, and for the stroke above and below.
const RIGHT: f64 = 4.0;
const TOP: f64 = 4.0;
const BOTTOM: f64 = 5.0;

/// Decoration: the value beside it says the same in words.
pub(crate) fn draw(values: &[Option<f64>]) -> Markup {
    let mut out = Markup::own(
        "<svg class=\"spark\" width=\"120\" height=\"28\" viewBox=\"0 0 120 28\" \
         aria-hidden=\"true\"><path class=\"base\" d=\"M0 27.5H120\"/>",
    );
    let spots = spots(values);
    if let Some((x, y)) = spots.iter().flatten().next_back() {
        out.push_own(&format!("<path class=\"line\" d=\"{}\"/>", path(&spots)));
        let ends = spots.last().is_some_and(Option::is_some);
        if ends {
            out.push_own(&format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"2.5\"/>"));
        }
    }
    out.push_own("</svg>");
    out
}

fn spots(values: &[Option<f64>]) -> Vec<Option<(f64, f64)>> {
    let known = values.iter().flatten().filter(|value| value.is_finite());
    let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(*value), high.max(*value))
    });
    let span = high - low;
    let last = u32::try_from(values.len().max(2) - 1).unwrap_or(u32::MAX);
    let step = (WIDTH - RIGHT) / f64::from(last);
    (0_u32..)
        .zip(values)
        .map(|(index, value)| {
            let value = value.filter(|value| value.is_finite())?;
            // A constant has no shape: it lies in the middle.
            let part = if span > 0.0 { (value - low) / span } else { 0.5 };
            let y = HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP);
            Some((tenth(f64::from(index) * step), tenth(y)))
        })
        .collect()
}

fn path(spots: &[Option<(f64, f64)>]) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for spot in spots {
        if let Some((x, y)) = spot {
            let verb = if pen_down { 'L' } else { 'M' };
            // A lone point is still drawn: a line of no length with round ends is a dot.
            let dot = if pen_down { "" } else { "h0" };
            write!(path, "{verb}{x} {y}{dot}").unwrap_or_default();
        }
        pen_down = spot.is_some();
    }
    path
}

fn tenth(length: f64) -> f64 {
    (length * 10.0).round() / 10.0
}
