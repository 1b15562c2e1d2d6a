//! One device: its signals over a window of time, its last messages, its names.

use console::{Device, Point, RawMessage, Signal, Site, SiteFault, Window};
use history::{Series, View};
use ingest::Since;
use model::Position;
use model::record::Record;
use registry::{DeviceIndex, Directory};

use super::lists::rows;
use super::{Pages, fault, reading_of, unit_of};

/// Raw messages shown.
const MESSAGES_MAX: usize = 10;

/// Records read to find them: what an SSD gives in a few milliseconds.
const RECORDS_READ_MAX: u64 = 20_000;

/// Bytes of a payload that are shown.
const PREVIEW_BYTES_MAX: usize = 256;

pub(super) fn device(
    pages: &Pages,
    handle: &str,
    window: &Window,
) -> Result<Option<Device>, SiteFault> {
    let (view, now) = (pages.view(), pages.now());
    let directory = pages.registry.directory();
    let Some(index) = directory.by_handle(handle) else { return Ok(None) };
    let Some(found) = directory.get(index) else { return Ok(None) };
    let row = rows(&view, &directory, &[(index, found)], now)?.pop();
    let Some(row) = row else { return Ok(None) };
    let series = view.series_of(handle);
    let signals = series.iter().map(|series| signal(&view, series, window, found.guessed));
    Ok(Some(Device {
        durable: pages.durable(),
        row,
        id: found.id.to_string(),
        first_seen: Some(found.first_seen),
        signals: signals.collect::<Result<_, _>>()?,
        keys: keys(&directory, index),
        attributes: attributes(found),
        messages: messages(pages, &series, &found.dialect)?,
    }))
}

fn attributes(device: &registry::Device) -> Vec<(String, String)> {
    let dialect = ("dialect", &*device.dialect);
    let pairs = std::iter::once(dialect).chain(device.labels.iter());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn keys(directory: &Directory, index: DeviceIndex) -> Vec<String> {
    let device = directory.get(index);
    let mut keys: Vec<&model::DeviceKey> = device.iter().flat_map(|device| &device.keys).collect();
    keys.sort_by_key(|key| std::cmp::Reverse(key.strength()));
    keys.into_iter().map(ToString::to_string).collect()
}

fn signal(
    view: &View,
    series: &Series,
    window: &Window,
    guessed: bool,
) -> Result<Signal, SiteFault> {
    let width = usize::try_from(window.columns).unwrap_or(usize::MAX);
    let columns = view.m4(series.id, (window.from, window.to), width).map_err(fault)?;
    let decimated = columns.iter().any(|column| column.count > 1);
    #[expect(clippy::cast_precision_loss, reason = "a column holds fewer than 2^53 readings")]
    let point = |column: &history::Column| Point {
        time: column.last.time,
        last: column.last.number,
        min: column.min.number,
        max: column.max.number,
        mean: column.sum / column.count as f64,
    };
    Ok(Signal {
        name: series.signal.to_string(),
        unit: unit_of(series),
        guessed,
        latest: view.latest(series.id).as_ref().map(reading_of),
        points: columns.iter().map(point).collect(),
        decimated,
    })
}

/// The last messages that brought readings of these series, the newest first. What the live feed
/// has forgotten is found with SQL, in `messages`.
fn messages(pages: &Pages, series: &[Series], dialect: &str) -> Result<Vec<RawMessage>, SiteFault> {
    let committed = pages.horizon.committed();
    let oldest = Position::new(committed.position().get().saturating_sub(RECORDS_READ_MAX));
    let of_device = |id| series.iter().any(|series| series.id == id);
    let points = match pages.feed.since(oldest, committed, of_device) {
        Since::Points(points) => points,
        Since::TooOld => match pages.feed.since(pages.feed.reaches(), committed, of_device) {
            Since::Points(points) => points,
            Since::TooOld => return Ok(Vec::new()),
        },
    };
    let mut wanted: Vec<Position> = points.iter().map(|point| point.position).collect();
    wanted.dedup();
    let wanted = wanted.split_off(wanted.len().saturating_sub(MESSAGES_MAX));
    read(pages, &wanted, dialect)
}

fn read(pages: &Pages, wanted: &[Position], dialect: &str) -> Result<Vec<RawMessage>, SiteFault> {
    let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { return Ok(Vec::new()) };
    let mut reader = pages.journal.reader(*first);
    let mut found = Vec::new();
    while let Some(batch) = reader.next_batch().map_err(fault)? {
        for (position, bytes) in batch.iter().filter(|(at, _)| wanted.binary_search(at).is_ok()) {
            if let Ok(Record::Message(message)) = Record::decode(bytes) {
                found.push(RawMessage {
                    position: position.get(),
                    time: message.received_at,
                    topic: message.topic.to_string(),
                    dialect: Some(dialect.to_owned()),
                    bytes: message.payload.len() as u64,
                    preview: preview(message.payload),
                });
            }
        }
        if batch.last() >= *last {
            break;
        }
    }
    found.reverse();
    Ok(found)
}

/// Text as it is, anything else as hexadecimal digits.
fn preview(payload: &[u8]) -> String {
    let start = payload.get(..PREVIEW_BYTES_MAX).unwrap_or(payload);
    match std::str::from_utf8(payload) {
        Ok(text) => {
            text.get(..text.floor_char_boundary(PREVIEW_BYTES_MAX)).unwrap_or(text).to_owned()
        }
        Err(_not_text) => start.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
