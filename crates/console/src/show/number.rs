//! Numbers: as many digits as the value has, within what a sensor can mean; grouped by thousands;
//! a real minus; a unit that never leaves its number.

use std::fmt::Write as _;

use crate::markup::Markup;
use crate::show::{NO_BREAK, code};

const MINUS: char = '\u{2212}';
/// From here on a number is a mantissa and a power of ten.
const PLAIN_MAX: f64 = 1e15;
const PLAIN_MIN: f64 = 1e-4;

pub(crate) fn count_plain(count: u64) -> String {
    grouped(&count.to_string())
}

pub(crate) fn count(count: u64) -> Markup {
    code(&count_plain(count))
}

/// `18.4 M`: three digits are enough to see how much it is.
pub(crate) fn compact(count: u64) -> String {
    let (divisor, letter) = match count {
        0..1_000_000 => return count_plain(count),
        1_000_000..1_000_000_000 => (100_000, 'M'),
        1_000_000_000.. => (100_000_000, 'G'),
    };
    let tenths = count / divisor;
    let whole = grouped(&(tenths / 10).to_string());
    match (tenths / 10, tenths % 10) {
        (0..100, rest) => format!("{whole}.{rest}{NO_BREAK}{letter}"),
        _ => format!("{whole}{NO_BREAK}{letter}"),
    }
}

pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{}{NO_BREAK}B", count_plain(bytes)),
        10_000..10_000_000 => format!("{}{NO_BREAK}kB", count_plain(bytes / 1_000)),
        10_000_000.. => format!("{}{NO_BREAK}MB", count_plain(bytes / 1_000_000)),
    }
}

/// At most three decimals, fewer as the number grows, and no zero at the end.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "\u{2014}".to_owned();
    }
    if size != 0.0 && !(PLAIN_MIN..PLAIN_MAX).contains(&size) {
        return format!("{value:.3e}").replace('-', &MINUS.to_string());
    }
    let decimals = match size {
        100.0.. => 1,
        10.0.. => 2,
        0.1.. => 3,
        _ => 5,
    };
    let digits = format!("{size:.decimals$}");
    let (whole, rest) = digits.split_once('.').unwrap_or((&digits, ""));
    let rest = rest.trim_end_matches('0');
    let mut out = String::new();
    if value < 0.0 && digits.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
        out.push(MINUS);
    }
    out.push_str(&grouped(whole));
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    out
}

pub(crate) fn number_unit(value: f64, unit: Option<&str>) -> String {
    with_unit(number(value), unit)
}

/// A no-break space joins them.
pub(crate) fn with_unit(mut out: String, unit: Option<&str>) -> String {
    if let Some(unit) = unit.filter(|unit| !unit.is_empty() && *unit != "1") {
        // Writing to a string cannot fail.
        write!(out, "{NO_BREAK}{unit}").unwrap_or_default();
    }
    out
}

/// A number that was computed from readings: two or three digits that mean something, as many
/// decimals as a number of the size of `like` has.
pub(crate) fn rounded(value: f64, like: f64) -> String {
    let decimals = match like.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    let power = 10_f64.powi(decimals);
    number((value * power).round() / power)
}

/// An integer of a query: a year or a number of a part is no quantity, so nothing is grouped.
pub(crate) fn integer(value: i64) -> String {
    value.to_string().replace('-', &MINUS.to_string())
}

/// A number of a query, with all the digits that tell it from others.
pub(crate) fn exact(value: f64) -> String {
    let plain = value == 0.0 || (PLAIN_MIN..PLAIN_MAX).contains(&value.abs());
    let digits = if plain { value.to_string() } else { format!("{value:e}") };
    digits.replace('-', &MINUS.to_string())
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
