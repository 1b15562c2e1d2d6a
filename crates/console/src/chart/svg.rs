//! The drawing itself. Only presentation attributes and classes: a page carries no style.

use std::fmt::Write as _;

use crate::chart::scale::Scale;
use crate::chart::{HEIGHT, Plot, Tick};
use crate::markup::Markup;
use crate::show;
use crate::site::Point;

/// Parts of a pixel that are drawn: finer than a screen shows, and whole numbers compress best.
const FINE: f64 = 4.0;

/// A label has to find room above its line.
const LETTERS: f64 = 9.0;

/// From one letter to the next below it.
const LETTER_HEIGHT: f64 = 12.0;

/// As many as one plot has lines that are not compared with.
pub(crate) const LETTERS_OF_LINES: [char; 6] = ['A', 'B', 'C', 'D', 'E', 'F'];

/// One of the lines of a plot, which share its scale.
pub(crate) struct Stroke<'a> {
    pub(crate) plot: &'a Plot<'a>,
    /// 1 to 6.
    pub(crate) colour: u8,
    /// Drawn fainter: what another line is compared with.
    pub(crate) before: bool,
}

/// Grid, band, line, end dot, and the value labels inside the plot.
pub(crate) fn plot(plot: &Plot<'_>, times: &[Tick]) -> Markup {
    let only = Stroke { plot, colour: 1, before: false };
    sheet(&[only], (HEIGHT, None), times)
}

