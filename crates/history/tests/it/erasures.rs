//! What a person wants forgotten is seen by nobody from its commit on, and leaves the disk.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use history::snapshot::Snapshot;
use history::storage::memory::{Fault, Memory, Unsynced};
use history::{Options, Scan};
use model::Position;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::site::{NOW, Record, Said, Site, erasure, number, scan, small_options};

const DAY: i64 = 86_400_000;

/// Two devices on three days, the first of them over for long.
fn readings(round: i64) -> Vec<Record> {
    let start = NOW.millis().div_euclid(DAY) * DAY - 2 * DAY;
    let mut records = Vec::new();
    for day in 0..3 {
        for (device, signal) in [("secret-barn", "door"), ("secret-barn", "x"), ("well", "x")] {
            let time = start + day * DAY + round * 60_000;
            records.push(number(device, signal, time, 1.0));
            records.push(number(device, signal, time + 5, 2.0));
        }
    }
    records
}

/// Four flushes, a merge of the days that are over, and rows that are in memory only.
fn filled(options: Options) -> Site {
    filled_by(options, 4)
}

fn filled_by(options: Options, rounds: i64) -> Site {
    let mut site = Site::open_with(options, Memory::default(), Vec::new()).unwrap();
    for round in 0..rounds {
        site.write(readings(round));
        site.commit_all();
        assert!(site.flush().unwrap());
    }
    site.merge(0).unwrap();
    site.merge(1).unwrap();
    // Late, so that the days have a late file as well.
    site.write(readings(0));
    site.commit_all();
    assert!(site.flush().unwrap());
    site.write(readings(5));
    site.commit_all();
    site
}

fn left(site: &Site) -> Vec<Position> {
    site.reader.erasures().into_iter().map(|erasing| erasing.position).collect()
}

/// Brings every erasure to its end, and looks for what is left of erased devices on the disk.
#[track_caller]
pub(crate) fn check_nothing_is_left(site: Site) {
    let mut site = site;
    site.commit_all();
    // The first may be one that was marked before.
    while site.flush().unwrap() {}
    let mut rounds = 0;
    while !site.reader.erasures().is_empty() {
        // Later each time, so that no pause after a fault is in the way.
        site.merge(49 + rounds).unwrap();
        rounds += 1;
        assert!(rounds < 10, "{:?}", site.reader.erasures());
    }
    site.merge(49 + rounds).unwrap();
    site.check();
    // One more flush takes the list of what was erased out of the snapshot.
    site.write([number("last", "x", NOW.millis(), 1.0)]);
    site.commit_all();
    site.flush().unwrap();
    site.check();
    check_files(&site);
    let kept = site.journal.len();
    site.crash(Unsynced::Lost, kept).unwrap().check();
}

/// The snapshot before among what it could not remove, too, which names the device.
#[test]
fn nothing_is_left_of_a_device_whatever_a_flush_could_not_do() {
    let begun = || {
        let mut site = Site::new();
        site.write([number("a", "s", NOW.millis(), 1.0), number("b", "s", NOW.millis(), 1.0)]);
        site.commit_all();
        site.flush().unwrap();
        site.write([erasure("b")]);
        site.commit_all();
        site
    };
    let mut whole = begun();
    let before = whole.storage.calls();
    whole.flush().unwrap();
    for call in 0..whole.storage.calls() - before {
        let mut site = begun();
        site.storage.fail_at(site.storage.calls() + call, Fault::Once);
        if site.flush().is_err_and(|fault| fault.is_final()) {
            continue;
        }
        site.storage.fail_at(u64::MAX, Fault::Once);
        check_nothing_is_left(site);
    }
}

/// Looks for names and rows of erased devices in all files.
#[track_caller]
pub(crate) fn check_files(site: &Site) {
    let devices: BTreeSet<String> =
        site.expected().into_keys().map(|(device, ..)| device).collect();
    let view = site.view();
    for (name, bytes) in site.storage.files() {
        if name.ends_with(".bin") {
            let snapshot = Snapshot::decode(&name, &bytes).unwrap();
            assert_eq!(snapshot.gone, [], "{name}");
            for series in snapshot.series {
                assert!(devices.contains(&series.device), "{name} names {}", series.device);
            }
        } else if name.ends_with(".parquet") && name.contains("/part-") {
            let rows = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
            for batch in rows {
                let batch = batch.unwrap();
                for id in
                    batch.column_by_name("series").unwrap().as_primitive::<Int32Type>().values()
                {
                    let id = history::SeriesId::new(id.cast_unsigned());
                    assert!(view.series_by_id(id).is_some(), "{name} has rows of {id:?}");
                }
            }
        }
    }
}

