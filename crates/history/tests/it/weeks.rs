//! Closed days of a week, and of thirteen weeks, in one folder: what a view shows stays the same, whatever comes late.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::Bytes;
use history::remote::memory::Bucket;
use history::storage::Storage;
use history::storage::memory::{Memory, Unsynced};
use history::{DayHours, HoursScan, Options, Room, Scan, View, open_on};
use model::promise::DurableMark;
use model::{Fit, Horizon, Position, Quality, Timestamp, Value};

use crate::site::{NOW, Record, Site, erasure, number, options_with, scan, small_options};

const DAY: i64 = 86_400_000;

/// A Monday, three weeks before `NOW`.
const MONDAY: i64 = 1_793_577_600_000;

const FOLDER: &str = "day=2026-11-02";

/// The folders of what a new opening would read.
fn folders(site: &Site, table: &str) -> BTreeSet<String> {
    let names = site.storage.files().into_keys();
    let parts = names.filter(|name| name.starts_with(table) && name.ends_with(".parquet"));
    parts.filter_map(|name| Some(name.split('/').nth(1)?.to_owned())).collect()
}

fn one(folder: &str) -> BTreeSet<String> {
    BTreeSet::from([folder.to_owned()])
}

/// Three readings a day of two devices.
fn week_of(value: f64) -> Vec<Record> {
    let times =
        (0..7).flat_map(|day| (0..3).map(move |hour| MONDAY + day * DAY + hour * 3_600_000));
    let of = |device| move |time| number(device, "temperature", time, value);
    times.clone().map(of("farm/barn")).chain(times.map(of("farm/field"))).collect()
}

fn closed_week_with(options: Options) -> Site {
    let mut site = Site::open_with(options, Memory::default(), Vec::new()).unwrap();
    site.write(week_of(1.0));
    site.commit_all();
    site.flush().unwrap();
    site.merge(1).unwrap();
    site
}

fn closed_week() -> Site {
    closed_week_with(small_options())
}

/// On the Monday after: its days are closed, but it is not over for long enough.
fn closed_days_with(options: Options) -> Site {
    let now = |hours: i64| Timestamp::from_millis(MONDAY + 7 * DAY + hours * 3_600_000);
    let mut site = Site::open_with(options, Memory::default(), Vec::new()).unwrap();
    site.write(week_of(1.0));
    site.commit_all();
    site.flush_at(now(2)).unwrap();
    while site.writer.merge(now(3)).unwrap().is_some() {}
    assert_eq!(folders(&site, "readings/").len(), 7);
    site
}

/// Of the hours in the table: how many there are, and of how many readings.
fn hours(view: &View) -> (usize, i64) {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    let only_counts = HoursScan {
        columns: Some(vec![history::hour::READINGS]),
        only_usable: true,
        ..HoursScan::default()
    };
    let batches: Vec<_> = view.scan_hours(&only_counts).unwrap().map(Result::unwrap).collect();
    let readings = batches.iter().map(|batch| batch.column(0).as_primitive::<Int64Type>());
    (
        batches.iter().map(arrow::array::RecordBatch::num_rows).sum(),
        readings.map(|column| column.values().iter().sum::<i64>()).sum(),
    )
}

#[test]
fn closed_days_become_one_folder() {
    let site = closed_week();
    site.check();
    assert_eq!(folders(&site, "readings/"), one(FOLDER));
    let days = site.view().days((None, None));
    let span = days.iter().map(|day| (day.from.millis(), day.to.millis())).collect::<Vec<_>>();
    assert_eq!(span, [(MONDAY, MONDAY + 7 * DAY)]);
    let kept = site.journal.len();
    let mut site = site.crash(Unsynced::Lost, kept).unwrap();
    site.check();
    assert_eq!(site.merge(2).unwrap(), 0, "there is nothing left to do");
}

