//! What the files of a table need while it lives: merging, and removal of what left it.

use std::collections::BTreeSet;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use model::Timestamp;

use crate::arrange::day_of;
use crate::fault::{FlushFault, MergeFault};
use crate::file::{ColdFile, Home, name_of};
use crate::merge::plan::{self, Plan};
use crate::merge::{Job, Merged};
use crate::options::Options;
use crate::reader::Shared;
use crate::remote::{MoveFault, Moved, Mover, Step, Store};
use crate::storage::Storage;
use crate::table::Removed;

/// Between two looks at the list of files, which can be long.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Checkpoints of the log name what left for so long.
const LINGER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after a merge that failed none is begun.
const PAUSE: Duration = Duration::from_secs(10 * 60);

#[derive(Debug)]
pub(crate) struct Care {
    shared: Arc<Shared>,
    storage: Arc<dyn Storage>,
    linger: Duration,
    keep: Option<Duration>,
    merging: Option<Merging>,
    leaving: Vec<Leaving>,
    /// Folders with a file that cannot be read: at most as many as there are folders.
    skipped: BTreeSet<i32>,
    /// Of these, those whose files lie in a store that did not answer, and until when.
    unanswered: BTreeSet<i32>,
    unanswered_until: Option<Timestamp>,
    paused_until: Option<Timestamp>,
    next_look: Timestamp,
    mover: Option<Mover>,
}

#[derive(Debug)]
struct Merging {
    stop: Arc<AtomicBool>,
    plan: Plan,
    thread: JoinHandle<Result<Option<Merged>, MergeFault>>,
}

/// A file that is no longer in the table.
#[derive(Debug)]
struct Leaving {
    path: String,
    /// Held by views as well, as long as they may read it.
    file: Option<Arc<ColdFile>>,
    due: Timestamp,
}

impl Care {
    pub(crate) fn new(
        shared: Arc<Shared>,
        storage: Arc<dyn Storage>,
        store: Option<Arc<Store>>,
        (options, removed): (&Options, Vec<Removed>),
    ) -> Self {
        let (linger, keep) = (options.linger.min(LINGER_MAX), options.keep);
        let mover = options.remote.as_ref().zip(store).map(|(remote, store)| {
            Mover::new((Arc::clone(&shared), Arc::clone(&storage), store), remote, linger)
        });
        let leaving = |gone: Removed| Leaving {
            path: gone.path,
            file: None,
            due: gone.at.saturating_add(linger),
        };
        Self {
            shared,
            storage,
            linger,
            keep,
            merging: None,
            leaving: removed.into_iter().map(leaving).collect(),
            skipped: BTreeSet::new(),
            unanswered: BTreeSet::new(),
            unanswered_until: None,
            paused_until: None,
            next_look: Timestamp::from_millis(0),
            mover,
        }
    }

    pub(crate) fn tend(&mut self, now: Timestamp) -> Result<Option<Merged>, FlushFault> {
        // Also when the clock was set back.
        if now < self.next_look && self.next_look <= now.saturating_add(LOOK_EVERY) {
            return Ok(None);
        }
        self.next_look = now.saturating_add(LOOK_EVERY);
        let merged = match self.merging.take_if(|merging| merging.thread.is_finished()) {
            Some(Merging { plan, thread, .. }) => self.ended(&plan, join(thread), now),
            None => Ok(None),
        };
        let merged = merged.or_else(not_for_now)?;
        self.retain(now)?;
        if let Some(mover) = &mut self.mover {
            if merged.is_some() {
                mover.look_soon(now);
            }
            let step = mover.tend(now)?;
            self.moved(step, now);
        }
        self.remove_what_left(now);
        if self.merging.is_none() {
            self.begin(now);
        }
        Ok(merged)
    }

    /// A step of moving on this thread; nothing where there is no store.
    pub(crate) fn move_out(&mut self, now: Timestamp) -> Result<Option<Moved>, MoveFault> {
        let Some(mover) = &self.mover else { return Ok(None) };
        let step = mover.step(now)?;
        let moved = step.moved.clone();
        self.moved(step, now);
        self.remove_what_left(now);
        Ok(moved)
    }

    fn moved(&mut self, step: Step, now: Timestamp) {
        if let Some(Moved { day, files, bytes }) = &step.moved {
            tracing::info!(day, files, bytes, "history moved to the store");
        }
        self.let_go(step.gone.into_iter(), now);
    }

    pub(crate) fn merge(&mut self, now: Timestamp) -> Result<Option<Merged>, MergeFault> {
        self.retain(now)?;
        self.remove_what_left(now);
        let Some(job) = self.next_job(now) else { return Ok(None) };
        let outcome = job.run();
        self.ended(&job.plan, outcome, now)
    }

    fn next_job(&mut self, now: Timestamp) -> Option<Job> {
        if self.paused_until.is_some_and(|until| now < until) {
            return None;
        }
        self.paused_until = None;
        if self.unanswered_until.take_if(|until| *until <= now).is_some() {
            let unanswered = std::mem::take(&mut self.unanswered);
            self.skipped.retain(|day| !unanswered.contains(day));
        }
        let table = Arc::clone(&self.shared.tail().table);
        let plan = plan::next(&table.files, now.millis(), &self.skipped)?;
        Some(Job {
            shared: Arc::clone(&self.shared),
            storage: Arc::clone(&self.storage),
            plan,
            version: table.version,
            stop: Arc::default(),
            now,
        })
    }

