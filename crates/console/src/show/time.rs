//! Times in the site's zone, inside `<time datetime>` so that a browser may say them its own way.

use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ZonedDateTime};
use model::Timestamp;

use crate::markup::Markup;
use crate::show::NO_BREAK;

fn zoned(time: Timestamp, zone: &TimeZone) -> ZonedDateTime {
    let instant = Instant::from_microsecond(time.micros());
    // Beyond the calendar's ends every time looks like the end itself.
    let end = if time < Timestamp::EPOCH { Instant::MIN } else { Instant::MAX };
    instant.unwrap_or(end).to_zoned_datetime(zone.clone())
}

/// `12:10:44`
pub(crate) fn clock(time: Timestamp, zone: &TimeZone) -> Markup {
    element(time, &clock_plain(time, zone))
}

pub(crate) fn clock_plain(time: Timestamp, zone: &TimeZone) -> String {
    zoned(time, zone).strftime("%H:%M:%S").to_string()
}

/// `12:10` on the day of `now`, `22 Nov 12:10` on another, with the year in another year.
pub(crate) fn day_and_clock(time: Timestamp, now: Timestamp, zone: &TimeZone) -> Markup {
    element(time, &day_and_clock_plain(time, now, zone))
}

pub(crate) fn day_and_clock_plain(time: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, today) = (zoned(time, zone), zoned(now, zone));
    let form = match at.date() {
        date if date == today.date() => "%H:%M",
        date if date.year() == today.year() => "%-d %b %H:%M",
        _ => "%-d %b %Y",
    };
    at.strftime(form).to_string().replace(' ', &NO_BREAK.to_string())
}

/// As `day_and_clock`, to the second.
pub(crate) fn day_and_clock_seconds(time: Timestamp, now: Timestamp, zone: &TimeZone) -> Markup {
    let (at, today) = (zoned(time, zone), zoned(now, zone));
    if at.date() == today.date() { clock(time, zone) } else { day_and_clock(time, now, zone) }
}

/// `2026-11-22 12:10:44`
pub(crate) fn stamp(time: Timestamp, zone: &TimeZone) -> Markup {
    let text = zoned(time, zone).strftime("%Y-%m-%d %H:%M:%S").to_string();
    element(time, &text.replace(' ', &NO_BREAK.to_string()))
}

/// `2026-11-22T12:10:44.5Z`: for data, and for the programs that read `datetime`.
pub(crate) fn iso(time: Timestamp) -> String {
    zoned(time, &TimeZone::UTC).timestamp().to_string()
}

/// `2026-11-22T12:10`: as fields of a form for a time hold it.
pub(crate) fn field(time: Timestamp, zone: &TimeZone) -> String {
    zoned(time, zone).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// `EAT`, or the offset where a zone has no letters of its own.
pub(crate) fn zone_name(time: Timestamp, zone: &TimeZone) -> String {
    zoned(time, zone).strftime("%Z").to_string()
}

fn element(time: Timestamp, text: &str) -> Markup {
    Markup::own(&format!("<bdi dir=\"ltr\"><time datetime=\"{}\">{text}</time></bdi>", iso(time)))
}
