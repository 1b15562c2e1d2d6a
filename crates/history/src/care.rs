//! What the files of a table need while it lives: merging, and removal of what left it.

mod erasing;
mod expiring;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use model::{Position, Timestamp};

use crate::arrange::day_of;
use crate::fault::{FlushFault, MergeFault};
use crate::file::{ColdFile, name_of};
use crate::merge::drops::Drops;
use crate::merge::expire::Expiry;
use crate::merge::plan::{self, Plan};
use crate::merge::purge::{Looked, Purge};
use crate::merge::{Done, Job, Merged, Work};
use crate::options::{Keeping, Options};
use crate::reader::Shared;
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
    keeping: Option<Arc<dyn Keeping>>,
    expiry: Expiry,
    /// Days that were written again because of it, and until when they are left alone.
    expired: BTreeMap<i32, Timestamp>,
    next_expiry: Timestamp,
    merging: Option<Merging>,
    /// The last thread was one for what is erased: a merge comes first now, if there is one.
    purged: bool,
    looked: Looked,
    leaving: Vec<Leaving>,
    /// Folders with a file that cannot be read: at most as many as there are folders.
    skipped: BTreeSet<i32>,
    paused_until: Option<Timestamp>,
    next_look: Timestamp,
}

#[derive(Debug)]
struct Merging {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Done>,
}

/// A file that is no longer in the table.
#[derive(Debug)]
struct Leaving {
    path: String,
    /// Held by views as well, as long as they may read it.
    file: Option<Arc<ColdFile>>,
    /// Rows of what was erased after this may be in it.
    clean: Position,
    due: Timestamp,
}

impl Care {
    pub(crate) fn new(
        shared: Arc<Shared>,
        storage: Arc<dyn Storage>,
        (options, removed): (&Options, Vec<Removed>),
    ) -> Self {
        let (linger, keep) = (options.linger.min(LINGER_MAX), options.keep);
        let leaving = |gone: Removed| Leaving {
            clean: position_in(&gone.path),
            path: gone.path,
            file: None,
            due: gone.at.saturating_add(linger),
        };
        Self {
            shared,
            storage,
            linger,
            keep,
            keeping: None,
            expiry: Expiry::new(),
            expired: BTreeMap::new(),
            next_expiry: Timestamp::EPOCH,
            merging: None,
            purged: false,
            looked: Looked::default(),
            leaving: removed.into_iter().map(leaving).collect(),
            skipped: BTreeSet::new(),
            paused_until: None,
            next_look: Timestamp::from_millis(0),
        }
    }

    pub(crate) fn keep_by(&mut self, keeping: Arc<dyn Keeping>) {
        self.keeping = Some(keeping);
    }

    pub(crate) fn tend(&mut self, now: Timestamp) -> Result<Option<Merged>, FlushFault> {
        // Also when the clock was set back.
        if now < self.next_look && self.next_look <= now.saturating_add(LOOK_EVERY) {
            return Ok(None);
        }
        self.next_look = now.saturating_add(LOOK_EVERY);
        let merged = match self.merging.take_if(|merging| merging.thread.is_finished()) {
            Some(Merging { thread, .. }) => self.ended(join(thread), now),
            None => Ok(None),
        };
        let merged = merged.or_else(not_for_now)?;
        self.retain(now)?;
        self.remove_what_left(now);
        if self.merging.is_none() {
            self.settle_erasures();
            self.begin(now);
        }
        Ok(merged)
    }

    pub(crate) fn merge(&mut self, now: Timestamp) -> Result<Option<Merged>, MergeFault> {
        self.retain(now)?;
        self.remove_what_left(now);
        self.settle_erasures();
        while let Some(work) = self.next_work(now) {
            let merged = self.ended(work.run(), now)?;
            if merged.is_some() {
                return Ok(merged);
            }
        }
        self.settle_erasures();
        Ok(None)
    }

