//! The hours are what the readings come to, or they are not offered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMillisecondType, UInt32Type};
use history::storage::Storage;
use history::storage::memory::{Fault, Memory, Unsynced};
use history::{DayHours, HoursScan, MergeFault, Options, SeriesId, Tended, View, hour};
use model::Timestamp;

use crate::site::{NOW, Record, Said, Seen, Site, number, small_options};

const HOUR: i64 = 3_600_000;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Readings, numbers, sum; then lowest, highest, first and last with their times.
type Facts = (i64, i64, f64, [(f64, i64); 4]);

/// By device, signal and hour.
pub(crate) type Hours = BTreeMap<(String, String, i64), (i64, Option<Facts>)>;

/// The same by hand.
pub(crate) fn hours_of(seen: &Seen) -> Hours {
    let mut by_hour: BTreeMap<_, Vec<(i64, Option<f64>)>> = BTreeMap::new();
    for ((device, signal, time), (said, _)) in seen {
        let number = match said {
            Said::Number(number) => Some(*number),
            Said::Text(_) | Said::Erased => None,
        };
        let key = (device.clone(), signal.clone(), time.div_euclid(HOUR) * HOUR);
        by_hour.entry(key).or_default().push((*time, number));
    }
    by_hour.into_iter().map(|(key, rows)| (key, facts(&rows))).collect()
}

fn facts(rows: &[(i64, Option<f64>)]) -> (i64, Option<Facts>) {
    let count = i64::try_from(rows.len()).unwrap();
    let numbers: Vec<(f64, i64)> =
        rows.iter().filter_map(|(time, number)| Some(((*number)?, *time))).collect();
    let Some(first) = numbers.first().copied() else { return (count, None) };
    let best = |better: fn(f64, f64) -> bool| {
        numbers.iter().copied().reduce(|a, b| if better(b.0, a.0) { b } else { a }).unwrap()
    };
    let spots = [best(|b, a| b < a), best(|b, a| b > a), first, *numbers.last().unwrap()];
    let sum = numbers.iter().map(|(number, _)| number).sum();
    (count, Some((count, i64::try_from(numbers.len()).unwrap(), sum, spots)))
}

/// All that a scan of hours answers; fails when a (series, hour) comes twice.
#[track_caller]
pub(crate) fn scan_hours(view: &View, scan: &HoursScan) -> Hours {
    let mut found = Hours::new();
    for batch in view.scan_hours(scan).unwrap() {
        take(&mut found, &batch.unwrap());
    }
    found
}

fn take(found: &mut Hours, batch: &RecordBatch) {
    let names = |column: usize| {
        let names = batch.column(column).as_dictionary::<UInt32Type>();
        let values = names.values().as_string::<i32>().clone();
        move |row: usize| values.value(names.keys().value(row) as usize).to_owned()
    };
    let (device, signal) = (names(hour::DEVICE), names(hour::SIGNAL));
    let count = |column: usize| batch.column(column).as_primitive::<Int64Type>();
    let number = |column: usize| batch.column(column).as_primitive::<Float64Type>();
    let time = |column: usize| batch.column(column).as_primitive::<TimestampMillisecondType>();
    let spots = [
        (hour::MIN, hour::MIN_TIME),
        (hour::MAX, hour::MAX_TIME),
        (hour::FIRST, hour::FIRST_TIME),
        (hour::LAST, hour::LAST_TIME),
    ];
    for row in 0..batch.num_rows() {
        let (readings, numbers) =
            (count(hour::READINGS).value(row), count(hour::NUMBERS).value(row));
        for column in hour::SUM..hour::COUNT {
            assert_eq!(batch.column(column).is_valid(row), numbers > 0, "column {column}");
        }
        let spot = |(value, at)| (number(value).value(row), time(at).value(row));
        let facts = (numbers > 0)
            .then(|| (readings, numbers, number(hour::SUM).value(row), spots.map(spot)));
        let key = (device(row), signal(row), time(hour::HOUR).value(row));
        assert_eq!(found.insert(key.clone(), (readings, facts)), None, "{key:?} came twice");
    }
}

/// Compares the hours that are offered with the readings of their days; says how many there are.
#[track_caller]
pub(crate) fn check(site: &Site) -> usize {
    check_against(&site.view(), site.expected())
}

