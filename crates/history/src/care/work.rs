//! What can be done for the files: a merge, or the making of a day's hours.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::fault::MergeFault;
use crate::file::ColdFile;
use crate::hours::{self, Summarised};
use crate::merge::{self, Merged};

/// What was done for the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tended {
    Merged(Merged),
    /// With how long it took, to the second in which it was noticed.
    Summarised(Summarised, Duration),
}

/// One at a time, on a thread of its own.
#[derive(Debug)]
pub(crate) enum Job {
    Merge(merge::Job),
    Hours(hours::Job),
}

/// What a job did, and the files that left a table by it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) tended: Tended,
    pub(crate) gone: Vec<Arc<ColdFile>>,
}

impl Job {
    pub(crate) const fn day(&self) -> i32 {
        match self {
            Self::Merge(job) => job.plan.day,
            Self::Hours(job) => job.day,
        }
    }

    pub(crate) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(match self {
            Self::Merge(job) => &job.stop,
            Self::Hours(job) => &job.stop,
        })
    }

    pub(crate) fn run(self) -> Result<Option<Done>, MergeFault> {
        Ok(match self {
            Self::Merge(job) => job
                .run()?
                .map(|merged| Done { tended: Tended::Merged(merged), gone: job.plan.files }),
            Self::Hours(job) => job.run()?.map(|made| Done {
                tended: Tended::Summarised(made.summarised, Duration::ZERO),
                gone: made.gone,
            }),
        })
    }
}

pub(crate) fn timed(tended: Option<Tended>, took: Duration) -> Option<Tended> {
    match tended {
        Some(Tended::Summarised(made, _)) => Some(Tended::Summarised(made, took)),
        other => other,
    }
}
