//! A site of one history, the journal it is rebuilt from, and what must be seen of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMillisecondType, UInt16Type, UInt32Type};
use history::remote::memory::Bucket;
use history::remote::{MoveFault, RemoteOptions};
use history::storage::Storage;
use history::storage::memory::{Memory, Unsynced};
use history::{
    FlushFault, LatestValue, MergeFault, OpenFault, Options, Reader, Resume, Room, Scan,
    SeriesInfo, SeriesKey, View, Writer, column, open_on,
};
use model::promise::DurableMark;
use model::{Horizon, Position, Quality, Timestamp, Value};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_600_000_000);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    Number(f64),
    Text(String),
    /// No reading: what was said of the device so far is to be forgotten.
    Erased,
}

/// A record of the journal that holds one reading.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) device: String,
    pub(crate) signal: String,
    pub(crate) time: i64,
    pub(crate) said: Said,
    pub(crate) quality: u16,
}

/// By device, signal and time.
pub(crate) type Seen = BTreeMap<(String, String, i64), (Said, u16)>;

pub(crate) fn small_options() -> Options {
    Options {
        hot_rows_max: 1_000,
        hot_age_max: Duration::from_secs(60),
        linger: Duration::ZERO,
        hours_cost: 0,
        ..Options::new("unused")
    }
}

/// Days move when they ended a day ago.
pub(crate) fn options_with(bucket: &Bucket, name: &str) -> Options {
    let remote = RemoteOptions {
        objects: Arc::new(bucket.clone()),
        after: Duration::from_secs(24 * 3_600),
        cache_bytes: 1 << 20,
        name: name.to_owned(),
        take_over: None,
        meter: Arc::default(),
    };
    Options { remote: Some(remote), ..small_options() }
}

#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) storage: Memory,
    pub(crate) journal: Vec<Record>,
    pub(crate) writer: Writer,
    pub(crate) reader: Reader,
    pub(crate) horizon: Arc<Horizon>,
    durable: DurableMark,
    pub(crate) resume: Resume,
    options: Options,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::open(Memory::default(), Vec::new()).unwrap()
    }

    pub(crate) fn open(storage: Memory, journal: Vec<Record>) -> Result<Self, OpenFault> {
        Self::open_with(small_options(), storage, journal)
    }

    pub(crate) fn open_with(
        options: Options,
        storage: Memory,
        journal: Vec<Record>,
    ) -> Result<Self, OpenFault> {
        let shared: Arc<dyn Storage> = Arc::new(storage.clone());
        let (writer, reader, resume) = open_on(shared, options.clone(), NOW)?;
        let (horizon, durable, _) = Horizon::new(Position::ZERO, &[], Box::new(drop));
        let mut site = Self { storage, journal, writer, reader, horizon, durable, resume, options };
        let at = usize::try_from(site.resume.position.get()).unwrap();
        assert!(at <= site.journal.len(), "the tables never hold what the journal lost");
        for position in at..site.journal.len() {
            site.take(position);
        }
        let end = site.end();
        assert_eq!(site.writer.seal(end), Room::Free);
        site.commit(end);
        Ok(site)
    }

    pub(crate) fn end(&self) -> Position {
        Position::new(self.journal.len() as u64)
    }

    fn take(&mut self, index: usize) {
        let record = self.journal[index].clone();
        let position = Position::new(index as u64 + 1);
        let key = SeriesKey { device: &record.device, signal: &record.signal };
        let value = match &record.said {
            Said::Number(number) => Value::Number(*number),
            Said::Text(text) => Value::Text(text),
            Said::Erased => {
                self.writer.erase(&record.device, position);
                return;
            }
        };
        let series = self.writer.series(key, SeriesInfo::default());
        let time = Timestamp::from_millis(record.time);
        self.writer.append(series, (time, value), Quality::from_bits(record.quality), position);
    }

    pub(crate) fn write(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            self.journal.push(record);
            self.take(self.journal.len() - 1);
        }
        let end = self.end();
        assert_eq!(self.writer.seal(end), Room::Free);
    }

    pub(crate) fn commit(&mut self, position: Position) {
        self.durable.advance(position);
    }

    pub(crate) fn commit_all(&mut self) {
        self.commit(self.end());
    }

    /// Marks what is sealed, with its position as the caller's own bytes, and flushes it if a
    /// commit covers it.
    pub(crate) fn flush(&mut self) -> Result<bool, FlushFault> {
        self.flush_at(NOW)
    }

    pub(crate) fn flush_at(&mut self, now: Timestamp) -> Result<bool, FlushFault> {
        let extra = self.end().get().to_le_bytes();
        self.writer.mark(&extra, now);
        Ok(self.writer.finish(self.horizon.committed())?.is_some())
    }

    /// Merges what is worth it at a time after `NOW`, until nothing is; says how often.
    pub(crate) fn merge(&mut self, hours: u64) -> Result<u64, MergeFault> {
        let now = NOW.saturating_add(Duration::from_secs(hours * 3_600));
        let mut merges = 0;
        while self.writer.merge(now)?.is_some() {
            merges += 1;
            assert!(merges < 100, "merging comes to an end");
        }
        Ok(merges)
    }

    /// Moves what is old enough at a time after `NOW`, until nothing is; says how many days.
    pub(crate) fn move_out(&mut self, hours: u64) -> Result<u64, MoveFault> {
        let now = NOW.saturating_add(Duration::from_secs(hours * 3_600));
        let mut days = 0;
        while self.writer.move_out(now)?.is_some() {
            days += 1;
            assert!(days < 100, "moving comes to an end");
        }
        Ok(days)
    }

    /// Makes the hours that are lacking at a time after `NOW`; says of how many days.
    pub(crate) fn summarise(&mut self, hours: u64) -> Result<u64, MergeFault> {
        let now = NOW.saturating_add(Duration::from_secs(hours * 3_600));
        let mut made = 0;
        while self.writer.summarise(now)?.is_some() {
            made += 1;
            assert!(made < 100, "making hours comes to an end");
        }
        Ok(made)
    }

    /// Loses all memory, and of the journal what comes after `kept`.
    pub(crate) fn crash(self, unsynced: Unsynced, kept: usize) -> Result<Self, OpenFault> {
        self.storage.crash(unsynced);
        let mut journal = self.journal;
        journal.truncate(kept);
        let site = Self::open_with(self.options, self.storage, journal)?;
        let position = site.resume.position.get();
        if position > 0 {
            assert_eq!(
                site.resume.extra,
                position.to_le_bytes(),
                "the caller's bytes belong to it"
            );
        }
        Ok(site)
    }

    pub(crate) fn view(&self) -> View {
        self.reader.view(self.horizon.committed())
    }

    /// What the journal says must be seen at the commit.
    pub(crate) fn expected(&self) -> Seen {
        let committed = usize::try_from(self.horizon.committed().position().get()).unwrap();
        let mut seen = Seen::new();
        for record in &self.journal[..committed] {
            if record.said == Said::Erased {
                seen.retain(|(device, ..), _| *device != record.device);
                continue;
            }
            let key = (record.device.clone(), record.signal.clone(), record.time);
            seen.insert(key, (record.said.clone(), record.quality));
        }
        seen
    }

    /// Compares everything a view shows with the journal.
    #[track_caller]
    pub(crate) fn check(&self) {
        let (view, expected) = (self.view(), self.expected());
        assert_eq!(scan(&view, &Scan::default()), expected);
        check_latest(&view, &expected);
    }
}

