//! The one writer: takes rows in the order of the journal and publishes them.

use std::sync::Arc;

use model::{Committed, Position, Quality, Timestamp, Value};

use crate::chunk::Rows;
use crate::fault::{FlushFault, OpenFault};
use crate::hot::Hot;
use crate::latest::LatestTable;
use crate::options::Options;
use crate::reader::{Reader, Shared, Tail};
use crate::series::{Interner, Series, SeriesId, SeriesInfo, SeriesKey, SeriesTable};

/// What the tables hold at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// Everything up to here is in the tables: replay the journal from the next record on.
    pub position: Position,
    /// What the caller gave to the flush at that position.
    pub extra: Vec<u8>,
}

/// Whether the hot tail takes more rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a full tail takes no rows until `make_room`"]
pub enum Room {
    Free,
    /// Append nothing more before `make_room` answers `Free`.
    Full,
}

/// A flush that is durable: the journal may drop what is before `position`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flushed {
    pub position: Position,
    pub rows: u64,
    pub files: u64,
    pub bytes: u64,
}

#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    options: Options,
    interner: Interner,
    /// The highest time of each series, to know late rows.
    last_times: Vec<i64>,
    /// Rows that are not sealed.
    staged: Rows,
    staged_last: Position,
    /// Rows in the hot tail as of the last seal or tick.
    hot_len: u64,
    /// When `flush_due` first saw rows since the last flush began.
    hot_since: Option<Timestamp>,
    marked: Option<Resume>,
}

/// Opens the history of one space.
///
/// # Errors
/// When the folder cannot be used, is damaged or comes from a newer version.
pub fn open(options: Options) -> Result<(Writer, Reader, Resume), OpenFault> {
    let resume = Resume::default();
    let tail = Tail { hot: Hot::new(resume.position, 0) };
    let shared = Shared::new(tail, SeriesTable::default(), LatestTable::default());
    let reader = Reader::new(Arc::clone(&shared));
    let writer = Writer {
        shared,
        options,
        interner: Interner::default(),
        last_times: Vec::new(),
        staged: Rows::default(),
        staged_last: resume.position,
        hot_len: 0,
        hot_since: None,
        marked: None,
    };
    Ok((writer, reader, resume))
}

impl Writer {
    /// The id of a series; a key not seen before gets the next one. To be called in the order of
    /// the journal, so that a replay gives the same ids.
    pub fn series(&mut self, key: SeriesKey<'_>, info: SeriesInfo) -> SeriesId {
        if let Some(known) = self.interner.find(key) {
            let id = known.id;
            if info.unit.is_some() && info.unit != known.unit {
                self.interner.inform(id, info);
                self.shared.series_mut().inform(id, info);
            }
            return id;
        }
        let mut table = self.shared.series_mut();
        let id = table.push(key, info);
        if let Some(series) = table.entries().last() {
            self.interner.insert(Series::clone(series));
        }
        self.last_times.push(i64::MIN);
        id
    }

    /// Takes one reading of the record at `position`. It is visible after `seal`. Times are kept
    /// in milliseconds.
    ///
    /// # Panics
    /// When `position` is before that of an earlier reading, or already sealed.
    pub fn append(
        &mut self,
        series: SeriesId,
        (time, value): (Timestamp, Value<'_>),
        quality: Quality,
        position: Position,
    ) {
        assert!(self.staged_last <= position, "readings follow the journal");
        self.staged_last = position;
        let time = time.millis();
        if let Some(last) = self.last_times.get_mut(series.index()) {
            if time <= *last {
                self.staged.late_next();
            } else {
                *last = time;
            }
        }
        if let Value::Text(text) = value {
            self.staged.text_next(text);
        }
        let number = value.number().unwrap_or_default();
        self.staged.push(series.get(), time, number, quality.bits());
    }

    /// Publishes what was appended: all readings of all records up to `position` are taken in.
    /// After it the caller may advance its mark on the horizon.
    ///
    /// # Panics
    /// When `position` is before a reading that was appended.
    pub fn seal(&mut self, position: Position) -> Room {
        assert!(self.staged_last <= position, "a seal covers all that was appended");
        self.staged_last = position;
        let series = self.interner.len();
        let mut tail = self.shared.tail();
        tail.hot.publish(&self.staged, position, series);
        self.hot_len = tail.hot.len();
        drop(tail);
        self.staged.clear();
        self.room()
    }

    fn room(&self) -> Room {
        if self.hot_len < self.options.rows_limit() { Room::Free } else { Room::Full }
    }

    /// Everything up to here is sealed.
    #[must_use]
    pub fn sealed(&self) -> Position {
        self.shared.tail().hot.sealed().position
    }

    /// Whether the hot tail is large or old enough for `flush`, and none is under way.
    pub fn flush_due(&mut self, now: Timestamp) -> bool {
        if self.hot_len == 0 {
            return false;
        }
        let since = *self.hot_since.get_or_insert(now);
        self.hot_len >= self.options.hot_rows_max || now.since(since) >= self.options.hot_age_max
    }

    /// Marks all that is sealed as the next flush, together with what the caller wants back from
    /// `open` when it resumes there. The flush begins with the first `tick` whose commit covers
    /// the mark; while one is marked or under way, this does nothing.
    pub fn flush(&mut self, extra: &[u8]) {
        if self.marked.is_none() {
            let position = self.sealed();
            self.marked = Some(Resume { position, extra: extra.to_vec() });
        }
    }

    /// Never waits: begins a marked flush, on a thread of its own, once `committed` covers it, and
    /// tells of one that ended. To be called after every seal.
    ///
    /// # Errors
    /// When a flush failed. Its rows stay in the hot tail and the next `flush` takes them again.
    pub fn tick(&mut self, committed: Committed) -> Result<Option<Flushed>, FlushFault> {
        let _covered = self.marked.as_ref().is_some_and(|m| m.position <= committed.position());
        Ok(None)
    }

    /// Like `tick`, but waits for the end of a flush that `committed` covers.
    ///
    /// # Errors
    /// As `tick`.
    pub fn finish(&mut self, committed: Committed) -> Result<Option<Flushed>, FlushFault> {
        self.tick(committed)
    }

    /// For a full tail: begins a flush if none is marked, and waits for it if `committed` covers
    /// it. `Full` means that the commit lags behind: call again with a later one.
    ///
    /// # Errors
    /// As `tick`.
    pub fn make_room(&mut self, committed: Committed, extra: &[u8]) -> Result<Room, FlushFault> {
        self.flush(extra);
        self.finish(committed)?;
        Ok(self.room())
    }
}
