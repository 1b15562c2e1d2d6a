//! Is all well; if not, what first.

use std::cmp::Reverse;
use std::time::Duration;

use console::{
    Activity, ActivityKind, Attention, Change, Figures, Overview, Site, SiteFault, Trouble,
};
use history::{Scan, SeriesId, View, column};
use model::Timestamp;
use registry::{Device, DeviceIndex, Directory};

use super::buckets::{Cut, means};
use super::lists::{main_series, rows};
use super::{FIGURES_KEPT, Pages, fault, heard_at, unit_of};

/// Rows of each list on the page.
const ATTENTION_MAX: usize = 12;
const DEVICES_MAX: usize = 8;
const CHANGES_MAX: usize = 5;
const ACTIVITY_MAX: usize = 8;

/// Devices looked at for what changed: the ones heard last. A site of 100,000 is not read in full
/// for a line on a page.
const COMPARED_MAX: usize = 500;

/// A reading that comes more than this after it was measured is late.
const LATE: Duration = Duration::from_secs(60);

/// Two hours in 24 points of five minutes: the last hour against the one before.
const CHANGE_SPAN: Duration = Duration::from_secs(2 * 3_600);
const CHANGE_POINTS: usize = 24;

type Found<'a> = Vec<(DeviceIndex, &'a Device)>;

pub(super) fn overview(pages: &Pages) -> Result<Overview, SiteFault> {
    let (view, now) = (pages.view(), pages.now());
    let directory = pages.registry.directory();
    let mut heard: Found<'_> = directory.iter().collect();
    heard.sort_by_key(|(index, _)| Reverse(heard_at(&directory, *index)));
    let attention = attention(&directory, now);
    let busiest: Found<'_> = busiest(&directory, &heard);
    Ok(Overview {
        durable: pages.durable(),
        figures: figures(pages, &view, &directory)?,
        attention_total: attention.len() as u64,
        attention: attention.into_iter().take(ATTENTION_MAX).collect(),
        devices: rows(&view, &directory, &busiest, now)?,
        changed: changed(&view, &heard, now)?,
        activity: activity(&directory, now),
    })
}

pub(super) fn figures(
    pages: &Pages,
    view: &View,
    directory: &Directory,
) -> Result<Figures, SiteFault> {
    let now = pages.now();
    let silent = directory.iter().filter(|(index, _)| directory.silence(*index, now).is_some());
    let silent = silent.count() as u64;
    let late: Vec<Duration> = directory
        .iter()
        .filter(|(index, _)| directory.silence(*index, now).is_none())
        .filter_map(|(index, _)| Some(directory.pulse(index)?.late_by()))
        .filter(|late| *late > LATE)
        .collect();
    Ok(Figures {
        devices: directory.len() as u64,
        reporting: directory.len() as u64 - silent,
        readings_today: readings_today(pages, view, now)?,
        late_devices: late.len() as u64,
        late_worst: late.into_iter().max(),
    })
}

fn readings_today(pages: &Pages, view: &View, now: Timestamp) -> Result<u64, SiteFault> {
    let moment = pages.clock.now().moment;
    let mut counted = pages.counted.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((at, count)) = *counted
        && moment.since(at) < FIGURES_KEPT
    {
        return Ok(count);
    }
    let scan = Scan {
        from: Some(midnight(pages, now)),
        columns: Some(vec![column::TIME]),
        ..Scan::default()
    };
    let mut count = 0;
    for batch in view.scan(&scan).map_err(fault)? {
        count += batch.map_err(fault)?.num_rows() as u64;
    }
    *counted = Some((moment, count));
    Ok(count)
}

/// The start of the day in the site's zone.
fn midnight(pages: &Pages, now: Timestamp) -> Timestamp {
    let local = jiff::Timestamp::from_microsecond(now.micros())
        .map(|at| at.to_zoned_datetime(pages.identity.zone.clone()))
        .and_then(|at| at.start_of_day());
    local.map_or(Timestamp::EPOCH, |at| Timestamp::from_micros(at.timestamp().as_microsecond()))
}

/// What is wrong, the longest silence first.
fn attention(directory: &Directory, now: Timestamp) -> Vec<Attention> {
    let mut found: Vec<Attention> = directory
        .iter()
        .filter_map(|(index, device)| {
            let pulse = directory.pulse(index)?;
            let since = pulse.heard_at()?;
            let trouble = match directory.silence(index, now) {
                Some(_) => Trouble::Silent { rhythm: pulse.rhythm() },
                None if pulse.late_by() > LATE => Trouble::Late { by: pulse.late_by() },
                None => return None,
            };
            let (handle, kind) = (device.handle.to_string(), device.device_type.to_string());
            Some(Attention { handle, kind, trouble, since })
        })
        .collect();
    found.sort_by_key(|attention| attention.since);
    found
}

/// The devices that say most, among those heard last.
fn busiest<'a>(directory: &Directory, heard: &Found<'a>) -> Found<'a> {
    let mut devices: Found<'a> = heard.iter().take(COMPARED_MAX).copied().collect();
    let rhythm = |index: DeviceIndex| directory.pulse(index).and_then(|pulse| pulse.rhythm());
    devices.sort_by_key(|(index, device)| {
        (rhythm(*index).unwrap_or(Duration::MAX), std::sync::Arc::clone(&device.handle))
    });
    devices.truncate(DEVICES_MAX);
    devices
}

/// The signals that moved most, as a share of what they were.
fn changed(view: &View, heard: &Found<'_>, now: Timestamp) -> Result<Vec<Change>, SiteFault> {
    let mains: Vec<_> = heard
        .iter()
        .take(COMPARED_MAX)
        .filter_map(|(_, device)| main_series(view, &device.handle))
        .collect();
    let ids: Vec<SeriesId> = mains.iter().map(|series| series.id).collect();
    let cut = Cut { from: now.saturating_sub(CHANGE_SPAN), to: now, count: CHANGE_POINTS };
    let mut sparks = means(view, ids, cut)?;
    let mut changes: Vec<Change> = mains
        .iter()
        .filter_map(|series| {
            let spark = sparks.remove(&series.id.get())?;
            let (before, latest) = spark.split_at_checked(CHANGE_POINTS / 2)?;
            Some(Change {
                before: mean(before)?,
                latest: mean(latest)?,
                handle: series.device.to_string(),
                signal: series.signal.to_string(),
                unit: unit_of(series),
                spark,
            })
        })
        .collect();
    changes.sort_by(|a, b| share(b).total_cmp(&share(a)));
    changes.truncate(CHANGES_MAX);
    Ok(changes)
}

fn mean(points: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = points.iter().copied().flatten().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

fn share(change: &Change) -> f64 {
    (change.latest - change.before).abs() / change.before.abs().max(1e-9)
}

fn activity(directory: &Directory, now: Timestamp) -> Vec<Activity> {
    let silenced = directory.iter().filter_map(|(index, device)| {
        directory.silence(index, now)?;
        let pulse = directory.pulse(index)?;
        let time = pulse.heard_at()?.saturating_add(pulse.patience());
        let handle = device.handle.to_string();
        Some(Activity { time, handle, kind: ActivityKind::WentSilent })
    });
    let first = directory.iter().map(|(_, device)| Activity {
        time: device.first_seen,
        handle: device.handle.to_string(),
        kind: ActivityKind::FirstMessage,
    });
    let mut all: Vec<Activity> = silenced.chain(first).collect();
    all.sort_by_key(|activity| Reverse(activity.time));
    all.truncate(ACTIVITY_MAX);
    all
}
