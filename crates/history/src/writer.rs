//! The one writer: takes rows in the order of the journal and publishes them. When the hot tail is
//! flushed is in `flushing`.

mod flushing;

use std::sync::Arc;

use model::{Position, Quality, Timestamp, Value};

use crate::care::{Care, Tended};
use crate::fault::{FlushFault, MergeFault};
use crate::hot::Staged;
use crate::hours::Summarised;
use crate::merge::Merged;
use crate::options::{Keeping, Options};
use crate::reader::Shared;
use crate::remote::{MoveFault, Moved};
use crate::series::{Interner, Series, SeriesId, SeriesInfo, SeriesKey};
use crate::storage::Storage;
use crate::writer::flushing::{Flush, Pause};

/// Whether the hot tail takes more rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a full tail takes no rows until `make_room`"]
pub enum Room {
    Free,
    /// Append nothing more before `make_room` answers `Free`.
    Full,
}

#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    storage: Arc<dyn Storage>,
    options: Options,
    interner: Interner,
    /// The highest time of each series, to know late rows.
    last_times: Vec<i64>,
    /// The same as of the last flush that succeeded.
    flushed_last: Arc<[i64]>,
    /// Rows that are not sealed.
    staged: Staged,
    staged_last: Position,
    /// Rows in the hot tail as of the last seal or flush.
    hot_len: u64,
    /// When `flush_due` first saw rows since the last flush was marked.
    hot_since: Option<Timestamp>,
    /// The last erasure that no flush covers: until then names and rows stay in snapshot and tail.
    erased: Option<Position>,
    flush: Flush,
    pause: Pause,
    care: Care,
}

/// How far a time of receipt is moved to find a free millisecond.
const SHIFT_MAX_MS: i64 = 60_000;

impl Writer {
    /// One that goes on behind `position`, up to which all is in files.
    pub(crate) fn opened(
        (shared, storage, options, care): (Arc<Shared>, Arc<dyn Storage>, Options, Care),
        interner: Interner,
        last_times: Vec<i64>,
        position: Position,
    ) -> Self {
        Self {
            shared,
            storage,
            options,
            flushed_last: last_times.as_slice().into(),
            staged: Staged::new(interner.len()),
            interner,
            last_times,
            staged_last: position,
            hot_len: 0,
            hot_since: None,
            erased: None,
            flush: Flush::None,
            pause: Pause::None,
            care,
        }
    }

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

    /// Erases all that the records before `position` brought of a device: from the commit of this
    /// record on nobody sees it, and by and by it leaves the disk. What comes of the device after it
    /// has new series. Says how many series there were.
    ///
    /// # Panics
    /// As `append`.
    pub fn erase(&mut self, device: &str, position: Position) -> usize {
        assert!(self.staged_last <= position, "erasures follow the journal");
        self.staged_last = position;
        let erased = self.shared.series_mut().erase(device, position);
        for id in &erased {
            self.interner.erase(*id);
        }
        let count = erased.len();
        if count > 0 {
            Arc::make_mut(&mut self.shared.tail().gone).add(erased, position);
            self.erased = Some(position);
        }
        count
    }

    /// A series that is known already, as after a restart.
    #[must_use]
    pub fn find(&self, key: SeriesKey<'_>) -> Option<&Series> {
        self.interner.find(key)
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
                self.staged.rows.late_next();
            } else {
                *last = time;
            }
        }
        if let Value::Text(text) = value {
            self.staged.rows.text_next(text);
        }
        let number = value.number().unwrap_or_default();
        self.staged.place_next(position, series);
        self.staged.rows.push(series.get(), time, number, quality.bits());
    }

    /// The time for readings of one message whose device gave none: that of receipt, or the first
    /// millisecond after it at which none of their series has a reading, so that of a burst none
    /// takes the place of another. `None` when that would be more than a minute later: a series
    /// that is faster than one reading a millisecond for so long has to bring its own times.
    #[must_use]
    pub fn free_time(
        &self,
        series: impl IntoIterator<Item = SeriesId>,
        received_at: Timestamp,
    ) -> Option<Timestamp> {
        let received = received_at.millis();
        let last = series.into_iter().filter_map(|id| self.last_times.get(id.index()).copied());
        let last = last.max().unwrap_or(i64::MIN);
        if last < received {
            return Some(received_at);
        }
        (last - received < SHIFT_MAX_MS).then(|| Timestamp::from_millis(last + 1))
    }

    /// Publishes what was appended: all readings of all records up to `position` are taken in.
    /// After it the caller may advance its mark on the horizon.
    ///
    /// # Panics
    /// When `position` is before a reading that was appended.
    pub fn seal(&mut self, position: Position) -> Room {
        assert!(self.staged_last <= position, "a seal covers all that was appended");
        self.staged_last = position;
        let mut tail = self.shared.tail();
        tail.hot.publish(&mut self.staged, position);
        self.hot_len = tail.hot.len();
        drop(tail);
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

    /// From now on some devices are kept longer or shorter than `Options::keep` says.
    pub fn keep_by(&mut self, keeping: Arc<dyn Keeping>) {
        self.care.keep_by(keeping);
    }

    /// Looks after the files: tells of a merge or of a day's hours that ended, begins what is worth
    /// it on a thread of its own, and removes what left the tables. Never waits. To be called now
    /// and then.
    ///
    /// # Errors
    /// When the table's log is in doubt; the process must end. Other faults are logged and tried
    /// again later.
    pub fn care(&mut self, now: Timestamp) -> Result<Option<Tended>, FlushFault> {
        self.care.tend(now)
    }

    /// Whether a thread works for the files: what it ends with is seen by the next `care`.
    #[must_use]
    pub const fn is_tending(&self) -> bool {
        self.care.is_busy()
    }

    /// Like `care`, but a merge runs on this thread and has ended when this returns.
    ///
    /// # Errors
    /// As `care`, and when the merge fails for now.
    pub fn merge(&mut self, now: Timestamp) -> Result<Option<Merged>, MergeFault> {
        self.care.merge(now)
    }

    /// A step of moving old days to the store, on this thread: at most one day. `care` does it on
    /// a thread of its own.
    ///
    /// # Errors
    /// When it has to be tried again, or `is_final`.
    pub fn move_out(&mut self, now: Timestamp) -> Result<Option<Moved>, MoveFault> {
        self.care.move_out(now)
    }

    /// Makes the hours of one closed day that lacks them, on this thread; `None` when none does.
    ///
    /// # Errors
    /// As `merge`.
    pub fn summarise(&mut self, now: Timestamp) -> Result<Option<Summarised>, MergeFault> {
        self.care.summarise(now)
    }
}
