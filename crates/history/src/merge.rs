//! Files of one folder become fewer: sorted, each (series, time) once, the table none the wiser.
//!
//! Runs beside ingest and queries, on a thread of its own. What is read of each input is one batch
//! and one row group's bytes, what is written is one file at a time: memory does not grow with the
//! folder. The order of a merge is that of a flush: files, then the version that names them.

pub(crate) mod drops;
pub(crate) mod expire;
pub(crate) mod longer;
pub(crate) mod plan;
pub(crate) mod purge;
pub(crate) mod ranks;
pub(crate) mod sink;
pub(crate) mod weave;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::{Position, Timestamp};

use crate::arrange::FileKey;
use crate::care::work::{Done, Tended};
use crate::fault::{FlushFault, MergeFault};
use crate::file::ColdFile;
use crate::kind::Kind;
use crate::merge::drops::Drops;
use crate::merge::plan::{CLOSED, Plan};
use crate::merge::ranks::Ranks;
use crate::merge::sink::{Sink, Target};
use crate::merge::weave::{COLUMNS, Weave};
use crate::part::Effort;
use crate::place::{Made, Part, attempt, storage_fault};
use crate::reader::Shared;
use crate::storage::Storage;

/// A merge that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The first day of the folder, `2026-11-25`, and how many it has now.
    pub day: String,
    pub days: i32,
    pub files_before: u64,
    pub bytes_before: u64,
    pub files: u64,
    pub bytes: u64,
    pub rows: u64,
    /// Rows that were left out: of erased series, and older than is kept.
    pub dropped: u64,
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
    pub(crate) fn done(self) -> Done {
        let outcome = self.run().map(|merged| merged.map(Tended::Merged));
        let (clean, folder) = (self.clean, Some(self.plan.folder));
        Done { clean, folder, files: self.plan.files, outcome, ..Done::default() }
    }

    /// `None` when it was stopped, or when a file left the table meanwhile.
    fn run(&self) -> Result<Option<Merged>, MergeFault> {
        let publish = |(parts, dropped)| self.publish(parts, dropped);
        attempt(&*self.storage, |begun| self.write(begun), publish)
    }

    /// Writes the files, and says how many rows were left out; `None` when it was stopped.
    fn write(&self, begun: &mut Vec<String>) -> Result<Option<(Vec<Part>, u64)>, MergeFault> {
        let (series, names) = {
            let mut known = self.shared.series_mut();
            (known.entries().to_vec(), known.names())
        };
        let ranks = Ranks::new(&series);
        let read = |source| MergeFault::Read { day: self.plan.folder.name(), source };
        let from = (&*self.shared.shelf, &ranks);
        let filter = self.drops.filter(series.len());
        let dir = Kind::Readings.dir_of(self.plan.folder);
        // The first day of a week may have had no readings, and what moved to a store leaves no folder.
        self.storage.make_dir(&dir).map_err(storage_fault(&dir))?;
        let mut weave = Weave::new(from, &self.plan.files, (filter, &COLUMNS)).map_err(read)?;
        let mut sinks = [false, true].map(|late| Sink::new(self.target(late), (&ranks, &names)));
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
        self.storage.sync_dir(&dir).map_err(storage_fault(&dir))?;
        Ok(Some((parts, weave.dropped)))
    }

    fn target(&self, late: bool) -> Target<'_> {
        let Self { plan, version, now, .. } = self;
        let position = plan.files.iter().map(|file| file.position).max().unwrap_or_default();
        let key = FileKey { folder: plan.folder, late };
        let (clean, level) = (self.clean.get(), plan.level);
        let suffix = if late { "-late" } else { "" };
        Target {
            storage: &*self.storage,
            kind: Kind::Readings,
            made: Made { key, position, clean, level, at: *now, origin: None },
            effort: if level == CLOSED { Effort::Thorough } else { Effort::Quick },
            stem: format!("part-{position:020}-m{version}{suffix}"),
        }
    }

    /// Makes the files part of the table, unless retention took what they come from, or days that
    /// are to become one folder got something meanwhile.
    fn publish(&self, parts: Vec<Part>, dropped: u64) -> Result<Option<Merged>, FlushFault> {
        let _one_at_a_time = self.shared.versions();
        let before = Arc::clone(&self.shared.tail().table);
        let is_there = |file| before.files.contains(file);
        let is_all = || before.over(self.plan.folder) == self.plan.files.as_slice();
        if !self.plan.files.iter().all(is_there) || (self.plan.joins_folders() && !is_all()) {
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
            day: self.plan.folder.name(),
            days: self.plan.folder.days,
            files_before: self.plan.files.len() as u64,
            bytes_before: self.plan.files.iter().map(bytes).sum(),
            files: parts.len() as u64,
            bytes: parts.iter().map(|part| part.file.bytes).sum(),
            rows: parts.iter().map(|part| part.rows).sum(),
            dropped,
        }
    }
}