/// The same with readings that somebody knows.
#[track_caller]
pub(crate) fn check_against(view: &View, expected: Seen) -> usize {
    let days = view.days((None, None));
    let usable: Vec<_> = days.iter().filter(|day| day.hours == Some(DayHours::Usable)).collect();
    let inside = |time: i64| {
        let time = Timestamp::from_millis(time);
        usable.iter().any(|day| day.from <= time && time < day.to)
    };
    let readings = expected.into_iter().filter(|((_, _, time), _)| inside(*time)).collect();
    let asked = HoursScan { only_usable: true, ..HoursScan::default() };
    assert_eq!(scan_hours(view, &asked), hours_of(&readings));
    usable.len()
}

/// Where no readings left, hours speak of readings that somebody can see, also those that are out
/// of use.
#[track_caller]
pub(crate) fn check_none_is_made_up(site: &Site) {
    let seen = hours_of(&site.expected());
    for (key, (readings, _)) in scan_hours(&site.view(), &HoursScan::default()) {
        let known = seen.get(&key).map(|(readings, _)| *readings);
        assert!(known.is_some_and(|known| readings <= known), "{key:?}: {readings}, not {known:?}");
    }
}

/// This morning, and the morning before.
pub(crate) fn today() -> i64 {
    NOW.millis().div_euclid(DAY) * DAY
}

/// Three hours of two devices, with a text, a tie, and times that rise.
pub(crate) fn rows(start: i64) -> Vec<Record> {
    let mut records = Vec::new();
    for step in 0..180 {
        let value = f64::from(i32::try_from(step).unwrap() * 7 % 11);
        records.push(number("a", "x", start + step * 60_000, value));
        records.push(number("b", "x", start + step * 60_000 + 500, 4.0));
    }
    let said = Said::Text("open".to_owned());
    records.push(Record { said, ..number("b", "door", start + 5, 0.0) });
    records
}

/// A day with a closed stratum, and today's rows in memory.
pub(crate) fn closed() -> Site {
    let mut site = Site::new();
    site.write(rows(today() - DAY));
    site.commit_all();
    site.flush().unwrap();
    site.write(rows(today()));
    site.commit_all();
    assert_eq!(site.merge(0).unwrap(), 0, "it is quiet for half an hour first");
    assert_eq!(site.merge(1).unwrap(), 1);
    site
}

pub(crate) fn states(site: &Site) -> Vec<Option<DayHours>> {
    site.view().days((None, None)).iter().map(|day| day.hours).collect()
}

#[test]
fn a_closed_day_gets_its_hours_once() {
    let mut site = closed();
    assert_eq!(states(&site), [None]);
    assert_eq!(site.summarise(1).unwrap(), 1);
    assert_eq!(site.summarise(1).unwrap(), 0);
    assert_eq!(states(&site), [Some(DayHours::Usable)]);
    assert_eq!(check(&site), 1);
    let all = scan_hours(&site.view(), &HoursScan::default());
    assert_eq!(all.len(), 3 + 3 + 1);
    let (readings, door) = &all[&("b".to_owned(), "door".to_owned(), today() - DAY)];
    assert_eq!((*readings, *door), (1, None), "a text has no numbers");
    let kept = site.journal.len();
    let site = site.crash(Unsynced::Lost, kept).unwrap();
    assert_eq!(check(&site), 1, "also after a restart");
}

#[test]
fn a_day_that_is_not_closed_has_no_hours() {
    let mut site = Site::new();
    site.write(rows(today() - DAY));
    site.write(rows(today()));
    site.commit_all();
    site.flush().unwrap();
    assert_eq!(site.summarise(1).unwrap(), 0);
    assert_eq!(states(&site), [None, None]);
}

