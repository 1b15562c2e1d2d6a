//! The hours of one day are made, from whatever files of readings it has.
//!
//! Like a merge: on a thread of its own, one batch of each input at a time, one file of output in
//! memory; files first, then the version that names them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow::array::RecordBatch;
use model::{Position, Timestamp};

use crate::arrange::FileKey;
use crate::care::work::{Done, Tended};
use crate::fault::{FlushFault, MergeFault};
use crate::file::{ColdFile, Origin};
use crate::folder::Folder;
use crate::hours::carry::Carried;
use crate::hours::fold::{COLUMNS, Fold};
use crate::kind::Kind;
use crate::merge::drops::Drops;
use crate::merge::ranks::Ranks;
use crate::merge::sink::{Sink, Target};
use crate::merge::weave::Weave;
use crate::part::{Effort, stored};
use crate::place::{self, Part, attempt, storage_fault};
use crate::reader::Shared;
use crate::scan::{BATCH_ROWS, Filter};
use crate::series::Names;
use crate::storage::Storage;

/// The hours of a day that are durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summarised {
    /// The folder: `2026-11-25`.
    pub day: String,
    /// Hours of series.
    pub rows: u64,
    pub files: u64,
    pub bytes: u64,
}

/// What a job did, and the files it replaced.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) summarised: Summarised,
    pub(crate) gone: Vec<Arc<ColdFile>>,
}

/// All that making the hours needs, so that it can run on a thread of its own.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) shared: Arc<Shared>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) folder: Folder,
    /// Of readings: all that the folder has.
    pub(crate) files: Vec<Arc<ColdFile>>,
    /// Of the table of hours that was planned for.
    pub(crate) version: u64,
    /// Series that have no hours: those that were erased up to `clean`.
    pub(crate) drops: Drops,
    pub(crate) clean: Position,
    /// Ends it early, without a trace.
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) now: Timestamp,
}

impl Job {
    pub(crate) fn done(self) -> Done {
        let outcome = self.run();
        self.as_done(outcome)
    }

    pub(crate) fn as_done(&self, outcome: Result<Option<Made>, MergeFault>) -> Done {
        let (clean, folder) = (self.clean, Some(self.folder));
        let (mut files, mut hourless) = (Vec::new(), None);
        let outcome = outcome.map(|made| {
            let Made { summarised, gone } = made?;
            let is_empty = summarised.rows == 0 && !self.files.is_empty();
            hourless = is_empty.then(|| Origin::new(&self.files));
            files = gone;
            Some(Tended::Summarised(summarised, Duration::ZERO))
        });
        Done { clean, folder, files, hourless, outcome, ..Done::default() }
    }

    /// `None` when it was stopped, or when the day's files changed meanwhile.
    fn run(&self) -> Result<Option<Made>, MergeFault> {
        attempt(&*self.storage, |begun| self.write(begun), |parts| self.publish(parts))
    }

    /// Writes the files; `None` when it was stopped.
    fn write(&self, begun: &mut Vec<String>) -> Result<Option<Vec<Part>>, MergeFault> {
        let (series, names) = {
            let mut known = self.shared.series_mut();
            (known.entries().to_vec(), known.names())
        };
        let dir = Kind::Hours.dir_of(self.folder);
        self.storage.make_dir(&dir).map_err(storage_fault(&dir))?;
        let ranks = Ranks::new(&series);
        let read = |source| MergeFault::Read { day: self.folder.name(), source };
        let from = (&*self.shared.shelf, &ranks);
        let filter = self.drops.filter(series.len());
        let mut weave = Weave::new(from, &self.files, (filter.clone(), &COLUMNS)).map_err(read)?;
        let mut carried = self.carried(&ranks, filter);
        let mut sinks =
            Sinks::new((self, 'h'), (&self.files, Origin::new(&self.files)), (&ranks, &names));
        let mut fold = Fold::default();
        let mut put = |rows: RecordBatch, all| {
            carried.beside((&rows, all), |rows| sinks.carried.push(rows, begun))?;
            sinks.made.push(rows, begun)
        };
        while let Some(piece) = weave.next().map_err(read)? {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            fold.take(&piece.rows);
            if fold.len() > BATCH_ROWS {
                put(fold.drain(false)?, false)?;
            }
        }
        put(fold.drain(true)?, true)?;
        let parts = sinks.finish(begun)?;
        self.storage.sync_dir(&dir).map_err(storage_fault(&dir))?;
        Ok(Some(parts))
    }

