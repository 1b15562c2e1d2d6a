//! Values: what a text means, and what is no value at all.

use model::Unit;

use crate::json::{Item, Kind};
use crate::name::means_text;

/// A longer text is an attribute, not a reading.
pub const TEXT_BYTES_MAX: usize = 256;

/// More digits than a double holds for certain; such a text is an identifier.
const DIGITS_MAX: usize = 15;

/// Longest word that can be a switch or the lack of a value: `unavailable`.
const WORD_BYTES_MAX: usize = 11;

const NO_VALUES: [&str; 5] = ["nan", "none", "null", "unknown", "unavailable"];

/// What the dialect lets a text mean.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextRules {
    /// `on`, `off`, `true` and `false` are booleans.
    pub(crate) switches: bool,
    /// `23.4 °C` and `23,4` are numbers.
    pub(crate) loose_numbers: bool,
}

/// What a scalar says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Said<'a> {
    Nothing,
    Number(f64),
    /// The text named a unit.
    Quantity(f64, Unit),
    Boolean(bool),
    Text(&'a str),
}

impl<'a> Said<'a> {
    /// `None` for objects and arrays.
    pub(crate) fn by(item: Item<'a>, name: &str, rules: TextRules) -> Option<Self> {
        match item.kind() {
            Kind::Null => Some(Self::Nothing),
            Kind::Boolean => item.boolean().map(Self::Boolean),
            Kind::Number => item.number().map(Self::Number),
            Kind::Digits => Some(Self::Text(item.raw())),
            Kind::Text => item.text().map(|text| Self::by_text(text, name, rules)),
            Kind::Object | Kind::Array => None,
        }
    }

    pub(crate) fn by_text(text: &'a str, name: &str, rules: TextRules) -> Self {
        if is_no_value(text) {
            return Self::Nothing;
        }
        if means_text(name) {
            return Self::Text(text);
        }
        if let Some(number) = number(text) {
            return Self::Number(number);
        }
        if let Some(truth) = rules.switches.then(|| switch(text)).flatten() {
            return Self::Boolean(truth);
        }
        if let Some(said) = rules.loose_numbers.then(|| quantity(text)).flatten() {
            return said;
        }
        Self::Text(text)
    }
}

pub(crate) fn is_no_value(text: &str) -> bool {
    let word = text.trim();
    word.is_empty()
        || (word.len() <= WORD_BYTES_MAX
            && NO_VALUES.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

fn switch(text: &str) -> Option<bool> {
    let is = |word: &str| word.eq_ignore_ascii_case(text);
    match text.len() {
        2 | 4 if is("on") || is("true") => Some(true),
        3 | 5 if is("off") || is("false") => Some(false),
        _ => None,
    }
}

/// The whole text as a JSON number of at most `DIGITS_MAX` digits.
fn number(text: &str) -> Option<f64> {
    let (length, digits) = number_length(text, b'.')?;
    if length != text.len() || digits > DIGITS_MAX {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// How many bytes at the start are a JSON number, and how many digits it has before its exponent.
fn number_length(text: &str, point: u8) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let run = |from: usize| (from..).take_while(|at| byte(*at).is_ascii_digit()).count();
    let start = usize::from(byte(0) == b'-');
    let whole = run(start);
    if whole == 0 || (whole > 1 && byte(start) == b'0') {
        return None;
    }
    let (mut end, mut digits) = (start + whole, whole);
    let fraction = if byte(end) == point { run(end + 1) } else { 0 };
    if fraction > 0 {
        end += 1 + fraction;
        digits += fraction;
    }
    if matches!(byte(end), b'e' | b'E') {
        let sign = usize::from(matches!(byte(end + 1), b'+' | b'-'));
        let exponent = run(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    Some((end, digits))
}

/// A number with a unit behind it, or with a decimal comma, or both.
fn quantity<'a>(text: &str) -> Option<Said<'a>> {
    let text = text.trim();
    let (length, digits) = [b'.', b',']
        .into_iter()
        .filter_map(|point| number_length(text, point))
        .max_by_key(|(length, _)| *length)?;
    let (written, rest) = text.split_at_checked(length)?;
    let number =
        written.replace(',', ".").parse().ok().filter(|number: &f64| number.is_finite())?;
    match rest.trim() {
        _ if digits > DIGITS_MAX => None,
        "" => Some(Said::Number(number)),
        unit => Unit::from_text(unit).map(|unit| Said::Quantity(number, unit)),
    }
}

/// A 32-bit float as the decimal number that was meant: 72.3, not 72.30000305.
pub(crate) fn widen(short: f32) -> f64 {
    // The shortest decimal form always parses.
    short.to_string().parse().unwrap_or_else(|_fault| f64::from(short))
}

#[cfg(test)]
mod tests;