/// A late reading in memory, in a file, and at last in the closed day.
#[test]
fn late_readings_take_hours_out_of_use_until_they_are_made_again() {
    let mut site = closed();
    site.summarise(1).unwrap();
    let before = scan_hours(&site.view(), &HoursScan::default());
    site.write([number("a", "x", today() - DAY + 60_000, 99.0)]);
    site.commit_all();
    assert_eq!(states(&site), [Some(DayHours::Stale)], "in memory");
    site.flush().unwrap();
    assert_eq!(states(&site), [Some(DayHours::Stale), None], "in a file of today's flush");
    assert_eq!(site.summarise(2).unwrap(), 0, "the day is not closed");
    assert_eq!(scan_hours(&site.view(), &HoursScan::default()), before, "what there is");
    assert_eq!(check(&site), 0);
    site.merge(40).unwrap();
    assert_eq!(site.summarise(40).unwrap(), 2);
    assert_eq!(check(&site), 2);
    let all = scan_hours(&site.view(), &HoursScan::default());
    let (_, facts) = all[&("a".to_owned(), "x".to_owned(), today() - DAY)];
    assert_eq!(facts.unwrap().3[1], (99.0, today() - DAY + 60_000));
}

/// A view keeps what it had, with the files that it reads.
#[test]
fn a_view_reads_hours_that_were_replaced_under_it() {
    let mut site = closed();
    site.summarise(1).unwrap();
    let view = site.view();
    let before = scan_hours(&view, &HoursScan::default());
    site.write([number("a", "x", today() - DAY + 60_000, 99.0)]);
    site.commit_all();
    site.flush().unwrap();
    site.merge(40).unwrap();
    assert_eq!(site.summarise(40).unwrap(), 2);
    site.merge(41).unwrap();
    assert_eq!(scan_hours(&view, &HoursScan::default()), before);
    drop(view);
    site.merge(42).unwrap();
    let files = site.storage.files();
    assert_eq!(files.keys().filter(|name| name.starts_with("hours/day=")).count(), 2);
}

#[test]
fn a_scan_of_hours_finds_what_is_asked() {
    let mut site = closed();
    site.summarise(1).unwrap();
    let view = site.view();
    let start = today() - DAY;
    let asked = HoursScan {
        series: Some(vec![SeriesId::new(1)]),
        from: Some(Timestamp::from_millis(start + 1)),
        to: Some(Timestamp::from_millis(start + 2 * HOUR)),
        ..HoursScan::default()
    };
    let found = scan_hours(&view, &asked);
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [("b".into(), "x".into(), start + HOUR)]);
    let columns = Some(vec![hour::LAST_TIME, hour::SERIES, hour::SUM]);
    let mut some = view.scan_hours(&HoursScan { columns, ..asked }).unwrap();
    let batch = some.next().unwrap().unwrap();
    assert_eq!(batch.schema(), some.schema());
    assert_eq!(batch.column(1).as_primitive::<UInt32Type>().values(), &[1]);
    assert_eq!(batch.column(2).as_primitive::<Float64Type>().values(), &[240.0]);
    assert!(some.next().is_none());
}

pub(crate) fn keeping(days: u64, hours_days: Option<u64>) -> Options {
    let span = |days: u64| Duration::from_secs(days * 86_400);
    Options { keep: Some(span(days)), keep_hours: hours_days.map(span), ..small_options() }
}

/// A durable copy of the site, with other options.
pub(crate) fn reopened(site: &Site, options: Options) -> Site {
    let storage = Memory::default();
    for (name, bytes) in site.storage.files() {
        let dir = name.rsplit_once('/').map_or("", |(dir, _)| dir);
        storage.make_dir(dir).unwrap();
        storage.write(&name, &bytes).unwrap();
        storage.sync(&name).unwrap();
        storage.sync_dir(dir).unwrap();
    }
    Site::open_with(options, storage, site.journal.clone()).unwrap()
}

#[test]
fn hours_stay_when_their_readings_leave() {
    let mut site = closed();
    site.summarise(1).unwrap();
    let before = scan_hours(&site.view(), &HoursScan::default());
    let mut site = reopened(&site, keeping(1, None));
    site.merge(48).unwrap();
    assert_eq!(states(&site), [Some(DayHours::Left)]);
    assert_eq!(scan_hours(&site.view(), &HoursScan::default()), before);
    // Readings that come later, and are kept, do not take the place of what is left.
    let mut site = reopened(&site, small_options());
    site.write([number("a", "x", today() - DAY + 60_000, 99.0)]);
    site.commit_all();
    site.flush().unwrap();
    site.merge(48).unwrap();
    site.merge(80).unwrap();
    assert_eq!(site.summarise(80).unwrap(), 1, "today's");
    assert_eq!(states(&site)[0], Some(DayHours::Left));
    let mut all = scan_hours(&site.view(), &HoursScan::default());
    all.retain(|(_, _, hour), _| *hour < today());
    assert_eq!(all, before);
}

