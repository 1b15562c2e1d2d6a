//! The hours of one day are made, from whatever files of readings it has.
//!
//! Like a merge: on a thread of its own, one batch of each input at a time, one file of output in
//! memory; files first, then the version that names them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::Timestamp;

use crate::arrange::{FileKey, day_name};
use crate::fault::{FlushFault, MergeFault};
use crate::file::{ColdFile, Origin};
use crate::hours::fold::{COLUMNS, Fold};
use crate::kind::Kind;
use crate::merge::ranks::Ranks;
use crate::merge::sink::{Sink, Target};
use crate::merge::weave::Weave;
use crate::part::Effort;
use crate::place::{self, Part, attempt, storage_fault};
use crate::reader::Shared;
use crate::scan::BATCH_ROWS;
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
    pub(crate) day: i32,
    /// Of readings: all that the day has.
    pub(crate) files: Vec<Arc<ColdFile>>,
    /// Of the table of hours that was planned for.
    pub(crate) version: u64,
    /// Ends it early, without a trace.
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) now: Timestamp,
}

impl Job {
    /// `None` when it was stopped, or when the day's files changed meanwhile.
    pub(crate) fn run(&self) -> Result<Option<Made>, MergeFault> {
        attempt(&*self.storage, |begun| self.write(begun), |parts| self.publish(parts))
    }

    /// Writes the files; `None` when it was stopped.
    fn write(&self, begun: &mut Vec<String>) -> Result<Option<Vec<Part>>, MergeFault> {
        let (series, names) = {
            let mut known = self.shared.series_mut();
            (known.entries().to_vec(), known.names())
        };
        let dir = Kind::Hours.day_dir(self.day);
        self.storage.make_dir(&dir).map_err(storage_fault(&dir))?;
        let ranks = Ranks::new(&series);
        let read = |source| MergeFault::Read { day: day_name(self.day), source };
        let from = (&*self.shared.shelf, &ranks);
        let mut weave = Weave::new(from, &self.files, &COLUMNS).map_err(read)?;
        let position = self.files.iter().map(|file| file.position).max().unwrap_or_default();
        let target = self.target(Origin::new(&self.files), (position, 'h'));
        let mut sink = Sink::new(target, (&ranks, &names));
        let mut fold = Fold::default();
        while let Some(piece) = weave.next().map_err(read)? {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            fold.take(&piece.rows);
            if fold.len() > BATCH_ROWS {
                sink.push(fold.drain(false)?, begun)?;
            }
        }
        sink.push(fold.drain(true)?, begun)?;
        let parts = sink.finish(begun)?;
        self.storage.sync_dir(&dir).map_err(storage_fault(&dir))?;
        Ok(Some(parts))
    }

    /// `letter` tells the files of one way to make hours from those of another that may go on at
    /// the same time.
    pub(crate) fn target(&self, origin: Origin, (position, letter): (u64, char)) -> Target<'_> {
        let made = place::Made {
            key: FileKey { day: self.day, late: false },
            position,
            level: 0,
            at: self.now,
            origin: Some(origin),
        };
        Target {
            storage: &*self.storage,
            kind: Kind::Hours,
            made,
            effort: Effort::Thorough,
            stem: format!("part-{position:020}-{letter}{}", self.version),
        }
    }

    /// Makes the files the day's hours, unless a merge or retention changed its readings.
    fn publish(&self, parts: Vec<Part>) -> Result<Option<Made>, FlushFault> {
        let _one_at_a_time = self.shared.versions();
        let (readings, before) = {
            let tail = self.shared.tail();
            (Arc::clone(&tail.table), Arc::clone(&tail.hours))
        };
        if readings.of_day(self.day) != self.files.as_slice() {
            return Ok(None);
        }
        let summarised = made(self.day, &parts);
        let gone = before.of_day(self.day).to_vec();
        let after = before.replace_day(&*self.storage, (self.day, parts), self.now)?;
        self.shared.tail().hours = Arc::new(after);
        Ok(Some(Made { summarised, gone }))
    }
}

pub(crate) fn made(day: i32, parts: &[Part]) -> Summarised {
    Summarised {
        day: day_name(day),
        rows: parts.iter().map(|part| part.rows).sum(),
        files: parts.len() as u64,
        bytes: parts.iter().map(|part| part.file.bytes).sum(),
    }
}