#[test]
fn nobody_sees_an_erased_device_from_the_commit_on() {
    let mut site = filled(small_options());
    let before = site.expected();
    let old = site.view();
    site.write([erasure("secret-barn"), number("well", "x", NOW.millis(), 3.0)]);
    site.check();
    assert_eq!(scan(&site.view(), &Scan::default()), before, "it is not committed");
    site.commit_all();
    site.check();
    let view = site.view();
    assert!(view.series_of("secret-barn").is_empty());
    let mut devices = Vec::new();
    view.each_device(|device, _| devices.push(device.to_string()));
    assert_eq!(devices, ["well"]);
    let series = view.series();
    let barn = series.iter().find(|series| &*series.device == "secret-barn").unwrap();
    assert_eq!((view.latest(barn.id), view.series_by_id(barn.id)), (None, None));
    assert_eq!(view.latest_of(&[barn.id]), [None]);
    assert_eq!(scan(&old, &Scan::default()), before, "a view stays as it is");
    let of_barn = Scan { series: Some(vec![barn.id]), ..Scan::default() };
    assert_eq!(scan(&view, &of_barn).len(), 0, "also for who knows its number");
    assert!(old.latest(barn.id).is_some());
}

#[test]
fn a_device_that_speaks_again_is_a_new_one() {
    let mut site = filled(small_options());
    site.write([erasure("secret-barn")]);
    // The same times, so that the old rows would be replaced or replace.
    site.write(readings(0));
    site.commit_all();
    site.check();
    site.flush().unwrap();
    site.check();
    site.merge(48).unwrap();
    site.check();
    site.write([erasure("secret-barn"), number("secret-barn", "door", 5, 4.0)]);
    site.commit_all();
    site.check();
    check_nothing_is_left(site);
}

#[test]
fn what_was_erased_leaves_files_snapshots_and_memory() {
    let mut site = filled(small_options());
    site.write([erasure("secret-barn"), erasure("nobody")]);
    site.commit_all();
    let at = Position::new(site.journal.len() as u64 - 1);
    assert_eq!(left(&site), [at], "of a device that was never there nothing is left");
    let begun = site.reader.erasures()[0];
    assert_eq!((begun.series, begun.is_flushed, begun.files), (2, false, None));
    check_nothing_is_left(site);
}

/// A file that somebody may read stays for its time, and the erasure is not through before; also
/// over a restart.
#[test]
fn an_erasure_is_through_when_the_last_old_file_is_gone() {
    let options = || Options { linger: std::time::Duration::from_secs(3_600), ..small_options() };
    let mut site = filled(options());
    site.write([erasure("secret-barn")]);
    site.commit_all();
    site.flush().unwrap();
    site.merge(1).unwrap();
    let erasing = site.reader.erasures()[0];
    assert_eq!((erasing.is_flushed, erasing.files), (true, Some(0)));
    assert!(erasing.leaving > 0, "{erasing:?}");
    let journal = site.journal.clone();
    site.storage.crash(Unsynced::Lost);
    let mut site = Site::open_with(options(), site.storage, journal).unwrap();
    site.check();
    site.merge(1).unwrap();
    assert!(site.reader.erasures()[0].leaving > 0, "{:?}", site.reader.erasures());
    site.merge(3).unwrap();
    assert_eq!(site.reader.erasures(), []);
}

/// While a view reads old files, they stay.
#[test]
fn an_erasure_waits_for_who_still_reads() {
    let mut site = filled(small_options());
    let (old, before) = (site.view(), site.expected());
    site.write([erasure("secret-barn")]);
    site.commit_all();
    site.flush().unwrap();
    site.merge(48).unwrap();
    site.merge(48).unwrap();
    assert!(site.reader.erasures()[0].leaving > 0);
    assert_eq!(scan(&old, &Scan::default()), before);
    drop(old);
    site.merge(48).unwrap();
    assert_eq!(site.reader.erasures(), []);
}