/// A site that was off for long, or that comes from a version without hours.
#[test]
fn no_readings_leave_before_their_hours_are_made() {
    let mut site = Site::new();
    for day in 1..4 {
        site.write(rows(today() - day * DAY));
        site.commit_all();
        site.flush().unwrap();
    }
    let expected = hours_of(&site.expected());
    let mut site = reopened(&site, keeping(1, None));
    site.merge(48).unwrap();
    assert_eq!(states(&site), [Some(DayHours::Left); 3]);
    assert_eq!(scan_hours(&site.view(), &HoursScan::default()), expected);
}

#[test]
fn hours_leave_after_a_time_of_their_own() {
    let mut site = closed();
    site.summarise(1).unwrap();
    let mut site = reopened(&site, keeping(1_000, Some(1)));
    site.merge(48).unwrap();
    assert_eq!(states(&site), [None, None][..states(&site).len()]);
    assert_eq!(site.summarise(48).unwrap(), 0, "and are not made again");
    site.merge(49).unwrap();
    assert!(!site.storage.files().keys().any(|name| name.starts_with("hours/day=")));
    site.check();
}

/// As in the program: on a thread of its own, while the caller looks now and then.
fn cared_for(site: &mut Site, count: usize) -> Vec<Tended> {
    let (mut now, mut seen) = (later(1), Vec::new());
    while seen.len() < count {
        now = now.saturating_add(Duration::from_secs(1));
        seen.extend(site.writer.care(now).unwrap());
        std::thread::yield_now();
    }
    seen
}

fn flushed_yesterday(options: Options) -> Site {
    let mut site = Site::open_with(options, Memory::default(), Vec::new()).unwrap();
    site.write(rows(today() - DAY));
    site.commit_all();
    site.flush().unwrap();
    site
}

#[test]
fn care_closes_a_day_and_makes_its_hours() {
    let mut site = flushed_yesterday(small_options());
    let seen = cared_for(&mut site, 2);
    assert!(matches!(seen[0], Tended::Merged(_)), "{seen:?}");
    assert!(matches!(&seen[1], Tended::Summarised(made, _) if made.rows == 7), "{seen:?}");
    assert_eq!(states(&site), [Some(DayHours::Usable)]);
}

#[test]
fn care_makes_hours_before_readings_leave() {
    let mut site = flushed_yesterday(Options { keep: Some(Duration::ZERO), ..small_options() });
    let expected = hours_of(&site.expected());
    let seen = cared_for(&mut site, 1);
    assert!(matches!(&seen[0], Tended::Summarised(made, _) if made.rows == 7), "{seen:?}");
    assert_eq!(states(&site), [Some(DayHours::Left)], "as soon as they are made");
    assert_eq!(scan_hours(&site.view(), &HoursScan::default()), expected);
}

/// Cuts the power at every change, and lets a full disk refuse every one: while hours are made,
/// replaced, and while their readings leave.
#[test]
fn a_crash_at_any_call_leaves_hours_that_hold_or_are_not_offered() {
    let mut site = closed();
    site.summarise(1).unwrap();
    site.write([number("a", "x", today() - DAY + 60_000, 99.0)]);
    site.commit_all();
    site.flush().unwrap();
    site.merge(40).unwrap();
    let late = || reopened(&site, small_options());
    let mut whole = late();
    let before = whole.storage.calls();
    assert_eq!(whole.summarise(40).unwrap(), 2);
    let calls = whole.storage.calls() - before;
    assert!(calls > 12, "files, folders, logs: {calls} calls");
    let mut ends = BTreeSet::new();
    for call in 0..calls {
        for unsynced in [Unsynced::Lost, Unsynced::NamesOnly, Unsynced::Kept] {
            let mut site = late();
            site.storage.fail_at(site.storage.calls() + call, Fault::PowerCut);
            while site.writer.summarise(later(40)).is_ok_and(|made| made.is_some()) {}
            let kept = site.journal.len();
            let mut site = site.crash(unsynced, kept).unwrap();
            site.check();
            check(&site);
            ends.insert(site.summarise(40).unwrap());
            assert_eq!(check(&site), 2);
        }
        let mut site = late();
        let files = site.storage.files();
        site.storage.fail_at(site.storage.calls() + call, Fault::Once);
        if site.writer.summarise(later(40)).is_err_and(|fault| !is_final(&fault)) {
            site.check();
            check(&site);
            let left = site.storage.files();
            let more: Vec<_> = left.keys().filter(|name| !files.contains_key(*name)).collect();
            assert_eq!(more, Vec::<&String>::new(), "call {call}");
            assert_eq!(site.summarise(41).unwrap(), 2, "it is tried again after a pause");
        }
    }
    assert_eq!(ends, [0, 1, 2].into());
}