#[test]
fn late_rows_replace_those_of_the_week_and_join_it() {
    let mut site = closed_week();
    site.write(week_of(2.0).into_iter().filter(|record| record.time < MONDAY + 4 * DAY));
    site.write([number("farm/new", "temperature", MONDAY + 6 * DAY, 3.0)]);
    site.commit_all();
    site.check();
    site.flush().unwrap();
    site.check();
    assert_eq!(folders(&site, "readings/"), one(FOLDER), "late rows lie in the week");
    let asked = Scan { from: Some(Timestamp::from_millis(MONDAY + 3 * DAY)), ..Scan::default() };
    assert_eq!(scan(&site.view(), &asked).len(), 4 * 3 * 2 + 1);
    assert_eq!(site.merge(2).unwrap(), 1);
    site.check();
    let kept = site.journal.len();
    site.crash(Unsynced::Lost, kept).unwrap().check();
}

/// Hours are made of the whole week. Until then those of its days say nothing, and are not shown twice.
#[test]
fn hours_follow_their_readings_into_the_week() {
    let mut site = closed_days_with(small_options());
    let first = |site: &Site| site.view().days((None, None)).first().and_then(|day| day.hours);
    let early = Timestamp::from_millis(MONDAY + 7 * DAY + 3 * 3_600_000);
    while site.writer.summarise(early).unwrap().is_some() {}
    assert_eq!((first(&site), hours(&site.view())), (Some(DayHours::Usable), (42, 42)));
    site.merge(1).unwrap();
    assert_eq!((first(&site), hours(&site.view())), (Some(DayHours::Stale), (0, 0)));
    assert_eq!(site.view().days((None, None)).len(), 1);
    assert_eq!(site.summarise(1).unwrap(), 1);
    assert_eq!((first(&site), hours(&site.view())), (Some(DayHours::Usable), (42, 42)));
    site.merge(2).unwrap();
    assert_eq!(folders(&site, "hours/"), one(FOLDER));
    let kept = site.journal.len();
    let site = site.crash(Unsynced::Lost, kept).unwrap();
    assert_eq!((first(&site), hours(&site.view())), (Some(DayHours::Usable), (42, 42)));
    site.check();
}

/// A reading in memory is not in the hours of its week.
#[test]
fn a_reading_in_memory_spoils_the_hours_of_its_week() {
    let mut site = closed_week();
    site.summarise(1).unwrap();
    let state = |site: &Site| site.view().days((None, None)).first().and_then(|day| day.hours);
    assert_eq!(state(&site), Some(DayHours::Usable));
    site.write([number("farm/barn", "temperature", MONDAY + 5 * DAY + 1, 2.0)]);
    site.commit_all();
    assert_eq!(state(&site), Some(DayHours::Stale));
}

/// So long after the end of the week, in hours from `NOW` on.
fn after_end(days: i64) -> u64 {
    u64::try_from((MONDAY + (7 + days) * DAY - NOW.millis()) / 3_600_000 + 1).unwrap()
}

#[test]
fn a_week_leaves_as_a_whole_and_its_hours_stay() {
    let keep = Some(Duration::from_secs(100 * 24 * 3_600));
    let mut site = closed_week_with(Options { keep, ..small_options() });
    site.summarise(1).unwrap();
    site.merge(after_end(99)).unwrap();
    assert_eq!(scan(&site.view(), &Scan::default()).len(), 42, "its Sunday is to be kept");
    site.merge(after_end(100)).unwrap();
    assert_eq!(scan(&site.view(), &Scan::default()).len(), 0);
    let state = |site: &Site| site.view().days((None, None)).first().and_then(|day| day.hours);
    assert_eq!(state(&site), Some(DayHours::Left));
    // What comes of it now lies in the week again, whose hours nothing replaces.
    site.write([number("farm/barn", "temperature", MONDAY + 2 * DAY + 7, 9.0)]);
    site.commit_all();
    site.flush().unwrap();
    assert_eq!((folders(&site, "readings/"), state(&site)), (one(FOLDER), Some(DayHours::Left)));
    assert_eq!(site.view().days((None, None)).len(), 1);
    let kept = site.journal.len();
    let mut site = site.crash(Unsynced::Lost, kept).unwrap();
    assert_eq!(scan(&site.view(), &Scan::default()).len(), 1);
    assert_eq!(site.summarise(1).unwrap(), 0, "hours of readings that left stay as they are");
}

