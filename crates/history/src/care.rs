//! What the files of the tables need while they live: merging, the making of hours, the end of what
//! was erased, and removal of what left them.

mod erasing;
mod expiring;
mod leaving;
mod retention;
mod running;
pub(crate) mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use model::{Position, Timestamp};

use crate::care::leaving::Leaving;
use crate::care::running::Running;
use crate::care::work::{Done, Work, timed};
use crate::fault::{FlushFault, MergeFault};
use crate::file::Origin;
use crate::folder::Folder;
use crate::gone::Gone;
use crate::hours::plan::Look;
use crate::hours::{self, Summarised};
use crate::merge::drops::Drops;
use crate::merge::expire::Expiry;
use crate::merge::plan::Plan;
use crate::merge::purge::{Looked, Purge};
use crate::merge::{self, Merged, longer, plan};
use crate::options::{Keeping, Options};
use crate::reader::Shared;
use crate::remote::{MoveFault, Moved, Mover, Step, Store};
use crate::storage::Storage;
use crate::table::{Removed, Table};

/// Between two looks at the list of files, which can be long, while there is nothing to do. After an
/// import of years there are hundreds of days to close, most of them in no time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Checkpoints of the log name what left for so long.
const LINGER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after a merge that failed none is begun.
const PAUSE: Duration = Duration::from_secs(10 * 60);

pub(crate) use running::give_way;
pub use work::Tended;

#[derive(Debug)]
pub(crate) struct Care {
    shared: Arc<Shared>,
    storage: Arc<dyn Storage>,
    linger: Duration,
    keep: Option<Duration>,
    keep_hours: Option<Duration>,
    keeping: Option<Arc<dyn Keeping>>,
    expiry: Expiry,
    /// Days that were written again because of it, and until when they are left alone.
    expired: BTreeMap<Folder, Timestamp>,
    next_expiry: Timestamp,
    running: Option<Running>,
    /// Days whose readings are all of erased series, until they are written again: no hours come of
    /// them, which would be asked for again and again.
    hourless: BTreeMap<Folder, Origin>,
    /// The last thread was one for what is erased: a merge comes first now, if there is one.
    purged: bool,
    looked: Looked,
    leaving: Vec<Leaving>,
    /// Folders with a file that cannot be read: at most as many as there are folders.
    skipped: BTreeSet<Folder>,
    /// Of these, those whose files lie in a store that did not answer, and until when.
    unanswered: BTreeSet<Folder>,
    unanswered_until: Option<Timestamp>,
    paused_until: Option<Timestamp>,
    next_look: Timestamp,
    mover: Option<Mover>,
}

/// The tables, and what of them is erased for good: a record that a crash can take back changes no
/// file.
#[derive(Debug)]
struct Stock {
    readings: Arc<Table>,
    hours: Arc<Table>,
    gone: Arc<Gone>,
    /// Up to where `gone` is all.
    clean: Position,
}

impl Care {
    pub(crate) fn new(
        shared: Arc<Shared>,
        storage: Arc<dyn Storage>,
        store: Option<Arc<Store>>,
        (options, removed): (&Options, Vec<Removed>),
    ) -> Self {
        let linger = options.linger.min(LINGER_MAX);
        let mover = options.remote.as_ref().zip(store).map(|(remote, store)| {
            Mover::new((Arc::clone(&shared), Arc::clone(&storage), store), remote, linger)
        });
        let leaving = removed.into_iter().map(|gone| Leaving::known(gone, linger)).collect();
        Self {
            shared,
            storage,
            linger,
            keep: options.keep,
            keep_hours: options.keep_hours,
            keeping: None,
            expiry: Expiry::new(),
            expired: BTreeMap::new(),
            next_expiry: Timestamp::EPOCH,
            running: None,
            hourless: BTreeMap::new(),
            purged: false,
            looked: Looked::default(),
            leaving,
            skipped: BTreeSet::new(),
            unanswered: BTreeSet::new(),
            unanswered_until: None,
            paused_until: None,
            next_look: Timestamp::from_millis(0),
            mover,
        }
    }

    pub(crate) fn keep_by(&mut self, keeping: Arc<dyn Keeping>) {
        self.keeping = Some(keeping);
    }

