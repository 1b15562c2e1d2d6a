//! Devices in rows: filtered, counted, with their main signal and its last six hours.

use std::collections::BTreeMap;
use std::time::Duration;

use console::{DeviceFilter, DeviceList, DeviceRow, MainSignal, Order, SiteFault, Status};
use history::{Series, SeriesId, View};
use model::Timestamp;
use registry::{Device, DeviceIndex, Directory};

use super::buckets::{Cut, means};
use super::{Pages, heard_at, reading_of, status_of, unit_of};

/// A sparkline: six hours in 36 points of ten minutes.
const SPARK_SPAN: Duration = Duration::from_secs(6 * 3_600);
const SPARK_POINTS: usize = 36;

/// Handles offered to somebody who mistyped one.
const SIMILAR_MAX: usize = 5;

/// Quantities that stand for a device in a list, the most telling first.
const TELLING: &[&str] =
    &["temp", "level", "power", "flow", "moist", "pressure", "speed", "co2", "hum"];

pub(super) fn devices(pages: &Pages, filter: &DeviceFilter) -> Result<DeviceList, SiteFault> {
    let (view, now) = (pages.view(), pages.clock.now().timestamp);
    let directory = pages.registry.directory();
    let mut list = DeviceList {
        durable: console::Site::durable(pages),
        total: directory.len() as u64,
        ..DeviceList::default()
    };
    let words: Vec<String> = filter.text.split_whitespace().map(str::to_lowercase).collect();
    let mut found = Vec::new();
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let mut statuses: BTreeMap<Status, u64> = BTreeMap::new();
    for (index, device) in directory.iter().filter(|(_, device)| has_words(device, &words)) {
        let status = status_of(&directory, index, now);
        let kind_fits = filter.kind.as_deref().is_none_or(|kind| kind == &*device.device_type);
        let status_fits = filter.status.is_none_or(|wanted| wanted == status);
        if kind_fits {
            *statuses.entry(status).or_default() += 1;
        }
        if status_fits {
            *kinds.entry(&device.device_type).or_default() += 1;
        }
        if kind_fits && status_fits {
            found.push((index, device));
        }
    }
    sort(&mut found, &directory, filter.order);
    list.matching = found.len() as u64;
    list.statuses = statuses.into_iter().collect();
    list.kinds = kinds.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect();
    list.kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let offset = usize::try_from(filter.offset).unwrap_or(usize::MAX);
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let page: Vec<_> = found.into_iter().skip(offset).take(limit).collect();
    list.rows = rows(&view, &directory, &page, now)?;
    Ok(list)
}

/// The rows of some devices, with the sparklines of all of them in one scan.
pub(super) fn rows(
    view: &View,
    directory: &Directory,
    devices: &[(DeviceIndex, &Device)],
    now: Timestamp,
) -> Result<Vec<DeviceRow>, SiteFault> {
    let mains: Vec<Option<Series>> =
        devices.iter().map(|(_, device)| main_series(view, &device.handle)).collect();
    let ids: Vec<SeriesId> = mains.iter().flatten().map(|series| series.id).collect();
    let cut = Cut { from: now.saturating_sub(SPARK_SPAN), to: now, count: SPARK_POINTS };
    let mut sparks = means(view, ids, cut)?;
    let row = |(&(index, device), main): (&(DeviceIndex, &Device), Option<Series>)| DeviceRow {
        handle: device.handle.to_string(),
        kind: device.device_type.to_string(),
        status: status_of(directory, index, now),
        last_seen: heard_at(directory, index),
        main: main.and_then(|series| {
            let latest = view.latest(series.id)?;
            Some(MainSignal {
                unit: unit_of(&series),
                latest: reading_of(&latest),
                spark: sparks.remove(&series.id.get()).unwrap_or_default(),
                signal: series.signal.to_string(),
            })
        }),
    };
    Ok(devices.iter().zip(mains).map(row).collect())
}

/// The signal that stands for a device: the most telling quantity, else the first with a unit.
pub(super) fn main_series(view: &View, handle: &str) -> Option<Series> {
    let all = view.series_of(handle);
    let rank = |series: &Series| {
        let name = series.signal.to_lowercase();
        let telling = TELLING.iter().position(|word| name.contains(word)).unwrap_or(TELLING.len());
        (telling, series.unit.is_none(), series.id)
    };
    all.into_iter().min_by_key(rank)
}

/// Handles that somebody may have meant, the nearest first.
pub(super) fn similar(directory: &Directory, handle: &str) -> Vec<String> {
    let wanted = handle.to_lowercase();
    let mut near: Vec<(f64, &str)> = directory
        .iter()
        .map(|(_, device)| {
            (strsim::jaro_winkler(&wanted, &device.handle.to_lowercase()), &*device.handle)
        })
        .filter(|(likeness, _)| *likeness > 0.7)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(SIMILAR_MAX).map(|(_, handle)| handle.to_owned()).collect()
}

fn has_words(device: &Device, words: &[String]) -> bool {
    words.is_empty() || {
        let text = format!("{} {}", device.handle, device.device_type).to_lowercase();
        words.iter().all(|word| text.contains(word))
    }
}

fn sort(found: &mut [(DeviceIndex, &Device)], directory: &Directory, order: Order) {
    match order {
        Order::Handle => found.sort_by(|a, b| a.1.handle.cmp(&b.1.handle)),
        Order::LastSeen => found.sort_by_key(|(index, _)| heard_at(directory, *index)),
    }
}
