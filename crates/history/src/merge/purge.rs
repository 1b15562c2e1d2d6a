//! Rows of erased series leave the disk: files that hold some are written again without them, one
//! at a time, also those of days that are closed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::Position;

use crate::arrange::day_name;
use crate::fault::MergeFault;
use crate::file::ColdFile;
use crate::merge::plan::Plan;
use crate::merge::{Done, Job};

/// Files that were looked at and hold no row of what was erased up to a position. At most one entry
/// for each file of the table.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    clean: BTreeMap<Box<str>, Position>,
}

impl Looked {
    pub(crate) fn note(&mut self, files: Vec<Arc<ColdFile>>, clean: Position) {
        self.clean.extend(files.into_iter().map(|file| (file.path.clone(), clean)));
    }

    /// No row of what was erased up to here is in `file`.
    pub(crate) fn clean(&self, file: &ColdFile) -> Position {
        let looked = self.clean.get(&file.path).copied().unwrap_or_default();
        looked.max(Position::new(file.clean))
    }

    /// Forgets files that left the table, so that the list does not grow.
    pub(crate) fn keep(&mut self, files: &[Arc<ColdFile>]) {
        if self.clean.len() > files.len() {
            let paths: BTreeSet<&str> = files.iter().map(|file| &*file.path).collect();
            self.clean.retain(|path, _| paths.contains(&**path));
        }
    }

    pub(crate) fn forget_all(&mut self) {
        self.clean.clear();
    }
}

/// The work of one round.
#[derive(Debug)]
pub(crate) struct Purge {
    /// What may hold rows, in the order of the table.
    pub(crate) files: Vec<Arc<ColdFile>>,
    /// Without a plan so far: it gets that of the first file that holds some.
    pub(crate) job: Job,
}

impl Purge {
    pub(crate) fn new(files: Vec<Arc<ColdFile>>, job: Job) -> Self {
        Self { files, job }
    }

    /// Looks at files until one holds such rows, and writes that one again.
    pub(crate) fn run(mut self) -> Done {
        let mut done = Done { clean: self.job.clean, ..Done::default() };
        for file in std::mem::take(&mut self.files) {
            done.day = Some(file.key.day);
            if self.job.stop.load(Ordering::Relaxed) {
                break;
            }
            match self.job.drops.touch(&self.job.shared.shelf, &file) {
                Ok(false) => done.looked.push(file),
                Ok(true) => {
                    self.job.plan = plan_of(file);
                    return Done { looked: done.looked, ..self.job.done() };
                }
                Err(source) => {
                    let day = day_name(file.key.day);
                    return Done { outcome: Err(MergeFault::Read { day, source }), ..done };
                }
            }
        }
        done
    }
}

/// Stays where it is in its folder.
fn plan_of(file: Arc<ColdFile>) -> Plan {
    Plan { day: file.key.day, level: file.level, from_start: false, files: vec![file] }
}