    pub(crate) fn tend(&mut self, now: Timestamp) -> Result<Option<Tended>, FlushFault> {
        let is_over = self.running.as_ref().is_some_and(Running::is_over);
        // Also when the clock was set back.
        let is_early = now < self.next_look && self.next_look <= now.saturating_add(LOOK_EVERY);
        if is_early && !is_over {
            return Ok(None);
        }
        self.next_look = now.saturating_add(LOOK_EVERY);
        let tended = match self.running.take_if(|running| running.is_over()) {
            Some(running) => {
                let took = now.since(running.since);
                self.ended(running.end(), now).map(|tended| timed(tended, took))
            }
            None => Ok(None),
        };
        let tended = tended.or_else(not_for_now)?;
        self.retain(now)?;
        if let Some(mover) = &mut self.mover {
            if tended.is_some() {
                mover.look_soon(now);
            }
            let step = mover.tend(now)?;
            self.moved(step, now);
        }
        self.remove_what_left(now);
        if self.running.is_none() {
            self.settle_erasures();
            self.begin(now);
        }
        Ok(tended)
    }

    pub(crate) const fn is_busy(&self) -> bool {
        self.running.is_some()
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
        while let Some(folder) = self.leaves_without_hours(now) {
            let work = Work::Hours(self.hours_of(folder, now));
            self.ended(work.run(), now)?;
        }
        self.retain(now)?;
        self.remove_what_left(now);
        self.settle_erasures();
        while let Some(work) = self.next_merge(now).or_else(|| self.next_purge_of_hours(now)) {
            if let Some(Tended::Merged(merged)) = self.ended(work.run(), now)? {
                return Ok(Some(merged));
            }
        }
        self.settle_erasures();
        Ok(None)
    }

    pub(crate) fn summarise(&mut self, now: Timestamp) -> Result<Option<Summarised>, MergeFault> {
        let Some(work) = self.next_hours(now) else { return Ok(None) };
        match self.ended(work.run(), now)? {
            Some(Tended::Summarised(summarised, _)) => Ok(Some(summarised)),
            Some(Tended::Merged(_)) | None => Ok(None),
        }
    }

