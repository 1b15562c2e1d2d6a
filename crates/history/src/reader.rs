//! Readers take views; a view never changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use model::{Committed, Position, Timestamp, Unit};

use crate::cold::{SeriesName, Shelf, Want};
use crate::cold_rows::ColdRows;
use crate::fault::ReadFault;
use crate::file::ColdFile;
use crate::folder::Longer;
use crate::gone::Gone;
use crate::hot::{Hot, HotView};
use crate::latest::{Latest, LatestTable};
use crate::output::Output;
use crate::scan::{Deal, Filter, Readings, Scan};
use crate::series::{Series, SeriesId, SeriesTable};
use crate::table::Table;

/// How far the erasure of a device has come. Nobody sees its readings any more; this is about what
/// is left of them on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erasing {
    /// Of the record that asked for it.
    pub position: Position,
    pub series: usize,
    /// The hot tail holds no row of it, the snapshot no name.
    pub is_flushed: bool,
    /// Files of the table that are still to be looked at or written again; `None` before the first
    /// look.
    pub files: Option<usize>,
    /// Of these, files that cannot be read.
    pub unreadable: usize,
    /// Files that left the table and wait until nobody reads them.
    pub leaving: usize,
}

/// What the writer and all readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    tail: Mutex<Tail>,
    series: RwLock<SeriesTable>,
    latest: Mutex<LatestTable>,
    pub(crate) shelf: Arc<Shelf>,
    /// Of the table of hours.
    pub(crate) hours_shelf: Arc<Shelf>,
    /// Held by whoever adds a version to the table: flush, merge and retention have threads of
    /// their own.
    versions: Mutex<()>,
    erasures: Mutex<Vec<Erasing>>,
    /// As in `Options`.
    pub(crate) hours_cost: u64,
}

/// Hot rows and the cold files before them: they change together.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) hot: Hot,
    pub(crate) table: Arc<Table>,
    pub(crate) hours: Arc<Table>,
    /// Also what is not committed.
    pub(crate) gone: Arc<Gone>,
}

/// A panic in history ends the process, so a poisoned lock only delays its end.
impl Shared {
    pub(crate) fn new(
        tail: Tail,
        (series, latest): (SeriesTable, LatestTable),
        ([shelf, hours_shelf], hours_cost): ([Arc<Shelf>; 2], u64),
    ) -> Arc<Self> {
        Arc::new(Self {
            tail: Mutex::new(tail),
            series: RwLock::new(series),
            latest: Mutex::new(latest),
            shelf,
            hours_shelf,
            versions: Mutex::default(),
            hours_cost,
            erasures: Mutex::default(),
        })
    }

    pub(crate) fn versions(&self) -> MutexGuard<'_, ()> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As of the last look at the files.
    pub(crate) fn erasures(&self) -> MutexGuard<'_, Vec<Erasing>> {
        self.erasures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folders of one table are those of the other too, as soon as something is written there.
    pub(crate) fn longer(&self) -> Longer {
        let (readings, hours) = {
            let tail = self.tail();
            (Arc::clone(&tail.table), Arc::clone(&tail.hours))
        };
        let mut longer = Longer::default();
        [readings, hours].iter().for_each(|table| table.add_longer(&mut longer));
        longer
    }

    pub(crate) fn series(&self) -> RwLockReadGuard<'_, SeriesTable> {
        self.series.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn series_mut(&self) -> RwLockWriteGuard<'_, SeriesTable> {
        self.series.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn latest(&self) -> MutexGuard<'_, LatestTable> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way to views, for any thread.
#[derive(Clone, Debug)]
pub struct Reader {
    shared: Arc<Shared>,
}

impl Reader {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Everything up to `committed`, and nothing after it.
    #[must_use]
    pub fn view(&self, committed: Committed) -> View {
        let (hot, table, hours, gone) = {
            let mut tail = self.shared.tail();
            let hot = tail.hot.view(committed);
            let gone = tail.gone.up_to(hot.run.position);
            (hot, Arc::clone(&tail.table), Arc::clone(&tail.hours), gone)
        };
        // After the tail's lock: catching up with many rows must not hold up the writer.
        self.shared.latest().apply(&hot);
        View { shared: Arc::clone(&self.shared), hot: Arc::new(hot), table, hours, gone }
    }

    /// The erasures of which something may still be on disk, oldest first.
    #[must_use]
    pub fn erasures(&self) -> Vec<Erasing> {
        let (gone, flushed) = {
            let tail = self.shared.tail();
            (Arc::clone(&tail.gone), tail.table.position)
        };
        let seen = self.shared.erasures();
        let one = |(position, series): (Position, usize)| {
            let looked = seen.binary_search_by_key(&position, |erasing| erasing.position);
            let looked = looked.ok().and_then(|at| seen.get(at)).copied();
            let begun = Erasing { position, series, ..Erasing::default() };
            Erasing { is_flushed: position <= flushed, ..looked.unwrap_or(begun) }
        };
        gone.counts().into_iter().map(one).collect()
    }
}

/// What a scan cannot leave out by the times of files and chunks. Row groups and pages are left out
/// when they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    pub files: usize,
    pub files_all: usize,
    /// Of these files.
    pub bytes: u64,
    pub hot_rows: usize,
}

