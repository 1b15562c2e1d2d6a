//! Readers take views; a view never changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use model::{Committed, Position, Timestamp};

use crate::cold::{SeriesName, Shelf, Want};
use crate::cold_rows::ColdRows;
use crate::fault::ReadFault;
use crate::file::ColdFile;
use crate::hot::{Hot, HotView};
use crate::latest::{Latest, LatestTable};
use crate::scan::{Filter, Output, Readings, Scan};
use crate::series::{Series, SeriesId, SeriesTable};
use crate::table::Table;

/// What the writer and all readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    tail: Mutex<Tail>,
    series: RwLock<SeriesTable>,
    latest: Mutex<LatestTable>,
    pub(crate) shelf: Arc<Shelf>,
    /// Held by whoever adds a version to the table: flush, merge and retention have threads of
    /// their own.
    versions: Mutex<()>,
}

/// Hot rows and the cold files before them: they change together.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) hot: Hot,
    pub(crate) table: Arc<Table>,
}

/// A panic in history ends the process, so a poisoned lock only delays its end.
impl Shared {
    pub(crate) fn new(
        tail: Tail,
        (series, latest): (SeriesTable, LatestTable),
        shelf: Arc<Shelf>,
    ) -> Arc<Self> {
        Arc::new(Self {
            tail: Mutex::new(tail),
            series: RwLock::new(series),
            latest: Mutex::new(latest),
            shelf,
            versions: Mutex::default(),
        })
    }

    pub(crate) fn versions(&self) -> MutexGuard<'_, ()> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (hot, table) = {
            let mut tail = self.shared.tail();
            (tail.hot.view(committed), Arc::clone(&tail.table))
        };
        // After the tail's lock: catching up with many rows must not hold up the writer.
        self.shared.latest().apply(&hot);
        View { shared: Arc::clone(&self.shared), hot: Arc::new(hot), table }
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
    shared: Arc<Shared>,
    hot: Arc<HotView>,
    table: Arc<Table>,
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

    /// All series, by id.
    #[must_use]
    pub fn series(&self) -> Vec<Series> {
        let table = self.shared.series();
        table.entries().iter().take(self.series_count()).cloned().collect()
    }

    #[must_use]
    pub fn series_by_id(&self, id: SeriesId) -> Option<Series> {
        self.shared.series().entries().get(id.index()).filter(|_| self.knows(id)).cloned()
    }

    /// The series of one device, by id.
    #[must_use]
    pub fn series_of(&self, device: &str) -> Vec<Series> {
        let table = self.shared.series();
        let ids = table.of_device(device).iter().filter(|id| self.knows(**id));
        ids.filter_map(|id| table.entries().get(id.index()).cloned()).collect()
    }

    /// Calls `each` with every device that has series, in order of name, and their ids.
    pub fn each_device(&self, mut each: impl FnMut(&Arc<str>, &[SeriesId])) {
        let table = self.shared.series();
        for (device, ids) in table.devices() {
            let known = ids.partition_point(|id| self.knows(*id));
            if let Some(ids) = ids.get(..known).filter(|ids| !ids.is_empty()) {
                each(device, ids);
            }
        }
    }

    fn knows(&self, id: SeriesId) -> bool {
        id.index() < self.series_count()
    }

    /// The last value of a series. Values live in one place for all views, so it may be one that
    /// was committed after this view was taken, never one that is not committed.
    #[must_use]
    pub fn latest(&self, series: SeriesId) -> Option<Latest> {
        self.shared.latest().of(series)
    }

    /// The last values of many series, in their order, under one lock.
    #[must_use]
    pub fn latest_of(&self, series: &[SeriesId]) -> Vec<Option<Latest>> {
        let table = self.shared.latest();
        series.iter().map(|id| table.of(*id)).collect()
    }

    /// The lowest time of all rows.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        let cold = self.table.files.iter().map(|file| file.time_min);
        let all = cold.chain(self.hot.chunks.iter().map(|chunk| chunk.time_min));
        all.min().map(Timestamp::from_millis)
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
            filter: Filter::new(scan, self.series_count()),
            names: scan.series.as_deref().map(|series| self.names_of(series)),
            columns: output.stored(),
        };
        let cold = ColdRows::new(Arc::clone(&self.shared.shelf), want, &self.table);
        Ok(Readings::new(output, cold, &self.hot))
    }

    /// Signal and device of the series, sorted as files are.
    fn names_of(&self, series: &[SeriesId]) -> Arc<[SeriesName]> {
        let table = self.shared.series();
        let entries = series.iter().filter_map(|id| table.entries().get(id.index()));
        let mut names: Vec<_> =
            entries.map(|entry| (Arc::clone(&entry.signal), Arc::clone(&entry.device))).collect();
        names.sort_unstable();
        names.into()
    }
}
