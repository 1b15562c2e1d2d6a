//! Files of one folder become fewer: sorted, each (series, time) once, the table none the wiser.
//!
//! Runs beside ingest and queries, on a thread of its own. What is read of each input is one batch
//! and one row group's bytes, what is written is one file at a time: memory does not grow with the
//! folder. The order of a merge is that of a flush: files, then the version that names them.

pub(crate) mod drops;
pub(crate) mod expire;
pub(crate) mod plan;
pub(crate) mod purge;
mod ranks;
mod sink;
mod weave;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::{Position, Timestamp};

use crate::arrange::day_name;
use crate::fault::{FlushFault, MergeFault};
use crate::file::ColdFile;
use crate::merge::drops::Drops;
use crate::merge::expire::{Expire, Expiry};
use crate::merge::plan::Plan;
use crate::merge::purge::Purge;
use crate::merge::ranks::Ranks;
use crate::merge::sink::Sink;
use crate::merge::weave::Weave;
use crate::place::{Part, clean_up, storage_fault};
use crate::reader::Shared;
use crate::storage::Storage;
use crate::table::day_dir;

/// A merge that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The folder: `2026-11-25`.
    pub day: String,
    pub files_before: u64,
    pub bytes_before: u64,
    pub files: u64,
    pub bytes: u64,
    pub rows: u64,
    /// Rows that were left out: of erased series, and older than is kept.
    pub dropped: u64,
}

/// What a thread of this kind does.
#[derive(Debug)]
pub(crate) enum Work {
    Merge(Job),
    Purge(Purge),
    Expire(Expire),
}

impl Work {
    pub(crate) fn run(self) -> Done {
        match self {
            Self::Merge(job) => job.done(),
            Self::Purge(purge) => purge.run(),
            Self::Expire(expire) => expire.run(),
        }
    }

    pub(crate) fn stop(&self) -> Arc<AtomicBool> {
        match self {
            Self::Merge(job)
            | Self::Purge(Purge { job, .. })
            | Self::Expire(Expire { job, .. }) => Arc::clone(&job.stop),
        }
    }

    pub(crate) const fn is_purge(&self) -> bool {
        matches!(self, Self::Purge(_))
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Done {
    /// Files without a row of what was erased up to `clean`.
    pub(crate) looked: Vec<Arc<ColdFile>>,
    pub(crate) clean: Position,
    /// The folder worked on last.
    pub(crate) day: Option<i32>,
    /// What was to be replaced.
    pub(crate) files: Vec<Arc<ColdFile>>,
    /// What files held when somebody looked for what is too old.
    pub(crate) expiry: Option<Expiry>,
    /// `None` when nothing was.
    pub(crate) outcome: Result<Option<Merged>, MergeFault>,
}

impl Default for Done {
    fn default() -> Self {
        let (looked, files) = (Vec::new(), Vec::new());
        Self { looked, clean: Position::ZERO, day: None, files, expiry: None, outcome: Ok(None) }
    }
}

/// All that a merge needs, so that it can run on a thread of its own.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) shared: Arc<Shared>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) plan: Plan,
    /// Of the table that was planned for.
    pub(crate) version: u64,
    /// Series whose rows are left out: those that were erased up to `clean`, and what that day need
    /// not keep.
    pub(crate) drops: Drops,
    pub(crate) clean: Position,
    /// Ends the merge early, without a trace.
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) now: Timestamp,
}

impl Job {
    fn done(self) -> Done {
        let outcome = self.run();
        let (clean, day) = (self.clean, Some(self.plan.day));
        Done { clean, day, files: self.plan.files, outcome, ..Done::default() }
    }

    /// `None` when it was stopped, or when a file left the table meanwhile.
    fn run(&self) -> Result<Option<Merged>, MergeFault> {
        let mut begun = Vec::new();
        let outcome = self.write(&mut begun).and_then(|parts| match parts {
            Some((parts, dropped)) => Ok(self.publish(parts, dropped)?),
            None => Ok(None),
        });
        let in_doubt = matches!(&outcome, Err(MergeFault::Write(fault)) if fault.is_final());
        if !in_doubt && !matches!(outcome, Ok(Some(_))) {
            clean_up(&*self.storage, &begun);
        }
        outcome
    }

    /// Writes the files, and says how many rows were left out; `None` when it was stopped.
    fn write(&self, begun: &mut Vec<String>) -> Result<Option<(Vec<Part>, u64)>, MergeFault> {
        let (series, names) = {
            let mut known = self.shared.series_mut();
            (known.entries().to_vec(), known.names())
        };
        let ranks = Ranks::new(&series);
        let read = |source| MergeFault::Read { day: day_name(self.plan.day), source };
        let from = (&*self.shared.shelf, &ranks);
        let filter = self.drops.filter(series.len());
        let mut weave = Weave::new(from, &self.plan.files, filter).map_err(read)?;
        let mut sinks = [false, true].map(|late| Sink::new(self, (&ranks, &names), late));
        while let Some(piece) = weave.next().map_err(read)? {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let late = piece.late && !self.plan.from_start;
            let [on_time, later] = &mut sinks;
            let sink = if late { later } else { on_time };
            sink.push(piece.rows, begun)?;
        }
        let mut parts = Vec::new();
        for sink in sinks {
            parts.extend(sink.finish(begun)?);
        }
        let dir = day_dir(self.plan.day);
        self.storage.sync_dir(&dir).map_err(storage_fault(&dir))?;
        Ok(Some((parts, weave.dropped)))
    }

    /// Makes the files part of the table, unless retention took what they come from.
    fn publish(&self, parts: Vec<Part>, dropped: u64) -> Result<Option<Merged>, FlushFault> {
        let _one_at_a_time = self.shared.versions();
        let before = Arc::clone(&self.shared.tail().table);
        if !self.plan.files.iter().all(|file| before.files.contains(file)) {
            return Ok(None);
        }
        let merged = self.merged(&parts, dropped);
        let change = (&*self.plan.files, parts, dropped > 0);
        let after = before.merge(&*self.storage, change, self.now)?;
        self.shared.tail().table = Arc::new(after);
        Ok(Some(merged))
    }

    fn merged(&self, parts: &[Part], dropped: u64) -> Merged {
        let bytes = |file: &Arc<ColdFile>| file.bytes;
        Merged {
            day: day_name(self.plan.day),
            files_before: self.plan.files.len() as u64,
            bytes_before: self.plan.files.iter().map(bytes).sum(),
            files: parts.len() as u64,
            bytes: parts.iter().map(|part| part.file.bytes).sum(),
            rows: parts.iter().map(|part| part.rows).sum(),
            dropped,
        }
    }
}