/// The readings up to one position. Cheap to clone; holds the memory of its hot rows.
#[derive(Clone, Debug)]
pub struct View {
    pub(crate) shared: Arc<Shared>,
    pub(crate) hot: Arc<HotView>,
    pub(crate) table: Arc<Table>,
    pub(crate) hours: Arc<Table>,
    /// Erased series that may have rows.
    gone: Arc<Gone>,
}

impl View {
    /// The last journal position this view shows.
    #[must_use]
    pub fn position(&self) -> Position {
        self.hot.run.position
    }

    /// How many series there are; their ids are the numbers below it.
    #[must_use]
    pub fn series_count(&self) -> usize {
        self.hot.run.series
    }

    /// All series, by id, also those that are erased: they have no last value, and sooner or later
    /// no name.
    #[must_use]
    pub fn series(&self) -> Vec<Series> {
        let table = self.shared.series();
        table.entries().iter().take(self.series_count()).cloned().collect()
    }

    #[must_use]
    pub fn series_by_id(&self, id: SeriesId) -> Option<Series> {
        let table = self.shared.series();
        table.entries().get(id.index()).filter(|entry| self.knows(entry)).cloned()
    }

    /// The units of many series, in their order, under one lock.
    #[must_use]
    pub fn units_of(&self, series: &[SeriesId]) -> Vec<Option<Unit>> {
        let table = self.shared.series();
        series.iter().map(|id| table.entries().get(id.index())?.unit).collect()
    }

    /// The series of one device, by id.
    #[must_use]
    pub fn series_of(&self, device: &str) -> Vec<Series> {
        let table = self.shared.series();
        let of_device = table.of_device(device).iter();
        let entries = of_device.filter_map(|id| table.entries().get(id.index()));
        entries.filter(|entry| self.knows(entry)).cloned().collect()
    }

    /// Calls `each` with every device that has series, in order of name, and their ids.
    pub fn each_device(&self, mut each: impl FnMut(&Arc<str>, &[SeriesId])) {
        let table = self.shared.series();
        let mut known = Vec::new();
        for (device, ids) in table.devices() {
            let entries = ids.iter().filter_map(|id| table.entries().get(id.index()));
            known.clear();
            known.extend(entries.filter(|entry| self.knows(entry)).map(|entry| entry.id));
            if !known.is_empty() {
                each(device, &known);
            }
        }
    }

    fn knows(&self, series: &Series) -> bool {
        series.id.index() < self.series_count() && !series.is_gone(self.position())
    }

    /// The last value of a series. Values live in one place for all views, so it may be one that
    /// was committed after this view was taken, never one that is not committed.
    #[must_use]
    pub fn latest(&self, series: SeriesId) -> Option<Latest> {
        self.shared.latest().of(series).filter(|_| !self.gone.holds(series))
    }

    /// The last values of many series, in their order, under one lock.
    #[must_use]
    pub fn latest_of(&self, series: &[SeriesId]) -> Vec<Option<Latest>> {
        let table = self.shared.latest();
        let shown = |id: &SeriesId| table.of(*id).filter(|_| !self.gone.holds(*id));
        series.iter().map(shown).collect()
    }

    /// The lowest time of all readings, or a lower one.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        let cold = self.table.files.iter().map(|file| file.time_min);
        let oldest = cold.chain(self.hot.chunks.iter().map(|chunk| chunk.time_min)).min();
        oldest.map(Timestamp::from_millis)
    }

    /// What `scan` has before it, as far as it is known without reading.
    #[must_use]
    pub fn outlook(&self, scan: &Scan) -> Outlook {
        let filter = Filter::new(scan, 0);
        let touched = |file: &&Arc<ColdFile>| filter.touches(file.time_min, file.time_max);
        let files = || self.table.files.iter().filter(touched);
        let parts =
            self.hot.parts().filter(|(chunk, _)| filter.touches(chunk.time_min, chunk.time_max));
        Outlook {
            files: files().count(),
            files_all: self.table.files.len(),
            bytes: files().map(|file| file.bytes).sum(),
            hot_rows: parts.map(|(_, rows)| rows.len()).sum(),
        }
    }

    /// The batches that hold what `scan` asks for: each (series, time) once, with its last value.
    ///
    /// # Errors
    /// When a wanted column does not exist.
    pub fn scan(&self, scan: &Scan) -> Result<Readings, ReadFault> {
        let names = self.shared.series_mut().names();
        let output = Output::new(scan.columns.as_deref(), names)?;
        let want = Want {
            filter: self.filter(scan),
            names: scan.series.as_deref().map(|series| self.names_of(series)),
            columns: output.stored(),
        };
        let deal = Deal::new(scan.share);
        let cold = ColdRows::new(Arc::clone(&self.shared.shelf), want, &self.table, deal);
        Ok(Readings::new(output, cold, &self.hot, deal))
    }

    /// Lets nothing pass of series that are erased.
    pub(crate) fn filter(&self, scan: &Scan) -> Filter {
        let count = self.series_count();
        Filter::new(scan, count).without(&self.gone, count)
    }

    /// Signal and device of the series, sorted as files are.
    pub(crate) fn names_of(&self, series: &[SeriesId]) -> Arc<[SeriesName]> {
        let table = self.shared.series();
        let entries = series.iter().filter_map(|id| table.entries().get(id.index()));
        let mut names: Vec<_> =
            entries.map(|entry| (Arc::clone(&entry.signal), Arc::clone(&entry.device))).collect();
        names.sort_unstable();
        names.into()
    }
}