    fn begin(&mut self, now: Timestamp) {
        let Some(job) = self.next_job(now) else { return };
        let (stop, plan) = (Arc::clone(&job.stop), job.plan.clone());
        let body = move || {
            give_way();
            job.run()
        };
        let builder = std::thread::Builder::new().name("history-merge".to_owned());
        match builder.spawn(body) {
            Ok(thread) => self.merging = Some(Merging { stop, plan, thread }),
            Err(fault) => {
                tracing::warn!(%fault, "no thread can be started for a merge; it is tried again");
                self.paused_until = Some(now.saturating_add(PAUSE));
            }
        }
    }

    fn ended(
        &mut self,
        plan: &Plan,
        outcome: Result<Option<Merged>, MergeFault>,
        now: Timestamp,
    ) -> Result<Option<Merged>, MergeFault> {
        match &outcome {
            Ok(None) => {}
            Ok(Some(_)) => self.let_go(plan.files.iter().map(Arc::clone), now),
            Err(MergeFault::Read { source, .. }) => {
                let is_first = self.skipped.insert(plan.day);
                if is_first && source.away().is_some() {
                    self.unanswered.insert(plan.day);
                    self.unanswered_until = Some(now.saturating_add(PAUSE));
                }
            }
            Err(MergeFault::Write(_) | MergeFault::Columns(_)) => {
                self.paused_until = Some(now.saturating_add(PAUSE));
            }
        }
        outcome
    }

    /// Drops the folders whose day ended before what is to be kept.
    fn retain(&mut self, now: Timestamp) -> Result<(), FlushFault> {
        let Some(keep) = self.keep else { return Ok(()) };
        let day = day_of(now.saturating_sub(keep).millis());
        // Without the lock, which a commit may hold for long: files are sorted by day.
        let oldest = self.shared.tail().table.files.first().map(|file| file.key.day);
        if oldest.is_none_or(|oldest| oldest >= day) {
            return Ok(());
        }
        let one_at_a_time = self.shared.versions();
        let before = Arc::clone(&self.shared.tail().table);
        let after = match before.without_days_before(&*self.storage, day, now) {
            Ok(None) => return Ok(()),
            Err(fault) if !fault.is_final() => {
                tracing::warn!(%fault, "old days could not be dropped; it is tried again");
                return Ok(());
            }
            outcome => outcome?,
        };
        if let Some(after) = after {
            self.shared.tail().table = Arc::new(after);
        }
        drop(one_at_a_time);
        let gone = before.files.iter().filter(|file| file.key.day < day).map(Arc::clone);
        self.let_go(gone, now);
        Ok(())
    }

    fn let_go(&mut self, files: impl Iterator<Item = Arc<ColdFile>>, now: Timestamp) {
        let due = now.saturating_add(self.linger);
        let leaving =
            |file: Arc<ColdFile>| Leaving { path: file.path.to_string(), file: Some(file), due };
        let here = files.filter(|file| file.home == Home::Here);
        self.leaving.extend(here.map(leaving));
    }

    /// A file goes when its time is over and no view holds it. What cannot be removed stays until
    /// the next opening at the latest.
    fn remove_what_left(&mut self, now: Timestamp) {
        let storage = &self.storage;
        self.leaving.retain(|leaving| {
            let held = leaving.file.as_ref().is_some_and(|file| Arc::strong_count(file) > 1);
            if now < leaving.due || held {
                return true;
            }
            let name = name_of(&leaving.path);
            if let Err(fault) = storage.remove(&name)
                && fault.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(name, %fault, "a file that left the table stays on disk");
            }
            false
        });
    }
}

/// A merge in the making is of no use to anybody.
impl Drop for Care {
    fn drop(&mut self) {
        if let Some(Merging { stop, thread, .. }) = self.merging.take() {
            stop.store(true, Ordering::Relaxed);
            if thread.join().is_err() {
                tracing::error!("the merge that was stopped had panicked");
            }
        }
    }
}

/// Only what a restart must clear up is passed on.
fn not_for_now(fault: MergeFault) -> Result<Option<Merged>, FlushFault> {
    if let MergeFault::Write(fault) = fault {
        if fault.is_final() {
            return Err(fault);
        }
        tracing::warn!(%fault, "files could not be merged; it is tried again");
    } else {
        tracing::warn!(fault = &fault as &dyn Error, "files could not be merged");
    }
    Ok(None)
}

fn join(
    thread: JoinHandle<Result<Option<Merged>, MergeFault>>,
) -> Result<Option<Merged>, MergeFault> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Merging and moving can wait: devices and people cannot.
pub(crate) fn give_way() {
    const NICE: i32 = 10;
    let me = rustix::thread::gettid();
    if let Err(fault) = rustix::process::setpriority_process(Some(me), NICE) {
        tracing::debug!(%fault, "care has the priority of everything else");
    }
}
