//! Changes as server-sent events of at most 2 KB: `v` cells first, then `p` points. An event has an
//! `id` only when a page that has it misses nothing up to there.

use std::collections::{BTreeMap, VecDeque};

use jiff::tz::TimeZone;
use model::Timestamp;
use serde_json::{Value as Json, json};

use crate::pages::{overview, rows};
use crate::show;
use crate::site::{Changes, DeviceChange, LivePoint};
use crate::words::Text;

/// Longest data of one event: one or two packets, so that nothing waits behind it.
const DATA_BYTES_MAX: usize = 1_900;

pub(super) fn gone() -> String {
    "event: gone\ndata: 1\n\n".to_owned()
}

/// Nothing happened, and the line still stands.
pub(super) fn beat(position: u64) -> String {
    format!("id: {position}\nevent: v\ndata: {{}}\n\n")
}

pub(super) fn write(
    out: &mut VecDeque<String>,
    changes: &Changes,
    at: (Timestamp, &TimeZone),
    t: Text,
) {
    let cells = cells(changes, at, t);
    let chunks = chunks(&cells);
    let last = chunks.len().saturating_sub(1);
    let position = changes.durable.position;
    for (index, chunk) in chunks.into_iter().enumerate() {
        let knows_all = index == last && changes.points.is_empty();
        out.push_back(event("v", &chunk, knows_all.then_some(position)));
    }
    points(out, &changes.points, position);
}

fn event(name: &str, data: &str, id: Option<u64>) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: {name}\ndata: {data}\n\n")
}

type Cells = BTreeMap<String, String>;

fn cells(changes: &Changes, at: (Timestamp, &TimeZone), t: Text) -> Cells {
    let mut cells = Cells::new();
    if let Some(time) = changes.durable.time {
        cells.insert("@durable".to_owned(), show::clock_plain(time, at.1));
    }
    for figure in changes.figures.iter().flat_map(|figures| overview::figures(figures, t)) {
        cells.insert(figure.cell.to_owned(), figure.value);
        cells.insert(figure.note_cell.to_owned(), figure.note);
    }
    for device in &changes.devices {
        device_cells(&mut cells, device, at, t);
    }
    cells
}

fn device_cells(cells: &mut Cells, device: &DeviceChange, at: (Timestamp, &TimeZone), t: Text) {
    let (now, zone) = at;
    let mut cell = |what: &str, text: String| {
        cells.insert(rows::cell(&device.handle, what), text);
    };
    cell("@status", rows::status(device.status, t).to_owned());
    cell("@mark", rows::mark(device.status).to_owned());
    if let Some(time) = device.last_seen {
        cell("@seen", show::day_and_clock_plain(time, now, zone));
    }
    for change in &device.signals {
        let unit = change.unit.as_deref();
        cell(&change.signal, show::value_plain(&change.latest.value, unit, t));
    }
}

fn chunks(cells: &Cells) -> Vec<String> {
    let mut chunks = Vec::new();
    let mut chunk = String::from("{");
    for (cell, text) in cells {
        let pair = format!("{}:{}", Json::from(cell.as_str()), Json::from(text.as_str()));
        if chunk.len() > 1 && chunk.len() + pair.len() > DATA_BYTES_MAX {
            chunk.push('}');
            chunks.push(std::mem::replace(&mut chunk, String::from("{")));
        }
        if chunk.len() > 1 {
            chunk.push(',');
        }
        chunk.push_str(&pair);
    }
    chunk.push('}');
    chunks.push(chunk);
    chunks
}

/// Readings of one record stay in one event: half a record has no position to go on from.
fn points(out: &mut VecDeque<String>, points: &[LivePoint], position: u64) {
    let mut data = String::new();
    let mut id = 0;
    for record in points.chunk_by(|one, next| one.position == next.position) {
        let rows: Vec<String> = record
            .iter()
            .map(|point| json!([point.signal, point.time.millis(), point.value]).to_string())
            .collect();
        let rows = rows.join(",");
        if !data.is_empty() && data.len() + rows.len() > DATA_BYTES_MAX {
            out.push_back(event("p", &format!("[{data}]"), Some(id)));
            data.clear();
        }
        if !data.is_empty() {
            data.push(',');
        }
        data.push_str(&rows);
        id = record.first().map_or(id, |point| point.position);
    }
    if !data.is_empty() {
        out.push_back(event("p", &format!("[{data}]"), Some(position)));
    }
}
