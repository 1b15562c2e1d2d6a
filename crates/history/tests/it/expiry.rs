//! Readings of some devices are kept longer or shorter than those of others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use history::storage::memory::{Fault, Memory, Unsynced};
use history::{HoursScan, Keep, Keeping, Options, Scan};

use crate::hours::{check_against, hours_of, scan_hours};
use crate::site::{NOW, Record, Site, erasure, number, scan, small_options};

const DAY: i64 = 86_400_000;

const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 3_600)
}

/// By the first letter of a device.
#[derive(Debug)]
struct ByLetter(BTreeMap<char, Keep>);

impl Keeping for ByLetter {
    fn of(&self, device: &str) -> Keep {
        let letter = device.chars().next().unwrap_or_default();
        self.0.get(&letter).copied().unwrap_or_default()
    }

    fn all(&self) -> Vec<Keep> {
        self.0.values().copied().collect()
    }
}

fn keeping() -> Arc<ByLetter> {
    let keeps = [('s', Keep::For(days(2))), ('l', Keep::For(days(6))), ('e', Keep::Ever)];
    Arc::new(ByLetter(keeps.into()))
}

fn start() -> i64 {
    NOW.millis().div_euclid(DAY) * DAY
}

/// So many days ago, each device says three things, and takes one back.
fn day(ago: i64, devices: &[&str]) -> Vec<Record> {
    let time = start() - ago * DAY;
    let mut records = Vec::new();
    for device in devices {
        records.extend((0..3).map(|step| number(device, "x", time + step, 1.0)));
    }
    records.extend(devices.iter().map(|device| number(device, "x", time, 2.0)));
    records
}

/// Nine days of devices, in two flushes each so that there are late files, kept for four by default.
fn filled(devices: &[&str]) -> Site {
    filled_with(small_options(), devices)
}

fn filled_with(options: Options, devices: &[&str]) -> Site {
    let options = Options { keep: Some(days(4)), ..options };
    let mut site = Site::open_with(options, Memory::default(), Vec::new()).unwrap();
    for ago in 0..9 {
        site.write(day(8 - ago, devices));
        site.commit_all();
        assert!(site.flush().unwrap());
        site.write(
            devices.iter().map(|device| number(device, "x", start() - (8 - ago) * DAY + 1, 3.0)),
        );
        site.commit_all();
        assert!(site.flush().unwrap());
    }
    site.writer.keep_by(keeping());
    site
}

/// How many days ago the oldest reading of each device is.
fn oldest(site: &Site) -> BTreeMap<String, i64> {
    let mut oldest = BTreeMap::new();
    for (device, _, time) in scan(&site.view(), &Scan::default()).into_keys() {
        let ago = (start() - time.div_euclid(DAY) * DAY) / DAY;
        let seen = oldest.entry(device).or_insert(ago);
        *seen = ago.max(*seen);
    }
    oldest
}

fn wanted(list: &[(&str, i64)]) -> BTreeMap<String, i64> {
    list.iter().map(|(device, ago)| ((*device).to_owned(), *ago)).collect()
}

/// What the journal says, of what is still kept.
#[track_caller]
fn check(site: &Site, keep: impl Fn(&str) -> i64) {
    let mut expected = site.expected();
    expected
        .retain(|(device, _, time), _| start() - time.div_euclid(DAY) * DAY <= keep(device) * DAY);
    assert_eq!(scan(&site.view(), &Scan::default()), expected);
}

const KEPT: [(&str, i64); 4] = [("ever", 8), ("long", 6), ("other", 4), ("short", 2)];

fn kept(device: &str) -> i64 {
    KEPT.iter().find(|(name, _)| *name == device).map(|(_, days)| *days).unwrap()
}

#[test]
fn each_kind_leaves_when_its_time_is_over() {
    let mut site = filled(&["ever", "long", "other", "short"]);
    site.merge(0).unwrap();
    assert_eq!(oldest(&site), wanted(&KEPT));
    check(&site, kept);
    let kept_journal = site.journal.len();
    let site = site.crash(Unsynced::Lost, kept_journal).unwrap();
    check(&site, kept);
}

