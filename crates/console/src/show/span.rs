//! Spans of time in one unit, rounded down: `4 s`, `42 min`, `3 h`, `2 d`.

use std::time::Duration;

use crate::markup::Markup;
use crate::show::{NO_BREAK, code};
use crate::words::Text;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

pub(crate) fn span_plain(span: Duration, t: Text) -> String {
    let seconds = span.as_secs();
    let (number, unit) = match seconds {
        0 if !span.is_zero() => (span.as_millis(), t.unit_millisecond()),
        0..MINUTE => (u128::from(seconds), t.unit_second()),
        MINUTE..HOUR => (u128::from(seconds / MINUTE), t.unit_minute()),
        // Up to two days hours still say more than days.
        HOUR..172_800 => (u128::from(seconds / HOUR), t.unit_hour()),
        _ => (u128::from(seconds / DAY), t.unit_day()),
    };
    format!("{number}{NO_BREAK}{unit}")
}

pub(crate) fn span(span: Duration, t: Text) -> Markup {
    code(&span_plain(span, t))
}