#[test]
fn what_is_kept_for_weeks_only_leaves_day_after_day() {
    let keep = Some(Duration::from_secs(20 * 24 * 3_600));
    let mut site = closed_week_with(Options { keep, ..small_options() });
    let days = folders(&site, "readings/").len();
    assert!((1..7).contains(&days), "{days}: some are too old by now, the others wait");
    site.merge(after_end(20)).unwrap();
    assert_eq!(folders(&site, "readings/").len(), 0);
}

#[test]
fn an_erasure_reaches_into_weeks() {
    let mut site = closed_week();
    site.summarise(1).unwrap();
    site.write([erasure("farm/field")]);
    site.commit_all();
    site.check();
    site.flush().unwrap();
    site.merge(2).unwrap();
    site.summarise(2).unwrap();
    site.merge(3).unwrap();
    site.check();
    assert_eq!(hours(&site.view()), (21, 21));
    assert!(site.reader.erasures().is_empty(), "it is through");
}

#[test]
fn a_week_moves_to_the_store_as_a_whole() {
    let bucket = Bucket::default();
    let mut site = closed_week_with(options_with(&bucket, "site"));
    assert_eq!(site.move_out(1).unwrap(), 1);
    site.check();
    site.write(week_of(4.0).into_iter().take(5));
    site.commit_all();
    site.flush().unwrap();
    site.check();
    site.merge(30).unwrap();
    site.check();
    let kept = site.journal.len();
    site.crash(Unsynced::Lost, kept).unwrap().check();
}

/// Days that moved before their week was over for long enough stay days.
#[test]
fn what_has_moved_does_not_become_a_week() {
    let bucket = Bucket::default();
    let mut site = closed_days_with(options_with(&bucket, "site"));
    let early = Timestamp::from_millis(MONDAY + 8 * DAY);
    while site.writer.move_out(early).unwrap().is_some() {}
    site.merge(1).unwrap();
    assert_eq!(site.view().days((None, None)).len(), 7);
    site.check();
}

/// Which format the table says it has: who knows no weeks must not read it.
#[test]
fn the_log_says_that_there_are_weeks() {
    let format = |site: &Site| {
        let found = history::formats(&site.storage).unwrap().formats;
        let table = found.iter().find(|one| one.what == "table").unwrap();
        assert_eq!(table.fit(), Fit::Same, "{table:?}");
        table.found
    };
    let mut site = Site::new();
    site.write([number("farm/barn", "temperature", MONDAY, 1.0)]);
    site.commit_all();
    site.flush().unwrap();
    assert_eq!(format(&site), Some(1));
    assert_eq!(format(&closed_week()), Some(3));
    let bucket = Bucket::default();
    let mut site = closed_days_with(options_with(&bucket, "site"));
    site.writer.move_out(Timestamp::from_millis(MONDAY + 8 * DAY)).unwrap().unwrap();
    assert_eq!(format(&site), Some(2), "files moved, and there is no week");
    let bucket = Bucket::default();
    let mut site = closed_week_with(options_with(&bucket, "site"));
    site.move_out(1).unwrap();
    assert_eq!(format(&site), Some(3), "a move does not lower it");
}

/// A Monday from which thirteen weeks are counted, over since October.
const QUARTER: i64 = 1_784_505_600_000;

/// Two days of each week say something, so that no week is a day.
fn quarter_of(value: f64) -> Vec<Record> {
    let times = (0..13).flat_map(|week| [0, 3].map(|day| QUARTER + (7 * week + day) * DAY));
    times.map(|time| number("farm/barn", "temperature", time, value)).collect()
}

#[test]
fn small_weeks_become_thirteen_together() {
    let mut site = Site::new();
    site.write(quarter_of(1.0));
    site.commit_all();
    site.flush().unwrap();
    assert_eq!(site.merge(1).unwrap(), 26 + 13 + 1);
    site.check();
    assert_eq!(folders(&site, "readings/"), one("day=2026-07-20"));
    assert_eq!(site.summarise(1).unwrap(), 1);
    assert_eq!(hours(&site.view()), (26, 26));
    site.write(quarter_of(2.0).into_iter().skip(4).take(9));
    site.write([number("farm/barn", "temperature", QUARTER + 50 * DAY, 3.0)]);
    site.commit_all();
    site.flush().unwrap();
    site.check();
    assert_eq!(folders(&site, "readings/"), one("day=2026-07-20"), "late rows lie there too");
    site.merge(30).unwrap();
    assert_eq!(site.summarise(30).unwrap(), 1);
    assert_eq!(hours(&site.view()), (27, 27));
    let kept = site.journal.len();
    let mut site = site.crash(Unsynced::Lost, kept).unwrap();
    site.check();
    assert_eq!(site.merge(31).unwrap(), 0);
}