fn later(hours: u64) -> Timestamp {
    NOW.saturating_add(Duration::from_secs(hours * 3_600))
}

fn is_final(fault: &MergeFault) -> bool {
    matches!(fault, MergeFault::Write(fault) if fault.is_final())
}

#[test]
fn a_crash_at_any_call_of_retention_loses_no_hours() {
    let site = closed();
    let aged = || reopened(&site, keeping(1, None));
    let mut whole = aged();
    let before = whole.storage.calls();
    whole.merge(48).unwrap();
    let calls = whole.storage.calls() - before;
    let expected = scan_hours(&whole.view(), &HoursScan::default());
    assert_eq!(expected.len(), 7);
    for call in 0..calls {
        for unsynced in [Unsynced::Lost, Unsynced::NamesOnly, Unsynced::Kept] {
            let site = aged();
            let (storage, journal) = (site.storage.clone(), site.journal.clone());
            let mut site = site;
            storage.fail_at(storage.calls() + call, Fault::PowerCut);
            drop(site.merge(48));
            drop(site);
            storage.crash(unsynced);
            let mut site = Site::open_with(keeping(1, None), storage, journal).unwrap();
            site.merge(48).unwrap();
            assert_eq!(scan_hours(&site.view(), &HoursScan::default()), expected, "call {call}");
            assert_eq!(states(&site)[0], Some(DayHours::Left), "call {call}");
        }
    }
}

/// A file that cannot be read costs its own day only.
#[test]
fn a_damaged_day_does_not_stop_the_others() {
    let mut site = Site::new();
    for day in 1..3 {
        site.write(rows(today() - day * DAY));
        site.commit_all();
        site.flush().unwrap();
    }
    assert_eq!(site.merge(1).unwrap(), 2);
    let damaged =
        site.storage.files().into_keys().rfind(|name| name.starts_with("readings/day=")).unwrap();
    let end = site.storage.files()[&damaged].len();
    site.storage.flip(&damaged, (end - 100) * 8);
    let fault = site.writer.summarise(later(1)).unwrap_err();
    assert!(matches!(fault, MergeFault::Read { .. }), "{fault}");
    assert_eq!(site.summarise(1).unwrap(), 1);
}

#[test]
fn the_log_of_hours_says_what_they_were_made_from() {
    let mut site = Site::new();
    site.write([number("a", "x", today() - DAY, 2.5), number("a", "x", today() - DAY + 1, 4.0)]);
    site.commit_all();
    site.flush().unwrap();
    site.merge(1).unwrap();
    site.summarise(1).unwrap();
    let log = |version: u64| {
        let files = site.storage.files();
        let bytes = files[&format!("hours/_delta_log/{version:020}.json")].clone();
        let ours = concat!("Althing/", env!("CARGO_PKG_VERSION"));
        String::from_utf8(bytes.to_vec()).unwrap().replace(ours, "Althing/VERSION")
    };
    expect_test::expect_file!["../golden/hours-log-v1.json"].assert_eq(&(log(0) + &log(1)));
}

#[test]
fn an_inventory_has_both_tables() {
    let mut site = closed();
    site.summarise(1).unwrap();
    let storage: Arc<dyn Storage> = Arc::new(Memory::clone(&site.storage));
    let names = history::inventory(&*storage).unwrap().unwrap().names;
    for name in site.storage.files().into_keys().filter(|name| name.starts_with("hours/")) {
        assert!(names.contains(&name), "{name}");
    }
    let (verified, faults) = history::verify(&storage);
    assert_eq!(faults.len(), 0, "{faults:?}");
    assert_eq!((verified.rows, verified.hours), (361, 7));
}