/// A flush that was marked before the wish and ends after it writes rows that are to go.
#[test]
fn a_flush_under_way_brings_nothing_back() {
    let mut site = filled(small_options());
    site.writer.mark(&site.end().get().to_le_bytes(), NOW);
    site.write([erasure("secret-barn")]);
    site.commit_all();
    assert!(site.writer.finish(site.horizon.committed()).unwrap().is_some());
    site.check();
    site.merge(48).unwrap();
    assert_eq!(left(&site).len(), 1, "the snapshot still has its names");
    let kept = site.journal.len();
    let site = site.crash(Unsynced::Lost, kept).unwrap();
    site.check();
    check_nothing_is_left(site);
}

/// What a crash may take back has changed no file.
#[test]
fn a_wish_that_is_lost_has_done_nothing() {
    let mut site = filled(small_options());
    let kept = site.journal.len();
    site.write([erasure("secret-barn")]);
    site.merge(48).unwrap();
    site.flush().unwrap();
    let mut site = site.crash(Unsynced::Lost, kept).unwrap();
    site.check();
    assert_eq!(site.reader.erasures(), []);
    assert!(site.expected().keys().any(|(device, ..)| device == "secret-barn"));
    site.merge(48).unwrap();
    site.check();
}

/// A file that cannot be read is in the way, and that is told.
#[test]
fn a_damaged_file_is_told_and_the_erasure_is_not_through() {
    let mut site = filled(small_options());
    let parts = site.storage.files().into_keys().filter(|name| name.contains("/part-"));
    let damaged = parts.filter(|name| name.contains("day=2026-11-24")).min().unwrap();
    let end = site.storage.files()[&damaged].len();
    site.storage.flip(&damaged, (end - 100) * 8);
    site.write([erasure("secret-barn")]);
    site.commit_all();
    site.flush().unwrap();
    let mut faults = 0;
    for hours in 0..4 {
        faults += u64::from(site.merge(hours).is_err());
    }
    assert_eq!(faults, 1);
    let erasing = site.reader.erasures()[0];
    assert!(erasing.unreadable > 0 && erasing.files == Some(erasing.unreadable), "{erasing:?}");
}

/// What is on disk, in memory and in the journal when the wish is committed.
fn wished() -> Site {
    let mut site = filled_by(small_options(), 1);
    site.write([erasure("secret-barn")]);
    site.write(readings(7));
    site.commit_all();
    site
}

fn bring_through(site: &mut Site) -> Option<()> {
    site.flush().ok()?;
    for hours in [1, 48, 48] {
        site.merge(hours).ok()?;
    }
    Some(())
}

/// Changes of the storage from the wish to its end.
fn calls() -> u64 {
    let mut whole = wished();
    let before = whole.storage.calls();
    bring_through(&mut whole).unwrap();
    assert_eq!(whole.reader.erasures(), []);
    let calls = whole.storage.calls() - before;
    assert!(calls > 40, "flush, files, logs, removals: {calls} calls");
    calls
}

/// Cuts the power at every change.
fn check_cuts(unsynced: Unsynced) {
    for call in 0..calls() {
        let mut site = wished();
        site.storage.fail_at(site.storage.calls() + call, Fault::PowerCut);
        bring_through(&mut site);
        let kept = site.journal.len();
        let site = site.crash(unsynced, kept).unwrap();
        site.check();
        check_nothing_is_left(site);
    }
}

#[test]
fn a_power_cut_that_loses_what_was_not_synced_brings_nothing_back() {
    check_cuts(Unsynced::Lost);
}

#[test]
fn a_power_cut_that_leaves_names_without_bytes_brings_nothing_back() {
    check_cuts(Unsynced::NamesOnly);
}

#[test]
fn a_power_cut_that_leaves_everything_brings_nothing_back() {
    check_cuts(Unsynced::Kept);
}

#[test]
fn a_full_disk_puts_an_erasure_off() {
    for call in 0..calls() {
        let mut site = wished();
        site.storage.fail_at(site.storage.calls() + call, Fault::Once);
        bring_through(&mut site);
        site.check();
    }
}

#[test]
fn texts_leave_memory_too() {
    let mut site = filled(small_options());
    let said = Said::Text("a secret".to_owned());
    let (device, signal) = ("secret-barn".to_owned(), "note".to_owned());
    site.write([Record { device, signal, time: NOW.millis(), said, quality: 0 }]);
    site.write([erasure("secret-barn")]);
    site.commit_all();
    site.check();
    check_nothing_is_left(site);
}
