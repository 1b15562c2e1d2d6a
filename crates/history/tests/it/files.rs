use history::{OpenFault, Options, Scan, SeriesInfo, SeriesKey, open};
use model::{Horizon, Position, Quality, Value};

use crate::site::{NOW, Site, number, scan};

#[test]
fn real_files_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _, resume) = open(Options::new(dir.path()), NOW).unwrap();
    assert_eq!(resume.position, Position::ZERO);
    let (horizon, mut durable, _) = Horizon::new(Position::ZERO, &[], Box::new(drop));
    let key = SeriesKey { device: "barn", signal: "temperature" };
    let series = writer.series(key, SeriesInfo::default());
    writer.append(series, (NOW, Value::Number(21.5)), Quality::GOOD, Position::new(1));
    assert_eq!(writer.seal(Position::new(1)), history::Room::Free);
    durable.advance(Position::new(1));
    // On a thread of its own, as in the program.
    assert_eq!(writer.flush(horizon.committed(), b"mine", NOW).unwrap(), None);
    let flushed = writer.finish(horizon.committed()).unwrap().unwrap();
    assert_eq!((flushed.position, flushed.rows, flushed.files), (Position::new(1), 1, 1));
    drop(writer);
    let (writer, reader, resume) = open(Options::new(dir.path()), NOW).unwrap();
    assert_eq!((resume.position, resume.extra), (Position::new(1), b"mine".to_vec()));
    assert_eq!(writer.find(key).map(|found| found.id), Some(series));
    assert_eq!(scan(&reader.view(horizon.committed()), &Scan::default()).len(), 1);
}

#[test]
fn a_newer_table_is_named() {
    let site = Site::new();
    let log = "readings/_delta_log/00000000000000000001.json";
    let newer = br#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}"#;
    history::storage::Storage::write(&site.storage, log, newer).unwrap();
    let fault = Site::open(site.storage, Vec::new()).unwrap_err();
    assert!(matches!(fault, OpenFault::Newer { found: 3, known: 1, .. }), "{fault}");
}

/// Names and versions.
fn formats(site: &Site) -> Vec<(&'static str, Option<u64>)> {
    let found = history::formats(&site.storage).unwrap().formats;
    found.iter().map(|format| (format.what, format.found)).collect()
}

#[test]
fn the_versions_of_a_table_are_told_while_it_is_open() {
    let mut site = flushed_often(1);
    let now = [
        ("table log", Some(1)),
        ("table", Some(1)),
        ("table log of hours", Some(1)),
        ("table of hours", Some(1)),
        ("snapshot", Some(2)),
    ];
    assert_eq!(formats(&site), now);
    assert!(history::formats(&site.storage).unwrap().extra.is_some());
    let snapshot = log_file(&site, ".bin").unwrap();
    let mut bytes = site.storage.files()[&snapshot].to_vec();
    bytes[8] = 7;
    history::storage::Storage::write(&site.storage, &snapshot, &bytes).unwrap();
    let found = history::formats(&site.storage).unwrap();
    let snapshot = found.formats.iter().find(|format| format.what == "snapshot").unwrap();
    assert_eq!(snapshot.fit(), model::Fit::Newer);
    assert_eq!(found.extra, None, "what is in a newer one is not known");
    site = Site::new();
    let log = "readings/_delta_log/00000000000000000001.json";
    let newer = br#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}"#;
    history::storage::Storage::write(&site.storage, log, newer).unwrap();
    assert_eq!(formats(&site)[0], ("table log", Some(3)));
}

#[test]
fn a_hole_in_the_log_is_damage() {
    let mut site = Site::new();
    site.write([number("d", "s", 5, 1.0)]);
    site.commit_all();
    site.flush().unwrap();
    let first = "readings/_delta_log/00000000000000000000.json";
    history::storage::Storage::remove(&site.storage, first).unwrap();
    let fault = Site::open(site.storage.clone(), site.journal.clone()).unwrap_err();
    assert!(matches!(fault, OpenFault::Damaged { .. }), "{fault}");
}

/// One row in each of many flushes.
fn flushed_often(count: i64) -> Site {
    let mut site = Site::new();
    for step in 0..count {
        site.write([number("d", "s", step * 1_000, 1.0)]);
        site.commit_all();
        site.flush().unwrap();
    }
    site
}

fn log_file(site: &Site, end: &str) -> Option<String> {
    site.storage.files().into_keys().find(|name| name.ends_with(end))
}

#[test]
fn a_checkpoint_stands_for_the_versions_before_it() {
    let site = flushed_often(105);
    assert!(log_file(&site, "00000000000000000100.checkpoint.parquet").is_some());
    for version in 0..=100 {
        let name = log_file(&site, &format!("{version:020}.json")).unwrap();
        history::storage::Storage::remove(&site.storage, &name).unwrap();
    }
    let site = Site::open(site.storage, site.journal).unwrap();
    site.check();
    assert_eq!(site.resume.position, site.end());
}

#[test]
fn a_damaged_checkpoint_is_not_needed() {
    for end in ["00000000000000000100.checkpoint.parquet", "_last_checkpoint"] {
        let site = flushed_often(101);
        let name = log_file(&site, end).unwrap();
        site.storage.flip(&name, 8 * 8);
        let site = Site::open(site.storage, site.journal).unwrap();
        site.check();
        assert_eq!(site.resume.position, site.end());
    }
}

#[test]
fn a_checkpoint_that_cannot_be_written_does_not_fail_the_flush() {
    let mut site = flushed_often(99);
    site.write([number("d", "s", 500_000, 1.0)]);
    site.commit_all();
    let before = site.storage.calls();
    let whole = {
        let mut other = flushed_often(99);
        other.write([number("d", "s", 500_000, 1.0)]);
        other.commit_all();
        other.flush().unwrap();
        other.storage.calls() - before
    };
    // The last change removes the old snapshot, the eight before it are the checkpoint's.
    for call in whole - 9..whole - 1 {
        let mut site = flushed_often(99);
        site.write([number("d", "s", 500_000, 1.0)]);
        site.commit_all();
        site.storage.fail_at(before + call, history::storage::memory::Fault::PowerCut);
        assert!(site.flush().unwrap(), "the version is durable before its checkpoint");
        let kept = site.journal.len();
        let site = site.crash(history::storage::memory::Unsynced::Lost, kept).unwrap();
        site.check();
        assert_eq!(site.resume.position, site.end());
    }
}
