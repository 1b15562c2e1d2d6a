use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;

use super::{BYTES_MAX, Look, waits_for};
use crate::arrange::FileKey;
use crate::file::{ColdFile, Home, Origin};
use crate::folder::{DAY_LAST, DAY_MS, Folder, day_from_name};
use crate::merge::plan::CLOSED;
use crate::table::Table;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn monday() -> i32 {
    day_from_name("2026-11-23").unwrap()
}

fn closed(day: i32) -> ColdFile {
    ColdFile {
        path: format!("part-{day}").into(),
        key: FileKey { folder: Folder::day(day), late: false },
        position: 7,
        clean: 7,
        level: CLOSED,
        written: 0,
        bytes: 1_000,
        time_min: 0,
        time_max: 0,
        tail: 0,
        tail_checksum: 0,
        home: Home::Here,
        origin: None,
    }
}

fn table(files: impl IntoIterator<Item = ColdFile>) -> Table {
    Table { files: files.into_iter().map(Arc::new).collect(), ..Table::default() }
}

/// The week of `monday`, with one file changed.
fn week_with(change: impl FnOnce(&mut ColdFile)) -> Table {
    let mut files: Vec<ColdFile> = (monday()..monday() + 7).map(closed).collect();
    change(&mut files[3]);
    table(files)
}

/// So long after the end of the week.
fn at(after: Duration) -> Timestamp {
    Timestamp::from_millis(i64::from(monday() + 7) * DAY_MS).saturating_add(after)
}

/// First day and files of the week that is made.
fn made(readings: &Table, now: Timestamp) -> Option<(String, usize)> {
    made_beside(readings, (&Table::default(), &BTreeSet::new(), &[]), now)
}

fn made_beside(
    readings: &Table,
    (hours, skipped, keeps): (&Table, &BTreeSet<Folder>, &[Duration]),
    now: Timestamp,
) -> Option<(String, usize)> {
    let plan = Look { readings, hours, skipped, keeps }.next(now)?;
    assert!(plan.folder.is_long() && plan.from_start && plan.level == CLOSED);
    Some((plan.folder.name(), plan.files.len()))
}

#[test]
fn closed_days_become_a_week_a_day_after_it_was_over() {
    let week = week_with(|_| ());
    assert_eq!(made(&week, at(25 * HOUR)), None);
    assert_eq!(made(&week, at(26 * HOUR)), Some(("2026-11-23".to_owned(), 7)));
}

#[test]
fn the_newest_week_comes_first_and_a_single_day_makes_none() {
    let days = monday() - 7..monday() + 15;
    assert_eq!(made(&table(days.map(closed)), at(20 * DAY)), Some(("2026-11-30".to_owned(), 7)));
    assert_eq!(made(&table([closed(monday() + 2)]), at(2 * DAY)), None);
    let two = [monday() + 2, monday() + 5].map(closed);
    assert_eq!(made(&table(two), at(2 * DAY)), Some(("2026-11-23".to_owned(), 2)));
}

#[test]
fn what_is_open_elsewhere_or_large_stays_in_days() {
    for change in [
        (|file| file.level = 3) as fn(&mut ColdFile),
        |file| file.home = Home::Store,
        |file| file.bytes = BYTES_MAX,
    ] {
        assert_eq!(made(&week_with(change), at(2 * DAY)), None);
    }
}

#[test]
fn the_folders_of_many_years_are_in_no_week() {
    let ends = [10_956, DAY_LAST].map(closed);
    assert_eq!(made(&table(ends), Timestamp::from_millis(i64::MAX / 1_000)), None);
}

#[test]
fn a_folder_waits_for_what_leaves_its_days() {
    let keeps = [30, 7, 90].map(|days| days * DAY);
    assert_eq!(waits_for(7, &keeps), 30 * DAY);
    assert_eq!(waits_for(91, &keeps), 90 * DAY);
    assert_eq!(waits_for(7, &[70 * DAY]), Duration::ZERO);
    let (week, none) = (week_with(|_| ()), BTreeSet::new());
    let made = |now| made_beside(&week, (&Table::default(), &none, &[30 * DAY]), now);
    assert_eq!(made(at(30 * DAY)), None);
    assert!(made(at(32 * DAY)).is_some());
}

/// Weeks first, then all of the thirteen; a day that is alone in its week stays one until then.
#[test]
fn small_weeks_become_a_quarter() {
    let quarter = Folder::day(monday()).within(91).unwrap();
    let week = |first: i32| {
        let key = FileKey { folder: Folder { first, days: 7 }, late: false };
        ColdFile { key, ..closed(first) }
    };
    let alone = closed(quarter.end() - 3);
    let files = (0..12).map(|number| week(quarter.first + 7 * number)).chain([alone]);
    let end = i64::from(quarter.end()) * DAY_MS;
    let now = |after| Timestamp::from_millis(end).saturating_add(after);
    let all = table(files);
    assert_eq!(made(&all, now(25 * HOUR)), None);
    assert_eq!(made(&all, now(26 * HOUR)), Some((quarter.name(), 13)));
    let days = (quarter.end() - 7..quarter.end()).map(closed);
    let mixed = table((0..12).map(|number| week(quarter.first + 7 * number)).chain(days));
    let last = Folder::day(quarter.end() - 7).name();
    assert_eq!(made(&mixed, now(26 * HOUR)), Some((last, 7)), "the week comes first");
}

#[test]
fn days_that_cannot_be_read_and_hours_without_readings_hinder_it() {
    let week = week_with(|_| ());
    let hours = |left| {
        let origin = Some(Origin { cover: "".into(), left, carried: false });
        table([ColdFile { origin, ..closed(monday() + 1) }])
    };
    let made = |hours: &Table, skipped: &[Folder]| {
        let skipped = skipped.iter().copied().collect();
        made_beside(&week, (hours, &skipped, &[]), at(2 * DAY)).is_some()
    };
    assert!(made(&hours(false), &[Folder::day(monday() - 1)]));
    assert!(!made(&hours(true), &[]));
    assert!(!made(&hours(false), &[Folder::day(monday() + 6)]));
    assert!(!made(&hours(false), &[Folder::day(monday()).within(7).unwrap()]));
}