    /// After a fault that time may mend nothing is begun for a while.
    fn is_paused(&self, now: Timestamp) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }

    /// What leaves comes first. Hours that must be written again come last, because those of a
    /// closed day are made again from readings anyway.
    fn next_work(&mut self, now: Timestamp) -> Option<Work> {
        if self.is_paused(now) {
            return None;
        }
        self.paused_until = None;
        if let Some(folder) = self.leaves_without_hours(now) {
            return Some(Work::Hours(self.hours_of(folder, now)));
        }
        let merge = self.next_merge(now);
        merge.or_else(|| self.next_hours(now)).or_else(|| self.next_purge_of_hours(now))
    }

    /// A merge or, in turn with them, readings of erased series; else those that are too old.
    fn next_merge(&mut self, now: Timestamp) -> Option<Work> {
        if self.is_paused(now) {
            return None;
        }
        if self.unanswered_until.take_if(|until| *until <= now).is_some() {
            let unanswered = std::mem::take(&mut self.unanswered);
            self.skipped.retain(|folder| !unanswered.contains(folder));
        }
        let stock = self.stock();
        let plan = plan::next(&stock.readings.files, now.millis(), &self.skipped);
        let turn = !(self.purged && plan.is_some());
        let dirty = if turn { self.dirty(&stock.readings, &stock.gone) } else { Vec::new() };
        self.purged = !dirty.is_empty();
        if !dirty.is_empty() {
            let job = self.merge_of(Plan::default(), &stock, now);
            return Some(Work::Purge(Purge { files: dirty, job }));
        }
        if let Some(plan) = plan.or_else(|| self.next_longer(&stock, now)) {
            return Some(Work::Merge(self.merge_of(plan, &stock, now)));
        }
        let expire = self.expire_due(&stock.readings, now)?;
        Some(Work::Expire(expire(self.merge_of(Plan::default(), &stock, now))))
    }

    fn next_longer(&self, Stock { readings, hours, .. }: &Stock, now: Timestamp) -> Option<Plan> {
        let keeps: Vec<Duration> = self.keep_spans().collect();
        longer::Look { readings, hours, skipped: &self.skipped, keeps: &keeps }.next(now)
    }

    fn merge_of(&self, plan: Plan, stock: &Stock, now: Timestamp) -> merge::Job {
        merge::Job {
            shared: Arc::clone(&self.shared),
            storage: Arc::clone(&self.storage),
            plan,
            version: stock.readings.version,
            drops: Drops::of(&stock.gone),
            clean: stock.clean,
            stop: Arc::default(),
            now,
        }
    }

    fn next_hours(&self, now: Timestamp) -> Option<Work> {
        if self.is_paused(now) {
            return None;
        }
        let folder = self.look(now, |look| look.next())?;
        Some(Work::Hours(self.hours_of(folder, now)))
    }

    fn next_purge_of_hours(&self, now: Timestamp) -> Option<Work> {
        if self.is_paused(now) {
            return None;
        }
        let stock = self.stock();
        let files = self.dirty(&stock.hours, &stock.gone);
        if files.is_empty() {
            return None;
        }
        let job = self.merge_of(Plan::default(), &stock, now);
        Some(Work::Purge(Purge { files, job }))
    }

    fn look<T>(&self, now: Timestamp, ask: impl FnOnce(&Look<'_>) -> T) -> T {
        let Stock { readings, hours, .. } = self.stock();
        let oldest = self.first_day_of_hours(now);
        let (skipped, hourless) = (&self.skipped, &self.hourless);
        ask(&Look { readings: &readings, hours: &hours, oldest, skipped, hourless })
    }

    fn stock(&self) -> Stock {
        let tail = self.shared.tail();
        let clean = tail.hot.visible();
        Stock {
            readings: Arc::clone(&tail.table),
            hours: Arc::clone(&tail.hours),
            gone: tail.gone.up_to(clean),
            clean,
        }
    }

    fn hours_of(&self, folder: Folder, now: Timestamp) -> hours::Job {
        let stock = self.stock();
        hours::Job {
            shared: Arc::clone(&self.shared),
            storage: Arc::clone(&self.storage),
            folder,
            files: stock.readings.over(folder).to_vec(),
            version: stock.hours.version,
            drops: Drops::of(&stock.gone),
            clean: stock.clean,
            stop: Arc::default(),
            now,
        }
    }

    fn begin(&mut self, now: Timestamp) {
        let Some(work) = self.next_work(now) else { return };
        match Running::begin(work, now) {
            Ok(running) => self.running = Some(running),
            Err(fault) => {
                tracing::warn!(%fault, "no thread can be started for a merge; it is tried again");
                self.paused_until = Some(now.saturating_add(PAUSE));
            }
        }
    }

    fn ended(&mut self, done: Done, now: Timestamp) -> Result<Option<Tended>, MergeFault> {
        let Done { looked, clean, folder, files, hourless, expiry, outcome } = done;
        self.looked.note(looked, clean);
        if let Some((folder, origin)) = folder.zip(hourless) {
            let readings = self.stock().readings;
            self.hourless.retain(|folder, _| !readings.over(*folder).is_empty());
            self.hourless.insert(folder, origin);
        }
        if let Some(expiry) = expiry {
            self.expire_ended(expiry, (folder, matches!(outcome, Ok(Some(_)))), now);
        }
        match &outcome {
            Ok(None) => {}
            Ok(Some(_)) => self.let_go(files.into_iter(), now),
            Err(MergeFault::Read { source, .. }) => {
                for folder in folder.into_iter().filter(|one| self.skipped.insert(*one)) {
                    if source.away().is_some() {
                        self.unanswered.insert(folder);
                        self.unanswered_until = Some(now.saturating_add(PAUSE));
                    }
                }
            }
            Err(MergeFault::Write(_) | MergeFault::Columns(_)) => {
                self.paused_until = Some(now.saturating_add(PAUSE));
            }
        }
        outcome
    }
}

impl Drop for Care {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }
}

/// Only what a restart must clear up is passed on.
fn not_for_now(fault: MergeFault) -> Result<Option<Tended>, FlushFault> {
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
