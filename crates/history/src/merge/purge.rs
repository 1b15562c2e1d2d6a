//! Rows of erased series leave the disk: files that hold some, readings or hours, are written again
//! without them, one at a time, also those of days that are closed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::Position;

use crate::care::work::Done;
use crate::fault::MergeFault;
use crate::file::ColdFile;
use crate::folder::Folder;
use crate::hours;
use crate::kind::Kind;
use crate::merge::Job;
use crate::merge::plan::Plan;

/// Files that were looked at and hold no row of what was erased up to a position. At most one entry
/// for each file of the tables, whose names are never the same.
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

    /// Forgets files that left their table, so that the list does not grow.
    pub(crate) fn keep(&mut self, files: &[&Arc<ColdFile>]) {
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
    /// What may hold rows.
    pub(crate) files: Vec<Arc<ColdFile>>,
    /// Without a plan so far: it gets that of the first file that holds some.
    pub(crate) job: Job,
}

impl Purge {
    /// Looks at files until one holds such rows, and writes that one again.
    pub(crate) fn run(mut self) -> Done {
        let mut done = Done { clean: self.job.clean, ..Done::default() };
        for file in std::mem::take(&mut self.files) {
            done.folder = Some(file.key.folder);
            if self.job.stop.load(Ordering::Relaxed) {
                break;
            }
            let shared = &self.job.shared;
            let shelf = match file.kind() {
                Kind::Readings => &shared.shelf,
                Kind::Hours => &shared.hours_shelf,
            };
            match self.job.drops.touch(shelf, &file) {
                Ok(false) => done.looked.push(file),
                Ok(true) => return Done { looked: done.looked, ..self.again(file) },
                Err(source) => {
                    let day = file.key.folder.name();
                    return Done { outcome: Err(MergeFault::Read { day, source }), ..done };
                }
            }
        }
        done
    }

    fn again(mut self, file: Arc<ColdFile>) -> Done {
        match file.kind() {
            Kind::Readings => {
                self.job.plan = plan_of(file);
                self.job.done()
            }
            Kind::Hours => of_hours(self.job, file.key.folder).done_again(),
        }
    }
}

fn of_hours(job: Job, folder: Folder) -> hours::Job {
    let version = job.shared.tail().hours.version;
    let Job { shared, storage, drops, clean, stop, now, .. } = job;
    hours::Job { shared, storage, folder, files: Vec::new(), version, drops, clean, stop, now }
}

/// Stays where it is in its folder.
fn plan_of(file: Arc<ColdFile>) -> Plan {
    Plan { folder: file.key.folder, level: file.level, from_start: false, files: vec![file] }
}
