//! Files become fewer, and nobody sees it.

use std::collections::BTreeSet;

use history::storage::memory::{Fault, Unsynced};

use crate::site::{NOW, Record, Site, number};

const DAY: i64 = 86_400_000;

/// This morning, and the morning before.
fn today() -> i64 {
    NOW.millis().div_euclid(DAY) * DAY
}

fn parts(site: &Site) -> Vec<String> {
    let files = site.storage.files().into_keys();
    files.filter(|name| name.contains("/part-") && name.ends_with(".parquet")).collect()
}

/// One flush of two devices with three signals each; every third has a reading that replaces one
/// of the flush before.
fn flush(site: &mut Site, start: i64, round: i64) {
    let mut records: Vec<Record> = Vec::new();
    for (device, signal) in [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"), ("c", "z")] {
        for step in 0..20 {
            records.push(number(device, signal, start + round * 900_000 + step * 10_000, 1.0));
        }
        if round % 3 == 2 {
            records.push(number(device, signal, start + (round - 1) * 900_000, 7.0));
        }
    }
    site.write(records);
    site.commit_all();
    assert!(site.flush().unwrap());
}

#[test]
fn eight_flushes_of_a_day_become_one() {
    let mut site = Site::new();
    for round in 0..7 {
        flush(&mut site, today(), round);
        assert_eq!(site.merge(0).unwrap(), 0, "seven are not worth it");
    }
    flush(&mut site, today(), 7);
    assert_eq!(site.merge(0).unwrap(), 1);
    site.merge(0).unwrap();
    assert_eq!(parts(&site).len(), 1, "{:?}", parts(&site));
    site.check();
    let kept = site.journal.len();
    site.crash(Unsynced::Lost, kept).unwrap().check();
}

/// Each row is written again once for each level, not once for each flush.
#[test]
fn a_day_of_flushes_is_merged_in_levels() {
    let mut site = Site::new();
    let mut merges = 0;
    for round in 0..40 {
        flush(&mut site, today(), round);
        merges += site.merge(0).unwrap();
    }
    assert_eq!(merges, 5);
    site.merge(0).unwrap();
    assert_eq!(parts(&site).len(), 5 + 4, "what is late stays apart: {:?}", parts(&site));
    site.check();
}

#[test]
fn a_day_that_is_over_becomes_one_file() {
    let mut site = Site::new();
    for round in 0..5 {
        flush(&mut site, today(), round);
    }
    assert_eq!(site.merge(10).unwrap(), 0, "it is not over");
    assert_eq!(site.merge(17).unwrap(), 1);
    assert_eq!(site.merge(17).unwrap(), 0);
    assert_eq!(parts(&site).len(), 1);
    site.check();
    flush(&mut site, today(), 3);
    flush(&mut site, today(), 3);
    site.check();
    assert_eq!(site.merge(17).unwrap(), 1, "what came later joins it");
    site.merge(17).unwrap();
    assert_eq!(parts(&site).len(), 1);
    site.check();
}

/// A merge in the middle of a folder must go on to hide what is older.
#[test]
fn late_rows_of_a_merge_still_replace_older_ones() {
    let mut site = Site::new();
    for round in 0..8 {
        flush(&mut site, today(), round);
    }
    site.merge(0).unwrap();
    for _ in 0..8 {
        site.write([number("a", "x", today(), 99.0), number("b", "y", today() + 3, 5.0)]);
        site.commit_all();
        assert!(site.flush().unwrap());
    }
    assert_eq!(site.merge(0).unwrap(), 1);
    site.check();
    let late = parts(&site).into_iter().filter(|name| name.contains("-late-")).count();
    assert_eq!(late, 1, "{:?}", parts(&site));
    site.merge(48).unwrap();
    site.merge(48).unwrap();
    assert_eq!(parts(&site).len(), 1);
    site.check();
}

#[test]
fn a_view_reads_what_was_merged_under_it() {
    let mut site = Site::new();
    for round in 0..8 {
        flush(&mut site, today(), round);
    }
    let (view, expected) = (site.view(), site.expected());
    assert_eq!(site.merge(0).unwrap(), 1);
    flush(&mut site, today(), 9);
    assert_eq!(crate::site::scan(&view, &history::Scan::default()), expected);
    site.check();
}

/// Cuts the power at every change of a merge, and lets a full disk refuse every one.
#[test]
fn a_crash_at_any_call_of_a_merge_shows_everything_once() {
    let flushed = || {
        let mut site = Site::new();
        for round in 0..8 {
            flush(&mut site, today(), round);
        }
        site
    };
    let mut whole = flushed();
    let before = whole.storage.calls();
    assert_eq!(whole.merge(0).unwrap(), 1);
    whole.merge(0).unwrap();
    let calls = whole.storage.calls() - before;
    assert!(calls > 10, "files, folder, log, removals: {calls} calls");
    let mut ends = BTreeSet::new();
    for call in 0..calls {
        for unsynced in [Unsynced::Lost, Unsynced::NamesOnly, Unsynced::Kept] {
            let mut site = flushed();
            site.storage.fail_at(site.storage.calls() + call, Fault::PowerCut);
            drop(site.merge(0));
            let kept = site.journal.len();
            let mut site = site.crash(unsynced, kept).unwrap();
            site.check();
            ends.insert(site.merge(0).unwrap());
            site.merge(0).unwrap();
            site.check();
            assert_eq!(parts(&site).len(), 1);
        }
        let mut site = flushed();
        let files = site.storage.files();
        site.storage.fail_at(site.storage.calls() + call, Fault::Once);
        if site.merge(0).is_err_and(|fault| !is_final(&fault)) {
            site.check();
            let left = site.storage.files();
            let more: Vec<_> = left.keys().filter(|name| !files.contains_key(*name)).collect();
            assert_eq!(more, Vec::<&String>::new(), "call {call}");
        }
    }
    assert_eq!(ends, [0, 1].into(), "before and after the version");
}

fn is_final(fault: &history::MergeFault) -> bool {
    matches!(fault, history::MergeFault::Write(fault) if fault.is_final())
}

/// A file that cannot be read is left alone, and the other days go on.
#[test]
fn a_damaged_file_does_not_stop_the_others() {
    let mut site = Site::new();
    for round in 0..8 {
        flush(&mut site, today() - DAY, round);
        flush(&mut site, today(), round);
    }
    let damaged = parts(&site).into_iter().find(|name| name.contains("day=2026-11-25")).unwrap();
    let end = site.storage.files()[&damaged].len();
    site.storage.flip(&damaged, (end - 100) * 8);
    let fault = site.merge(0).unwrap_err();
    assert_eq!(fault.to_string(), "the files of 2026-11-25 cannot be read");
    assert_eq!(site.merge(1).unwrap(), 1, "yesterday");
    let left = parts(&site);
    assert_eq!(left.iter().filter(|name| name.contains("day=2026-11-25")).count(), 8 + 2);
}
