//! The few pieces of JSON that devices write.

use std::fmt::Write as _;

use model::Value;

pub(crate) fn push_text(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// # Panics
/// Never: a string takes every text.
pub(crate) fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    assert_eq!(written, Ok(()), "a string takes every text");
}

/// A number as it is printed shortest; one that JSON has no word for becomes `null`.
pub(crate) fn push_value(out: &mut String, value: Value<'_>) {
    match value {
        Value::Number(number) if number.is_finite() => {
            push(out, format_args!("{number}"));
        }
        Value::Number(_) => out.push_str("null"),
        Value::Boolean(truth) => out.push_str(if truth { "true" } else { "false" }),
        Value::Text(text) => push_text(out, text),
    }
}
