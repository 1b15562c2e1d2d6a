//! What the live stream of a page shows: exactly what was committed after a position.

use std::collections::BTreeMap;

use console::{Changes, DeviceChange, Durable, LivePoint, SignalChange, Site, SiteFault, Want};
use history::{Series, View};
use ingest::{Point, PointValue, Since};
use model::Position;

use super::{Pages, heard_at, overview, reading_of, status_of, unit_of};

pub(super) fn changes(pages: &Pages, since: u64, want: &Want) -> Result<Changes, SiteFault> {
    let committed = pages.horizon.committed();
    let view = pages.reader.view(committed);
    let durable = Durable { position: committed.position().get(), ..pages.durable() };
    let wanted: BTreeMap<u32, Series> = want
        .devices
        .iter()
        .flat_map(|handle| view.series_of(handle))
        .map(|series| (series.id.get(), series))
        .collect();
    let of_wanted = |id: history::SeriesId| wanted.contains_key(&id.get());
    let points = match pages.feed.since(Position::new(since), committed, of_wanted) {
        Since::Points(points) => points,
        Since::TooOld => return Ok(Changes { durable, gone: true, ..Changes::default() }),
    };
    let figures = if want.figures {
        Some(overview::figures(pages, &view, &pages.registry.directory())?)
    } else {
        None
    };
    Ok(Changes {
        durable,
        gone: false,
        devices: devices(pages, &view, &points, &wanted),
        points: if want.points { live_points(&points, &wanted) } else { Vec::new() },
        figures,
    })
}

/// The last state of each device that said something.
fn devices(
    pages: &Pages,
    view: &View,
    points: &[Point],
    wanted: &BTreeMap<u32, Series>,
) -> Vec<DeviceChange> {
    let directory = pages.registry.directory();
    let mut changed: BTreeMap<&str, BTreeMap<u32, &Series>> = BTreeMap::new();
    for series in points.iter().filter_map(|point| wanted.get(&point.series.get())) {
        changed.entry(&series.device).or_default().insert(series.id.get(), series);
    }
    let change = |(handle, signals): (&str, BTreeMap<u32, &Series>)| {
        let index = directory.by_handle(handle)?;
        let signal = |series: &Series| {
            let latest = reading_of(&view.latest(series.id)?);
            let (signal, unit) = (series.signal.to_string(), unit_of(series));
            Some(SignalChange { signal, unit, latest })
        };
        Some(DeviceChange {
            handle: handle.to_owned(),
            status: status_of(&directory, index, pages.now()),
            last_seen: heard_at(&directory, index),
            signals: signals.into_values().filter_map(signal).collect(),
        })
    };
    changed.into_iter().filter_map(change).collect()
}

fn live_points(points: &[Point], wanted: &BTreeMap<u32, Series>) -> Vec<LivePoint> {
    let live = |point: &Point| {
        let value = match point.value {
            PointValue::Number(number) => number,
            PointValue::Boolean(truth) => f64::from(u8::from(truth)),
            PointValue::Text(_) => return None,
        };
        Some(LivePoint {
            position: point.position.get(),
            signal: wanted.get(&point.series.get())?.signal.to_string(),
            time: point.time,
            value,
        })
    };
    points.iter().filter_map(live).collect()
}