/// Nobody is kept for ever here: what is older than all want goes without being written again.
#[test]
fn a_day_that_nobody_wants_goes_as_a_whole() {
    let mut site = filled(&["long", "other", "short"]);
    let keeps = [('s', Keep::For(days(2))), ('l', Keep::For(days(6)))];
    site.writer.keep_by(Arc::new(ByLetter(keeps.into())));
    site.merge(0).unwrap();
    site.merge(0).unwrap();
    assert_eq!(oldest(&site), wanted(&KEPT[1..]));
    let folders = site.storage.files().into_keys().filter(|name| name.starts_with("readings/day="));
    let folders: std::collections::BTreeSet<String> =
        folders.map(|name| name.split('/').nth(1).unwrap().to_owned()).collect();
    assert_eq!(folders.len(), 7, "{folders:?}");
}

/// Also of devices that are kept shorter: hours have a time of their own.
#[test]
fn hours_stay_when_readings_of_some_devices_leave() {
    let mut site = filled(&["ever", "other", "short"]);
    let mut expected = hours_of(&site.expected());
    let last = start() - 2 * DAY;
    expected.retain(|(.., hour), _| *hour < last);
    site.merge(0).unwrap();
    assert_eq!(oldest(&site), wanted(&[("ever", 8), ("other", 4), ("short", 2)]));
    for hours in [0, 1] {
        site.merge(hours).unwrap();
        while site.summarise(hours).unwrap() > 0 {}
        let mut found = scan_hours(&site.view(), &HoursScan::default());
        found.retain(|(.., hour), _| *hour < last);
        assert_eq!(found, expected);
    }
    // They can be drawn, and are what is drawn where readings are there.
    assert_eq!(["ever", "other", "short"].map(|device| drawn(&site, device)), [18; 3]);
}

/// Readings in a line over the six days that are too old for `short`.
fn drawn(site: &Site, device: &str) -> u64 {
    let view = site.view();
    let series = view.series_of(device)[0].id;
    let [from, to] = [start() - 8 * DAY, start() - 2 * DAY].map(model::Timestamp::from_millis);
    view.m4(series, (from, to), 6).unwrap().iter().map(|column| column.count).sum()
}

/// Readings of devices that are kept shorter may be all that a day had.
#[test]
fn a_day_that_is_emptied_is_drawn_from_its_hours() {
    let mut site = Site::new();
    site.write(day(5, &["short"]));
    site.commit_all();
    site.flush().unwrap();
    site.writer.keep_by(keeping());
    site.merge(0).unwrap();
    assert_eq!(scan(&site.view(), &Scan::default()).len(), 0);
    assert_eq!(drawn(&site, "short"), 3);
}

/// Also where readings are read faster than the hours that stand for them.
#[test]
fn what_is_left_is_drawn_whatever_pays() {
    let options = Options { hours_cost: u64::MAX, ..small_options() };
    let mut site = filled_with(options, &["ever", "other", "short"]);
    site.merge(0).unwrap();
    while site.summarise(0).unwrap() > 0 {}
    assert_eq!(["ever", "other", "short"].map(|device| drawn(&site, device)), [18; 3]);
}

/// What has left does not come back where hours stand for readings: not after the hours were made
/// again, nor after an opening, nor when an erasure writes them again.
#[test]
fn hours_of_readings_that_left_stand_for_none() {
    let mut site = filled(&["ever", "other", "short"]);
    let check = |site: &Site| check_against(&site.view(), scan(&site.view(), &Scan::default()));
    let kept = |site: &Site| {
        let hours = scan_hours(&site.view(), &HoursScan::default()).into_keys();
        hours.filter(|(device, _, hour)| device == "short" && *hour < start() - 2 * DAY).count()
    };
    site.merge(0).unwrap();
    while site.summarise(0).unwrap() > 0 {}
    assert_eq!((check(&site), kept(&site)), (6, 6));
    site.write([number("ever", "x", start() - 5 * DAY + 7, 4.0)]);
    site.commit_all();
    site.flush().unwrap();
    site.merge(48).unwrap();
    while site.summarise(48).unwrap() > 0 {}
    assert_eq!((check(&site), kept(&site)), (9, 6));
    let journal = site.journal.len();
    let mut site = site.crash(Unsynced::Lost, journal).unwrap();
    assert_eq!((check(&site), kept(&site)), (9, 6));
    site.write([erasure("ever")]);
    site.commit_all();
    site.flush().unwrap();
    for _ in 0..4 {
        site.merge(48).unwrap();
        while site.summarise(48).unwrap() > 0 {}
    }
    check(&site);
    assert_eq!(kept(&site), 6);
}