#[track_caller]
fn check_latest(view: &View, expected: &Seen) {
    let mut last = BTreeMap::new();
    for ((device, signal, time), said) in expected {
        last.insert((device.clone(), signal.clone()), (*time, said.clone()));
    }
    let mut found = BTreeMap::new();
    for entry in &view.series() {
        if let Some(latest) = view.latest(entry.id) {
            let said = match latest.value {
                LatestValue::Number(number) => Said::Number(number),
                LatestValue::Text(text) => Said::Text(text.to_string()),
            };
            let value = (latest.time.millis(), (said, latest.quality.bits()));
            found.insert((entry.device.to_string(), entry.signal.to_string()), value);
        }
    }
    assert_eq!(found, last);
}

/// All rows of a scan; fails when a (series, time) comes twice.
#[track_caller]
pub(crate) fn scan(view: &View, scan: &Scan) -> Seen {
    let mut seen = Seen::new();
    for batch in view.scan(scan).unwrap() {
        take_rows(&mut seen, &batch.unwrap());
    }
    seen
}

#[track_caller]
fn take_rows(seen: &mut Seen, batch: &RecordBatch) {
    let names = |column: usize| {
        let names = batch.column(column).as_dictionary::<UInt32Type>();
        let values = names.values().as_string::<i32>().clone();
        move |row: usize| values.value(names.keys().value(row) as usize).to_owned()
    };
    let (device, signal) = (names(column::DEVICE), names(column::SIGNAL));
    let times = batch.column(column::TIME).as_primitive::<TimestampMillisecondType>();
    let numbers = batch.column(column::NUMBER).as_primitive::<Float64Type>();
    let texts = batch.column(column::TEXT).as_string::<i32>();
    let qualities = batch.column(column::QUALITY).as_primitive::<UInt16Type>();
    for row in 0..batch.num_rows() {
        let said = match (numbers.is_valid(row), texts.is_valid(row)) {
            (true, false) => Said::Number(numbers.value(row)),
            (false, true) => Said::Text(texts.value(row).to_owned()),
            both => panic!("a number or a text, not {both:?}"),
        };
        let key = (device(row), signal(row), times.value(row));
        let before = seen.insert(key.clone(), (said, qualities.value(row)));
        assert_eq!(before, None, "{key:?} came twice");
    }
}

pub(crate) fn erasure(device: &str) -> Record {
    let (device, signal) = (device.to_owned(), String::new());
    Record { device, signal, time: 0, said: Said::Erased, quality: 0 }
}

pub(crate) fn number(device: &str, signal: &str, time: i64, number: f64) -> Record {
    let said = Said::Number(number);
    Record { device: device.to_owned(), signal: signal.to_owned(), time, said, quality: 0 }
}
