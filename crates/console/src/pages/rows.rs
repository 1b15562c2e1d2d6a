//! Device rows as Overview and Devices show them, and the names of the cells that live updates
//! look for: `<handle>#<signal>`, and `@status` and `@seen` beside the signals.

use jiff::tz::TimeZone;
use model::Timestamp;

use crate::markup::Markup;
use crate::pages::spark;
use crate::show;
use crate::site::{DeviceRow, Status};
use crate::urls;
use crate::words::Text;

pub(crate) struct Row {
    pub(crate) handle: String,
    pub(crate) href: String,
    pub(crate) kind: String,
    pub(crate) mark: &'static str,
    pub(crate) status: &'static str,
    pub(crate) status_cell: String,
    pub(crate) mark_cell: String,
    pub(crate) seen: Option<Markup>,
    pub(crate) seen_cell: String,
    pub(crate) value: Option<MainValue>,
}

pub(crate) struct MainValue {
    pub(crate) label: String,
    pub(crate) text: Markup,
    pub(crate) cell: String,
    pub(crate) spark: Markup,
}

impl Row {
    pub(crate) fn new(row: &DeviceRow, now: Timestamp, zone: &TimeZone, t: Text) -> Self {
        let value = row.main.as_ref().map(|main| MainValue {
            label: show::label(&main.signal),
            text: show::value(&main.latest.value, main.unit.as_deref(), t),
            cell: cell(&row.handle, &main.signal),
            spark: spark::draw(&main.spark),
        });
        Self {
            href: urls::device(&row.handle),
            kind: row.kind.clone(),
            mark: mark(row.status),
            status: status(row.status, t),
            status_cell: cell(&row.handle, "@status"),
            mark_cell: cell(&row.handle, "@mark"),
            seen: row.last_seen.map(|time| show::day_and_clock(time, now, zone)),
            seen_cell: cell(&row.handle, "@seen"),
            handle: row.handle.clone(),
            value,
        }
    }
}

pub(crate) fn cell(handle: &str, what: &str) -> String {
    format!("{handle}#{what}")
}

/// The symbol in the shell's list of marks.
pub(crate) const fn mark(status: Status) -> &'static str {
    match status {
        Status::Reporting => "ok",
        Status::Silent => "stale",
    }
}

pub(crate) fn status(status: Status, t: Text) -> &'static str {
    match status {
        Status::Reporting => t.status_reporting(),
        Status::Silent => t.status_silent(),
    }
}
