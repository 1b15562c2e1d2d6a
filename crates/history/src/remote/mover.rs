//! When days move: on a thread of its own, so that a store that is slow or away delays nobody.

use std::error::Error;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use model::{Event, Gauge, Timestamp};

use super::job::{Job, Step};
use super::store::Store;
use super::{MoveFault, RemoteOptions};
use crate::care::give_way;
use crate::fault::FlushFault;
use crate::file::Home;
use crate::reader::Shared;
use crate::storage::Storage;

/// Between two looks for days to move.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// After a fault: the first pause, and the longest of those that double.
const PAUSE: Duration = Duration::from_secs(30);
const PAUSE_MAX: Duration = Duration::from_secs(30 * 60);

#[derive(Debug)]
pub(crate) struct Mover {
    job: Arc<Job>,
    thread: Option<JoinHandle<Result<Step, MoveFault>>>,
    next_look: Timestamp,
    pause: Duration,
    /// Files and bytes in the store, as last told.
    told: (u64, u64),
    /// The version of the table that was counted.
    told_version: Option<u64>,
}

impl Mover {
    pub(crate) fn new(
        (shared, storage, store): (Arc<Shared>, Arc<dyn Storage>, Arc<Store>),
        options: &RemoteOptions,
        linger: Duration,
    ) -> Self {
        let job = Job::new((shared, storage, store), options, linger);
        let (next_look, told) = (Timestamp::from_millis(0), (0, 0));
        Self { job: Arc::new(job), thread: None, next_look, pause: PAUSE, told, told_version: None }
    }

    /// Never waits: tells of a step that ended, and begins one that is due.
    pub(crate) fn tend(&mut self, now: Timestamp) -> Result<Step, FlushFault> {
        self.tell();
        let step = match self.thread.take_if(|thread| thread.is_finished()) {
            None => Step::default(),
            Some(thread) => {
                let outcome =
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                self.ended(outcome, now)?
            }
        };
        // Also when the clock was set back.
        let waits = now < self.next_look && self.next_look <= now.saturating_add(PAUSE_MAX);
        if self.thread.is_none() && !waits {
            self.next_look = now.saturating_add(LOOK_EVERY);
            self.begin(now);
        }
        Ok(step)
    }

    /// A day may have been closed. After a fault its pause goes on.
    pub(crate) fn look_soon(&mut self, now: Timestamp) {
        if self.pause == PAUSE {
            self.next_look = now;
        }
    }

    /// A step on this thread.
    pub(crate) fn step(&self, now: Timestamp) -> Result<Step, MoveFault> {
        self.job.run(now)
    }

    fn begin(&mut self, now: Timestamp) {
        let job = Arc::clone(&self.job);
        let builder = std::thread::Builder::new().name("history-remote".to_owned());
        let body = move || {
            give_way();
            job.run(now)
        };
        match builder.spawn(body) {
            Ok(thread) => self.thread = Some(thread),
            Err(fault) => tracing::warn!(%fault, "no thread can be started for moving old days"),
        }
    }

    fn ended(
        &mut self,
        outcome: Result<Step, MoveFault>,
        now: Timestamp,
    ) -> Result<Step, FlushFault> {
        match outcome {
            Ok(step) => {
                self.pause = PAUSE;
                if step.moved.is_some() {
                    self.next_look = now;
                }
                Ok(step)
            }
            Err(MoveFault::Write(fault)) if fault.is_final() => Err(fault),
            Err(fault) => {
                self.job.meter().count(Event::RemoteMoveFailed);
                let (fault, pause) = (&fault as &dyn Error, self.pause);
                tracing::warn!(fault, ?pause, "old days stay here; their move is tried again");
                self.next_look = now.saturating_add(self.pause);
                self.pause = self.pause.saturating_mul(2).min(PAUSE_MAX);
                Ok(Step::default())
            }
        }
    }

    /// How much lies in the store.
    fn tell(&mut self) {
        let table = self.job.table();
        if self.told_version.replace(table.version) == Some(table.version) {
            return;
        }
        let there = table.files.iter().filter(|file| file.home == Home::Store);
        let now = there.fold((0, 0), |(files, bytes), file| (files + 1, bytes + file.bytes));
        let (meter, before) = (self.job.meter(), std::mem::replace(&mut self.told, now));
        meter.moved(Gauge::RemoteFiles, before.0, now.0);
        meter.moved(Gauge::RemoteBytes, before.1, now.1);
    }
}

/// A step under way may be waiting for the store. It is not waited for: it adds no version to the
/// table here any more, and what it did is found by the next opening.
impl Drop for Mover {
    fn drop(&mut self) {
        self.job.give_up();
    }
}