/// Holds up the flush before its first file until the days it was arranged for are a week.
#[derive(Debug)]
struct Gate {
    memory: Memory,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The flush stops at the gate.
    Shut,
    Reached,
}

impl Gate {
    fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
        self.changed.notify_all();
    }

    fn wait_while(&self, state: State) {
        let held = self.state.lock().unwrap();
        drop(self.changed.wait_while(held, |now| *now == state).unwrap());
    }

    fn pass(&self, name: &str) {
        let is_flush = name.starts_with("readings/day=") && !name.contains("-m");
        if is_flush && *self.state.lock().unwrap() == State::Shut {
            self.set(State::Reached);
            self.wait_while(State::Reached);
        }
    }
}

impl Storage for Gate {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.memory.list(dir)
    }
    fn make_dir(&self, dir: &str) -> io::Result<()> {
        self.memory.make_dir(dir)
    }
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.pass(name);
        self.memory.write(name, bytes)
    }
    fn sync(&self, name: &str) -> io::Result<()> {
        self.memory.sync(name)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.memory.rename(from, to)
    }
    fn rename_exclusive(&self, from: &str, to: &str) -> io::Result<()> {
        self.memory.rename_exclusive(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.memory.remove(name)
    }
    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.memory.sync_dir(dir)
    }
    fn read(&self, name: &str, limit: u64) -> io::Result<Bytes> {
        self.memory.read(name, limit)
    }
    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Bytes> {
        self.memory.read_at(name, offset, length)
    }
}

/// A flush that was arranged for days which become a week before it ends is arranged again: else its
/// rows would lie where nobody looks for what they replace.
#[test]
fn a_flush_that_a_week_overtakes_is_arranged_again() {
    let site = closed_days_with(small_options());
    let (state, changed) = (Mutex::new(State::Open), Condvar::new());
    let gate = Arc::new(Gate { memory: site.storage.clone(), state, changed });
    let storage: Arc<dyn Storage> = Arc::<Gate>::clone(&gate);
    let (mut writer, reader, resume) = open_on(storage, small_options(), NOW).unwrap();
    let (horizon, mut durable, _): (Arc<Horizon>, DurableMark, _) =
        Horizon::new(Position::ZERO, &[], Box::new(drop));
    let key = history::SeriesKey { device: "farm/barn", signal: "temperature" };
    let series = writer.series(key, history::SeriesInfo::default());
    let position = resume.position.next();
    let time = Timestamp::from_millis(MONDAY + 2 * DAY);
    writer.append(series, (time, Value::Number(5.0)), Quality::GOOD, position);
    assert_eq!(writer.seal(position), Room::Free);
    durable.advance(position);

    gate.set(State::Shut);
    writer.flush(horizon.committed(), b"", NOW).unwrap();
    gate.wait_while(State::Shut);
    let merged = writer.merge(NOW).unwrap().unwrap();
    assert_eq!((merged.day.as_str(), merged.days), ("2026-11-02", 7));
    gate.set(State::Open);
    writer.finish(horizon.committed()).unwrap().unwrap();

    let seen = scan(&reader.view(horizon.committed()), &Scan::default());
    assert_eq!(seen.len(), 42, "a row and what it replaces are not both shown");
    let late = seen.get(&("farm/barn".to_owned(), "temperature".to_owned(), MONDAY + 2 * DAY));
    assert_eq!(late.map(|(said, _)| said), Some(&crate::site::Said::Number(5.0)));
    let files = site.storage.files().into_keys();
    let flushed: Vec<_> =
        files.filter(|name| name.contains(&format!("part-{:020}-0", position.get()))).collect();
    assert_eq!(flushed, [format!("readings/{FOLDER}/part-{:020}-0.parquet", position.get())]);
}