/// The same of several lines. The highest value label says the unit.
pub(crate) fn sheet(
    strokes: &[Stroke<'_>],
    (height, unit): (f64, Option<&str>),
    times: &[Tick],
) -> Markup {
    let mut out =
        format!("<svg class=\"drawn\" width=\"100%\" height=\"{height}\"><g class=\"grid\">");
    let extremes = extremes(strokes);
    let scale = Scale::new(extremes.unwrap_or((0.0, 1.0)), height);
    let values: Vec<f64> = extremes.map(|_| scale.ticks()).unwrap_or_default();
    for tick in times {
        let x = strokes.first().map_or(0.0, |stroke| percent(stroke.plot.x(tick.time)));
        add(&mut out, format_args!("<line x1=\"{x}%\" x2=\"{x}%\" y2=\"{height}\"/>"));
    }
    for value in &values {
        let y = pixel(scale.y(*value));
        add(&mut out, format_args!("<line class=\"v\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>"));
    }
    let (width, tall) = (1000.0 * FINE, height * FINE);
    add(
        &mut out,
        format_args!(
            "</g><svg width=\"100%\" height=\"{height}\" viewBox=\"0 0 {width} {tall}\" \
             preserveAspectRatio=\"none\">"
        ),
    );
    for stroke in strokes {
        grouped(&mut out, stroke, |out| {
            let plot = stroke.plot;
            if plot.decimated {
                add(out, format_args!("<path class=\"band\" d=\"{}\"/>", band(plot, &scale)));
            }
            add(out, format_args!("<path class=\"line\" d=\"{}\"/>", line(plot, &scale)));
        });
    }
    out.push_str("</svg>");
    for stroke in strokes {
        let Some((x, y)) = end(stroke, &scale) else { continue };
        grouped(&mut out, stroke, |out| {
            add(out, format_args!("<circle cx=\"{x}%\" cy=\"{y}\" r=\"3.5\"/>"));
        });
    }
    labels(&mut out, (&scale, &values), unit);
    out.push_str("</svg>");
    Markup::own(&out)
}

/// A letter at the end of each line, for eyes that do not tell their colours apart. `None` where
/// there is only one.
pub(crate) fn letters(strokes: &[Stroke<'_>], height: f64) -> Option<Markup> {
    let scale = Scale::new(extremes(strokes)?, height);
    let named: Vec<&Stroke<'_>> = strokes.iter().filter(|stroke| !stroke.before).collect();
    if named.len() < 2 {
        return None;
    }
    let mut ends: Vec<(f64, f64, char)> = named
        .iter()
        .zip(LETTERS_OF_LINES)
        .filter_map(|(stroke, letter)| end(stroke, &scale).map(|(x, y)| (x, y + 4.0, letter)))
        .collect();
    ends.sort_by(|one, other| one.1.total_cmp(&other.1));
    apart(&mut ends, height);
    let mut out =
        format!("<svg class=\"letters\" width=\"100%\" height=\"{height}\" aria-hidden=\"true\">");
    for (x, y, letter) in ends {
        add(&mut out, format_args!("<text x=\"{x}%\" dx=\"6\" y=\"{y}\">{letter}</text>"));
    }
    out.push_str("</svg>");
    Some(Markup::own(&out))
}

/// Letters that would cover each other make room: downwards, and from the lower edge up again.
fn apart(ends: &mut [(f64, f64, char)], height: f64) {
    let mut free = LETTERS;
    for end in ends.iter_mut() {
        end.1 = end.1.max(free);
        free = end.1 + LETTER_HEIGHT;
    }
    let mut free = height;
    for end in ends.iter_mut().rev() {
        end.1 = end.1.min(free);
        free = end.1 - LETTER_HEIGHT;
    }
}

fn extremes(strokes: &[Stroke<'_>]) -> Option<(f64, f64)> {
    let each = strokes.iter().filter_map(|stroke| stroke.plot.extremes());
    each.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
}

/// A line that has another colour than the first.
fn grouped(out: &mut String, stroke: &Stroke<'_>, draw: impl FnOnce(&mut String)) {
    if stroke.colour == 1 && !stroke.before {
        return draw(out);
    }
    let before = if stroke.before { " before" } else { "" };
    add(out, format_args!("<g class=\"s{}{before}\">", stroke.colour));
    draw(out);
    out.push_str("</g>");
}

fn end(stroke: &Stroke<'_>, scale: &Scale) -> Option<(f64, f64)> {
    let end = stroke.plot.points.last()?;
    Some((percent(stroke.plot.x(end.time)), pixel(scale.y(end.last))))
}

fn labels(out: &mut String, (scale, values): (&Scale, &[f64]), unit: Option<&str>) {
    out.push_str("<g class=\"values\">");
    let shown = values.iter().map(|value| (value, pixel(scale.y(*value) - 4.0)));
    let shown: Vec<(&f64, f64)> = shown.filter(|(_, y)| *y >= LETTERS).collect();
    for (index, (value, y)) in shown.iter().enumerate() {
        let unit = unit.filter(|_| index + 1 == shown.len());
        let text = Markup::text(&show::number_unit(**value, unit));
        add(out, format_args!("<text y=\"{y}\">{text}</text>"));
    }
    out.push_str("</g>");
}

/// The one time axis, under the last plot.
pub(crate) fn axis_row(plot: &Plot<'_>, times: &[Tick], zone: &str) -> Markup {
    let zone = Markup::text(zone);
    let mut out = String::from("<svg class=\"drawn times\" width=\"100%\" height=\"20\">");
    add(&mut out, format_args!("<text y=\"15\">{zone}</text>"));
    for (index, tick) in times.iter().enumerate() {
        let x = plot.x(tick.time);
        // The last label turns inwards; the first place is the zone's.
        let side = if x > 970.0 { "end" } else { "middle" };
        let class = match (x, index % 2) {
            (..90.0, _) => " visibility=\"hidden\"",
            (_, 1) => " class=\"second\"",
            _ => "",
        };
        let x = percent(x);
        let label = &tick.label;
        add(
            &mut out,
            format_args!("<text{class} x=\"{x}%\" y=\"15\" text-anchor=\"{side}\">{label}</text>"),
        );
    }
    out.push_str("</svg>");
    Markup::own(&out)
}

fn line(plot: &Plot<'_>, scale: &Scale) -> String {
    let mut path = String::new();
    let end = plot.points.last();
    for run in plot.runs() {
        let spots = run.iter().map(|point| {
            // The line ends where the heading says it does.
            let value = if Some(point) == end { point.last } else { point.mean };
            spot(plot, scale, point, value)
        });
        draw(&mut path, spots);
        if run.len() == 1 {
            path.push_str("h0");
        }
    }
    path
}

fn band(plot: &Plot<'_>, scale: &Scale) -> String {
    let mut path = String::new();
    for run in plot.runs() {
        let upper = run.iter().map(|point| spot(plot, scale, point, point.max));
        let lower = run.iter().rev().map(|point| spot(plot, scale, point, point.min));
        draw(&mut path, upper.chain(lower));
        path.push('z');
    }
    path
}

fn spot(plot: &Plot<'_>, scale: &Scale, point: &Point, value: f64) -> (f64, f64) {
    ((plot.x(point.time) * FINE).round(), (scale.y(value) * FINE).round())
}

/// Steps from point to point: small numbers that repeat.
fn draw(path: &mut String, spots: impl Iterator<Item = (f64, f64)>) {
    let mut pen: Option<(f64, f64)> = None;
    for (x, y) in spots {
        match pen {
            None => add(path, format_args!("M{x} {y}l")),
            Some((from_x, from_y)) => {
                let (dx, dy) = (x - from_x, y - from_y);
                let gap = if dy < 0.0 { "" } else { " " };
                let lead = if path.ends_with('l') || dx < 0.0 { "" } else { " " };
                add(path, format_args!("{lead}{dx}{gap}{dy}"));
            }
        }
        pen = Some((x, y));
    }
    if path.ends_with('l') {
        path.pop();
    }
}

fn percent(thousandths: f64) -> f64 {
    (thousandths * 10.0).round() / 100.0
}

fn pixel(length: f64) -> f64 {
    (length * 2.0).round() / 2.0
}

fn add(out: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    out.write_fmt(piece).unwrap_or_default();
}