    /// What the day's hours say so far.
    fn carried<'a>(&'a self, ranks: &'a Ranks, filter: Filter) -> Carried<'a> {
        let columns: Vec<usize> = (stored::SERIES..Kind::Hours.stored().fields().len()).collect();
        let hours = Arc::clone(&self.shared.tail().hours);
        let from = (&*self.shared.hours_shelf, ranks);
        Carried::new(ranks, Weave::new(from, hours.over(self.folder), (filter, &columns)))
    }

    /// `letter` tells the files of one way to make hours from those of another.
    pub(crate) fn target(
        &self,
        (from, letter): (&[Arc<ColdFile>], char),
        origin: Origin,
    ) -> Target<'_> {
        let position = from.iter().map(|file| file.position).max().unwrap_or_default();
        let suffix = if origin.carried { "-carried" } else { "" };
        let made = place::Made {
            key: FileKey { folder: self.folder, late: false },
            position,
            clean: self.clean.get(),
            level: 0,
            at: self.now,
            origin: Some(origin),
        };
        Target {
            storage: &*self.storage,
            kind: Kind::Hours,
            made,
            effort: Effort::Thorough,
            stem: format!("part-{position:020}-{letter}{}{suffix}", self.version),
        }
    }

    /// Makes the files the day's hours, unless a merge or retention changed its readings.
    fn publish(&self, parts: Vec<Part>) -> Result<Option<Made>, FlushFault> {
        let _one_at_a_time = self.shared.versions();
        let (readings, before) = {
            let tail = self.shared.tail();
            (Arc::clone(&tail.table), Arc::clone(&tail.hours))
        };
        if readings.over(self.folder) != self.files.as_slice() {
            return Ok(None);
        }
        let summarised = summarised(self.folder, &parts);
        let gone = before.over(self.folder).to_vec();
        let after = before.replace(&*self.storage, (self.folder, parts), self.now)?;
        self.shared.tail().hours = Arc::new(after);
        Ok(Some(Made { summarised, gone }))
    }
}

/// Where the hours of a day go: those that were made of its readings, and those of readings that
/// have left.
pub(crate) struct Sinks<'a> {
    pub(crate) made: Sink<'a>,
    pub(crate) carried: Sink<'a>,
}

impl<'a> Sinks<'a> {
    /// `letter` and `from` as in `target`.
    pub(crate) fn new(
        (job, letter): (&'a Job, char),
        (from, origin): (&[Arc<ColdFile>], Origin),
        known: (&'a Ranks, &'a Names),
    ) -> Self {
        let sink = |carried| {
            let origin = Origin { carried, ..origin.clone() };
            Sink::new(job.target((from, letter), origin), known)
        };
        Self { made: sink(false), carried: sink(true) }
    }

    pub(crate) fn finish(self, begun: &mut Vec<String>) -> Result<Vec<Part>, MergeFault> {
        let mut parts = self.made.finish(begun)?;
        parts.extend(self.carried.finish(begun)?);
        Ok(parts)
    }
}

pub(crate) fn summarised(folder: Folder, parts: &[Part]) -> Summarised {
    Summarised {
        day: folder.name(),
        rows: parts.iter().map(|part| part.rows).sum(),
        files: parts.len() as u64,
        bytes: parts.iter().map(|part| part.file.bytes).sum(),
    }
}
