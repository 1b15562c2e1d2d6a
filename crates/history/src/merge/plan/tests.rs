use super::{CLOSED, Plan, next};
use crate::arrange::FileKey;
use crate::file::{ColdFile, Home};
use crate::folder::{DAY_LAST, DAY_MS, Folder};
use std::collections::BTreeSet;
use std::sync::Arc;

const DAY: i32 = 20_000;
const HOUR_MS: i64 = 3_600_000;

/// Within the day, `hours` after its begin.
fn at(hours: i64) -> i64 {
    i64::from(DAY) * DAY_MS + hours * HOUR_MS
}

fn file(position: u64, level: u8, bytes: u64, written: i64) -> Arc<ColdFile> {
    Arc::new(ColdFile {
        path: format!("part-{position}").into(),
        key: FileKey { folder: Folder::day(DAY), late: false },
        position,
        clean: position,
        level,
        written,
        bytes,
        time_min: 0,
        time_max: 0,
        tail: 0,
        tail_checksum: 0,
        home: Home::Here,
        origin: None,
    })
}

fn flushes(positions: std::ops::Range<u64>) -> Vec<Arc<ColdFile>> {
    positions.map(|position| file(position, 0, 100, at(1))).collect()
}

fn plan(files: &[Arc<ColdFile>], now: i64) -> Option<Plan> {
    next(files, now, &BTreeSet::new())
}

fn summary(plan: Option<Plan>) -> Option<(usize, bool, u8)> {
    plan.map(|plan| (plan.files.len(), plan.from_start, plan.level))
}

#[test]
fn nothing_is_merged_for_nothing() {
    assert_eq!(plan(&[], at(5)), None);
    assert_eq!(plan(&flushes(0..7), at(5)), None);
    assert_eq!(plan(&[file(1, CLOSED, 100, at(26))], at(1_000)), None);
}

#[test]
fn eight_of_one_level_become_one_of_the_next() {
    assert_eq!(summary(plan(&flushes(0..8), at(5))), Some((8, true, 1)));
    assert_eq!(summary(plan(&flushes(0..100), at(5))), Some((64, true, 1)));
    let mut files = vec![file(0, 1, 800, at(1))];
    files.extend(flushes(1..9));
    assert_eq!(summary(plan(&files, at(5))), Some((8, false, 1)));
}

#[test]
fn late_and_other_files_of_a_flush_stay_together() {
    let late = |file: &Arc<ColdFile>| {
        Arc::new(ColdFile {
            key: FileKey { folder: Folder::day(DAY), late: true },
            ..ColdFile::clone(file)
        })
    };
    let flushes = flushes(0..8);
    let mut files: Vec<_> =
        flushes.iter().flat_map(|file| [Arc::clone(file), late(file)]).collect();
    assert_eq!(summary(plan(&files, at(5))), Some((16, true, 1)));
    files.truncate(14);
    assert_eq!(plan(&files, at(5)), None);
}

#[test]
fn a_day_is_closed_once_it_is_over_and_quiet() {
    let files = flushes(0..3);
    assert_eq!(plan(&files, at(25)), None, "grace");
    assert_eq!(summary(plan(&files, at(26))), Some((3, true, CLOSED)));
    let busy = [file(0, 0, 100, at(10)), file(1, 0, 100, at(27))];
    assert_eq!(plan(&busy, at(27) + 60_000), None);
    let quiet = [file(0, 0, 100, at(10)), file(1, 0, 100, at(27))];
    assert_eq!(summary(plan(&quiet, at(28))), Some((2, true, CLOSED)));
    assert_eq!(summary(plan(&flushes(0..1), at(26))), Some((1, true, CLOSED)));
}

/// The rest follows: what is too much for one merge is not closed by it.
#[test]
fn a_merge_has_a_limit() {
    assert_eq!(summary(plan(&flushes(0..100), at(26))), Some((64, true, CLOSED - 1)));
}

#[test]
fn what_came_later_waits_until_it_is_worth_it() {
    let closed = file(0, CLOSED, 10_000, at(26));
    let little = [Arc::clone(&closed), file(1, 0, 100, at(30))];
    assert_eq!(plan(&little, at(31)), None);
    assert_eq!(plan(&little, at(53)), None);
    assert_eq!(summary(plan(&little, at(54))), Some((2, true, CLOSED)), "after a day");
    let much = [closed, file(1, 0, 2_000, at(30))];
    assert_eq!(summary(plan(&much, at(31))), Some((2, true, CLOSED)));
}

#[test]
fn the_folder_of_the_far_future_is_never_over() {
    let last = |file: Arc<ColdFile>| {
        Arc::new(ColdFile {
            key: FileKey { folder: Folder::day(DAY_LAST), late: false },
            ..ColdFile::clone(&file)
        })
    };
    let files: Vec<_> = flushes(0..3).into_iter().map(last).collect();
    assert_eq!(plan(&files, i64::MAX), None);
}

#[test]
fn folders_that_cannot_be_read_are_passed_by() {
    assert_eq!(next(&flushes(0..9), at(5), &BTreeSet::from([Folder::day(DAY)])), None);
}
