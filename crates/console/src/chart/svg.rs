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

/// Grid, band, line, end dot, and the value labels inside the plot.
pub(crate) fn plot(plot: &Plot<'_>, times: &[Tick]) -> Markup {
    let mut out =
        format!("<svg class=\"drawn\" width=\"100%\" height=\"{HEIGHT}\"><g class=\"grid\">");
    let scale = Scale::new(plot.extremes().unwrap_or((0.0, 1.0)), HEIGHT);
    let values: Vec<f64> = plot.extremes().map(|_| scale.ticks()).unwrap_or_default();
    for tick in times {
        let x = percent(plot.x(tick.time));
        add(&mut out, format_args!("<line x1=\"{x}%\" x2=\"{x}%\" y2=\"{HEIGHT}\"/>"));
    }
    for value in &values {
        let y = pixel(scale.y(*value));
        add(&mut out, format_args!("<line class=\"v\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>"));
    }
    let (width, height) = (1000.0 * FINE, HEIGHT * FINE);
    add(
        &mut out,
        format_args!(
            "</g><svg width=\"100%\" height=\"{HEIGHT}\" viewBox=\"0 0 {width} {height}\" \
             preserveAspectRatio=\"none\">"
        ),
    );
    if plot.decimated {
        add(&mut out, format_args!("<path class=\"band\" d=\"{}\"/>", band(plot, &scale)));
    }
    add(&mut out, format_args!("<path class=\"line\" d=\"{}\"/></svg>", line(plot, &scale)));
    if let Some(end) = plot.points.last() {
        let (x, y) = (percent(plot.x(end.time)), pixel(scale.y(end.last)));
        add(&mut out, format_args!("<circle cx=\"{x}%\" cy=\"{y}\" r=\"3.5\"/>"));
    }
    out.push_str("<g class=\"values\">");
    for value in &values {
        let y = pixel(scale.y(*value) - 4.0);
        if y < LETTERS {
            continue;
        }
        add(&mut out, format_args!("<text y=\"{y}\">{}</text>", show::number(*value)));
    }
    out.push_str("</g></svg>");
    Markup::own(&out)
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
