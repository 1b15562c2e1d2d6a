//! What can be done for the files, one thing at a time, and what came of it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use model::Position;

use crate::fault::MergeFault;
use crate::file::{ColdFile, Origin};
use crate::folder::Folder;
use crate::hours::{self, Summarised};
use crate::merge::expire::{Expire, Expiry};
use crate::merge::purge::Purge;
use crate::merge::{self, Merged};

/// What was done for the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tended {
    Merged(Merged),
    /// With how long it took, to the second in which it was noticed.
    Summarised(Summarised, Duration),
}

/// What a thread does.
#[derive(Debug)]
pub(crate) enum Work {
    Merge(merge::Job),
    Purge(Purge),
    Expire(Expire),
    Hours(hours::Job),
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Done {
    /// Files without a row of what was erased up to `clean`.
    pub(crate) looked: Vec<Arc<ColdFile>>,
    pub(crate) clean: Position,
    /// The folder worked on last.
    pub(crate) folder: Option<Folder>,
    /// What was to be replaced.
    pub(crate) files: Vec<Arc<ColdFile>>,
    /// Of readings that no hours came of.
    pub(crate) hourless: Option<Origin>,
    /// What files held when somebody looked for what is too old.
    pub(crate) expiry: Option<Expiry>,
    /// `None` when nothing was.
    pub(crate) outcome: Result<Option<Tended>, MergeFault>,
}

impl Default for Done {
    fn default() -> Self {
        let (looked, files) = (Vec::new(), Vec::new());
        let (clean, folder, hourless, expiry) = (Position::ZERO, None, None, None);
        Self { looked, clean, folder, files, hourless, expiry, outcome: Ok(None) }
    }
}

impl Work {
    pub(crate) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(match self {
            Self::Merge(job)
            | Self::Purge(Purge { job, .. })
            | Self::Expire(Expire { job, .. }) => &job.stop,
            Self::Hours(job) => &job.stop,
        })
    }

    pub(crate) fn run(self) -> Done {
        match self {
            Self::Merge(job) => job.done(),
            Self::Purge(purge) => purge.run(),
            Self::Expire(expire) => expire.run(),
            Self::Hours(job) => job.done(),
        }
    }
}

pub(crate) fn timed(tended: Option<Tended>, took: Duration) -> Option<Tended> {
    match tended {
        Some(Tended::Summarised(made, _)) => Some(Tended::Summarised(made, took)),
        other => other,
    }
}