    fn next_work(&mut self, now: Timestamp) -> Option<Work> {
        if self.paused_until.is_some_and(|until| now < until) {
            return None;
        }
        self.paused_until = None;
        let (table, gone, clean) = self.committed();
        let plan = plan::next(&table.files, now.millis(), &self.skipped);
        let begins = |plan| Job {
            shared: Arc::clone(&self.shared),
            storage: Arc::clone(&self.storage),
            plan,
            version: table.version,
            drops: Drops::of(&gone),
            clean,
            stop: Arc::default(),
            now,
        };
        let turn = !(self.purged && plan.is_some());
        let dirty = if turn { self.dirty(&table, &gone) } else { Vec::new() };
        let expire = self.expire_due(&table, now);
        let work = match (plan, expire) {
            _ if !dirty.is_empty() => Some(Work::Purge(Purge::new(dirty, begins(Plan::default())))),
            (Some(plan), _) => Some(Work::Merge(begins(plan))),
            (None, Some(of)) => Some(Work::Expire(of(begins(Plan::default())))),
            (None, None) => None,
        };
        self.purged = work.as_ref().is_some_and(Work::is_purge);
        work
    }

    fn begin(&mut self, now: Timestamp) {
        let Some(work) = self.next_work(now) else { return };
        let stop = work.stop();
        let body = move || {
            give_way();
            work.run()
        };
        let builder = std::thread::Builder::new().name("history-merge".to_owned());
        match builder.spawn(body) {
            Ok(thread) => self.merging = Some(Merging { stop, thread }),
            Err(fault) => {
                tracing::warn!(%fault, "no thread can be started for a merge; it is tried again");
                self.paused_until = Some(now.saturating_add(PAUSE));
            }
        }
    }

    fn ended(&mut self, done: Done, now: Timestamp) -> Result<Option<Merged>, MergeFault> {
        let Done { looked, clean, day, files, expiry, outcome } = done;
        self.looked.note(looked, clean);
        if let Some(expiry) = expiry {
            self.expire_ended(expiry, (day, matches!(outcome, Ok(Some(_)))), now);
        }
        match &outcome {
            Ok(None) => {}
            Ok(Some(_)) => self.let_go(files.into_iter(), now),
            Err(MergeFault::Read { .. }) => self.skipped.extend(day),
            Err(MergeFault::Write(_) | MergeFault::Columns(_)) => {
                self.paused_until = Some(now.saturating_add(PAUSE));
            }
        }
        outcome
    }

    /// Drops the folders whose day ended before what is to be kept.
    fn retain(&mut self, now: Timestamp) -> Result<(), FlushFault> {
        let Some(keep) = self.keep_longest() else { return Ok(()) };
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
        for file in files {
            let (path, clean) = (file.path.to_string(), self.looked.clean(&file));
            self.leaving.push(Leaving { path, clean, file: Some(file), due });
        }
    }

    /// A file goes when its time is over and no view holds it. What cannot be removed is tried again
    /// later, and by the next opening.
    fn remove_what_left(&mut self, now: Timestamp) {
        let storage = &self.storage;
        self.leaving.retain_mut(|leaving| {
            let held = leaving.file.as_ref().is_some_and(|file| Arc::strong_count(file) > 1);
            if now < leaving.due || held {
                return true;
            }
            let name = name_of(&leaving.path);
            match storage.remove(&name) {
                Err(fault) if fault.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(name, %fault, "a file that left the table stays on disk");
                    leaving.due = now.saturating_add(PAUSE);
                    true
                }
                Ok(()) | Err(_) => false,
            }
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

fn join(thread: JoinHandle<Done>) -> Done {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Merging can wait: devices and people cannot.
fn give_way() {
    const NICE: i32 = 10;
    let me = rustix::thread::gettid();
    if let Err(fault) = rustix::process::setpriority_process(Some(me), NICE) {
        tracing::debug!(%fault, "merging has the priority of everything else");
    }
}

/// The position that the name of a file tells: without its tags nothing more is known of it.
fn position_in(path: &str) -> Position {
    let name = path.rsplit('/').next().unwrap_or_default();
    let digits = name.strip_prefix("part-").and_then(|rest| rest.split('-').next());
    Position::new(digits.and_then(|digits| digits.parse().ok()).unwrap_or_default())
}
