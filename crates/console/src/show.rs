//! How numbers, times, spans and names look. Pure functions of the value alone, so that one value
//! reads the same in a heading, a table, a chart and a live update.

mod number;
mod span;
mod time;

pub(crate) use number::{
    bytes, compact, count, count_plain, exact, integer, number, number_unit, rounded, with_unit,
};
pub(crate) use span::{span, span_plain};
pub(crate) use time::{
    clock, clock_plain, day_and_clock, day_and_clock_plain, day_and_clock_seconds, field, iso,
    stamp, zone_name,
};

use crate::markup::{Markup, unseen};
use crate::site::Value;
use crate::words::Text;

pub(crate) const NO_BREAK: char = '\u{a0}';
const ISOLATE: char = '\u{2068}';
const ISOLATE_END: char = '\u{2069}';

/// A name that a person or a device gave: isolated, whatever its script.
pub(crate) fn name(text: &str) -> Markup {
    let mut out = Markup::own("<bdi>");
    out.push_text(text);
    out.push_own("</bdi>");
    out
}

/// A name that is read letter by letter and always from left to right.
pub(crate) fn code(text: &str) -> Markup {
    let mut out = Markup::own("<bdi dir=\"ltr\">");
    out.push_text(text);
    out.push_own("</bdi>");
    out
}

/// As `name`, for places where no element can stand.
pub(crate) fn isolate(out: &mut String, text: &str) {
    out.push(ISOLATE);
    out.extend(text.chars().map(|letter| if unseen(letter) { '\u{fffd}' } else { letter }));
    out.push(ISOLATE_END);
}

pub(crate) fn value(value: &Value, unit: Option<&str>, t: Text) -> Markup {
    code_or_name(value, &value_plain(value, unit, t))
}

pub(crate) fn value_plain(value: &Value, unit: Option<&str>, t: Text) -> String {
    match value {
        Value::Number(number) => number_unit(*number, unit),
        Value::Text(text) => text.clone(),
        Value::Bool(true) => t.value_true().to_owned(),
        Value::Bool(false) => t.value_false().to_owned(),
    }
}

fn code_or_name(value: &Value, text: &str) -> Markup {
    match value {
        Value::Number(_) => code(text),
        Value::Text(_) | Value::Bool(_) => name(text),
    }
}

/// `soil_moisture` as a heading: `Soil moisture`. The name itself stays what SQL knows.
pub(crate) fn label(signal: &str) -> String {
    let spaced = signal.replace(['_', '/', '.'], " ");
    let mut letters = spaced.trim().chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => signal.to_owned(),
    }
}

#[cfg(test)]
mod tests;
