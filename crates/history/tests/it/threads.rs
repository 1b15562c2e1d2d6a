use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use history::storage::memory::{Fault, Memory};
use history::{Options, Reader, Room, Scan, SeriesInfo, SeriesKey, column, open_on};
use model::{Horizon, Position, Quality, Timestamp, Value};

use crate::site::{NOW, Site, number, small_options};

const RECORDS: u64 = 30_000;

/// Looks again and again; every view must hold each of its records once. Gives how many looks
/// there were.
fn watch(reader: &Reader, horizon: &Horizon, done: &AtomicBool) -> u64 {
    let scan = Scan { columns: Some(vec![column::TIME]), ..Scan::default() };
    let mut looks = 0;
    while !done.load(Ordering::Acquire) {
        let committed = horizon.committed();
        let view = reader.view(committed);
        assert!(view.position() >= committed.position(), "what is committed is visible");
        let rows: usize = view.scan(&scan).unwrap().map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(rows as u64, view.position().get(), "each record once");
        looks += 1;
    }
    looks
}

#[test]
fn flushes_show_nothing_twice_and_miss_nothing() {
    let options = Options { hot_rows_max: 500, ..small_options() };
    let (mut writer, reader, _) = open_on(Arc::new(Memory::default()), options, NOW).unwrap();
    let (horizon, mut durable, _) = Horizon::new(Position::ZERO, &[], Box::new(drop));
    let (done, looks, mut flushes) = (AtomicBool::new(false), AtomicU64::new(0), 0);
    std::thread::scope(|scope| {
        scope.spawn(|| looks.store(watch(&reader, &horizon, &done), Ordering::Release));
        let key = SeriesKey { device: "d", signal: "s" };
        let series = writer.series(key, SeriesInfo::default());
        let mut position = Position::ZERO;
        while position.get() < RECORDS {
            for _ in 0..50 {
                position = position.next();
                let time = Timestamp::from_millis(i64::try_from(position.get()).unwrap());
                writer.append(series, (time, Value::Number(1.0)), Quality::GOOD, position);
            }
            let mut room = writer.seal(position);
            durable.advance(position);
            if writer.flush_due(NOW) {
                flushes +=
                    u64::from(writer.flush(horizon.committed(), b"", NOW).unwrap().is_some());
            }
            flushes += u64::from(writer.tick(horizon.committed()).unwrap().is_some());
            while room == Room::Full {
                room = writer.make_room(horizon.committed(), b"", NOW).unwrap();
                flushes += 1;
            }
        }
        done.store(true, Ordering::Release);
    });
    let looks = looks.load(Ordering::Acquire);
    assert!(looks > 10 && flushes > 10, "{looks} looks at {flushes} flushes prove little");
}

#[test]
fn a_full_tail_waits_for_a_commit() {
    let mut site = Site::new();
    for step in 0..1_999 {
        site.write([number("d", "s", step, 1.0)]);
    }
    assert!(site.writer.flush_due(NOW));
    let key = SeriesKey { device: "d", signal: "s" };
    let series = site.writer.series(key, SeriesInfo::default());
    let (time, position) = (Timestamp::from_millis(5_000), site.end().next());
    site.writer.append(series, (time, Value::Number(1.0)), Quality::GOOD, position);
    assert_eq!(site.writer.seal(position), Room::Full);
    let behind = site.horizon.committed();
    assert_eq!(site.writer.make_room(behind, b"", NOW).unwrap(), Room::Full);
    site.commit(position);
    let committed = site.horizon.committed();
    assert_eq!(site.writer.make_room(committed, b"", NOW).unwrap(), Room::Free);
    assert!(!site.writer.flush_due(NOW.saturating_add(Duration::from_secs(3_600))));
}

#[test]
fn old_rows_make_a_flush_due() {
    let mut site = Site::new();
    assert!(!site.writer.flush_due(NOW));
    site.write([number("d", "s", 0, 1.0)]);
    assert!(!site.writer.flush_due(NOW));
    let later = NOW.saturating_add(small_options().hot_age_max);
    assert!(site.writer.flush_due(later));
    site.commit_all();
    site.flush().unwrap();
    assert!(!site.writer.flush_due(later));
}

#[test]
fn a_failed_flush_is_due_again_after_a_pause() {
    let mut site = Site::new();
    for step in 0..1_000 {
        site.write([number("d", "s", step, 1.0)]);
    }
    site.commit_all();
    assert!(site.writer.flush_due(NOW));
    site.storage.fail_at(site.storage.calls(), Fault::Once);
    let fault = site.flush().unwrap_err();
    assert!(!fault.is_final(), "{fault}");
    assert!(!site.writer.flush_due(NOW));
    assert!(!site.writer.flush_due(NOW.saturating_add(Duration::from_secs(9))));
    assert!(site.writer.flush_due(NOW.saturating_add(Duration::from_secs(10))));
    assert!(site.flush().unwrap());
    site.check();
}