/// And an erased device leaves them, too.
#[test]
fn hours_of_readings_that_left_are_erased() {
    let mut site = filled(&["ever", "other", "short"]);
    site.merge(0).unwrap();
    while site.summarise(0).unwrap() > 0 {}
    site.write([erasure("short")]);
    site.commit_all();
    site.flush().unwrap();
    for _ in 0..4 {
        site.merge(0).unwrap();
        while site.summarise(0).unwrap() > 0 {}
    }
    assert_eq!(site.reader.erasures(), []);
    let found = scan_hours(&site.view(), &HoursScan::default());
    assert!(found.keys().any(|(device, _, hour)| device == "other" && *hour < start() - 5 * DAY));
    assert!(!found.keys().any(|(device, ..)| device == "short"));
}

/// A view that was taken before stays as it is.
#[test]
fn a_view_shows_what_leaves_under_it() {
    let mut site = filled(&["ever", "short"]);
    let (view, before) = (site.view(), site.expected());
    site.merge(0).unwrap();
    assert_eq!(scan(&view, &Scan::default()), before);
}

/// Each late reading writes its day again, but not each at once.
#[test]
fn what_comes_late_and_is_too_old_goes_within_the_hour() {
    let mut site = filled(&["ever", "short"]);
    site.merge(0).unwrap();
    site.write(day(5, &["short"]));
    site.commit_all();
    assert!(site.flush().unwrap());
    site.merge(0).unwrap();
    assert_eq!(oldest(&site), wanted(&[("ever", 8), ("short", 5)]), "the day rests");
    site.merge(2).unwrap();
    assert_eq!(oldest(&site), wanted(&[("ever", 8), ("short", 2)]));
}

/// The same rewriting serves both.
#[test]
fn an_erased_device_leaves_with_what_is_too_old() {
    let mut site = filled(&["ever", "other", "short"]);
    site.write([erasure("other")]);
    site.commit_all();
    site.flush().unwrap();
    for _ in 0..4 {
        site.merge(0).unwrap();
    }
    assert_eq!(oldest(&site), wanted(&[("ever", 8), ("short", 2)]));
    assert_eq!(site.reader.erasures(), []);
}

/// Cuts the power at every change while days are written again.
#[test]
fn a_crash_while_days_are_written_again_loses_nothing_that_is_kept() {
    let begun = || filled(&["ever", "short"]);
    let mut whole = begun();
    let before = whole.storage.calls();
    whole.merge(0).unwrap();
    let calls = whole.storage.calls() - before;
    assert!(calls > 40, "{calls}");
    for call in (0..calls).step_by(2) {
        let mut site = begun();
        site.storage.fail_at(site.storage.calls() + call, Fault::PowerCut);
        drop(site.merge(0));
        let journal = site.journal.clone();
        site.storage.crash(if call % 4 == 0 { Unsynced::Lost } else { Unsynced::Kept });
        let options = Options { keep: Some(days(4)), ..small_options() };
        let mut site = Site::open_with(options, site.storage, journal).unwrap();
        site.writer.keep_by(keeping());
        let of_ever = |seen: crate::site::Seen| -> crate::site::Seen {
            seen.into_iter().filter(|((device, ..), _)| device == "ever").collect()
        };
        assert_eq!(of_ever(scan(&site.view(), &Scan::default())), of_ever(site.expected()));
        site.merge(0).unwrap();
        check(&site, kept);
    }
}
