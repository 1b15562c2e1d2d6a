//! What the files of the tables need while they live: merging, the making of hours, and removal of
//! what left them.

mod work;

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use model::Timestamp;

use crate::arrange::day_of;
use crate::care::work::{Done, Job, timed};
use crate::fault::{FlushFault, MergeFault};
use crate::file::ColdFile;
use crate::hours::plan::Look;
use crate::hours::{self, Keep, Summarised};
use crate::kind::Kind;
use crate::merge::{self, Merged, plan};
use crate::options::Options;
use crate::reader::Shared;
use crate::storage::Storage;
use crate::table::{Removed, Table};

/// Between two looks at the list of files, which can be long.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Checkpoints of the log name what left for so long.
const LINGER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after a merge that failed none is begun.
const PAUSE: Duration = Duration::from_secs(10 * 60);

pub use work::Tended;

#[derive(Debug)]
pub(crate) struct Care {
    shared: Arc<Shared>,
    storage: Arc<dyn Storage>,
    linger: Duration,
    keep: Option<Duration>,
    keep_hours: Option<Duration>,
    running: Option<Running>,
    leaving: Vec<Leaving>,
    /// Folders with a file that cannot be read: at most as many as there are folders.
    skipped: BTreeSet<i32>,
    paused_until: Option<Timestamp>,
    next_look: Timestamp,
}

#[derive(Debug)]
struct Running {
    stop: Arc<AtomicBool>,
    day: i32,
    since: Timestamp,
    thread: JoinHandle<Result<Option<Done>, MergeFault>>,
}

/// A file that is no longer in its table.
#[derive(Debug)]
struct Leaving {
    /// Below the folder of the space.
    name: String,
    /// Held by views as well, as long as they may read it.
    file: Option<Arc<ColdFile>>,
    due: Timestamp,
}

impl Care {
    pub(crate) fn new(
        shared: Arc<Shared>,
        storage: Arc<dyn Storage>,
        (options, removed): (&Options, Vec<Removed>),
    ) -> Self {
        let linger = options.linger.min(LINGER_MAX);
        let leaving = |gone: Removed| Leaving {
            name: gone.name,
            file: None,
            due: gone.at.saturating_add(linger),
        };
        Self {
            shared,
            storage,
            linger,
            keep: options.keep,
            keep_hours: options.keep_hours,
            running: None,
            leaving: removed.into_iter().map(leaving).collect(),
            skipped: BTreeSet::new(),
            paused_until: None,
            next_look: Timestamp::from_millis(0),
        }
    }

    pub(crate) fn tend(&mut self, now: Timestamp) -> Result<Option<Tended>, FlushFault> {
        // Also when the clock was set back.
        if now < self.next_look && self.next_look <= now.saturating_add(LOOK_EVERY) {
            return Ok(None);
        }
        self.next_look = now.saturating_add(LOOK_EVERY);
        let tended = match self.running.take_if(|running| running.thread.is_finished()) {
            Some(Running { day, since, thread, .. }) => {
                self.ended(day, join(thread), now).map(|tended| timed(tended, now.since(since)))
            }
            None => Ok(None),
        };
        let tended = tended.or_else(not_for_now)?;
        self.retain(now)?;
        self.remove_what_left(now);
        if self.running.is_none() {
            self.begin(now);
        }
        Ok(tended)
    }

    pub(crate) fn merge(&mut self, now: Timestamp) -> Result<Option<Merged>, MergeFault> {
        while let Some(day) = self.leaves_without_hours(now) {
            let job = Job::Hours(self.hours_of(day, now));
            self.ended(day, job.run(), now)?;
        }
        self.retain(now)?;
        self.remove_what_left(now);
        let Some(job) = self.next_merge(now) else { return Ok(None) };
        let day = job.day();
        match self.ended(day, job.run(), now)? {
            Some(Tended::Merged(merged)) => Ok(Some(merged)),
            Some(Tended::Summarised(..)) | None => Ok(None),
        }
    }

    pub(crate) fn summarise(&mut self, now: Timestamp) -> Result<Option<Summarised>, MergeFault> {
        let Some(job) = self.next_hours(now) else { return Ok(None) };
        let day = job.day();
        match self.ended(day, job.run(), now)? {
            Some(Tended::Summarised(summarised, _)) => Ok(Some(summarised)),
            Some(Tended::Merged(_)) | None => Ok(None),
        }
    }

    pub(crate) fn rewrite_hours(
        &mut self,
        day: i32,
        keep: Keep<'_>,
        now: Timestamp,
    ) -> Result<Option<Summarised>, MergeFault> {
        let Some(made) = self.hours_of(day, now).run_without(keep)? else { return Ok(None) };
        self.let_go(made.gone.into_iter(), now);
        Ok(Some(made.summarised))
    }

    /// After a fault that time may mend nothing is begun for a while.
    fn is_paused(&self, now: Timestamp) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }

    fn next_job(&mut self, now: Timestamp) -> Option<Job> {
        if self.is_paused(now) {
            return None;
        }
        self.paused_until = None;
        if let Some(day) = self.leaves_without_hours(now) {
            return Some(Job::Hours(self.hours_of(day, now)));
        }
        self.next_merge(now).or_else(|| self.next_hours(now))
    }

    fn next_merge(&self, now: Timestamp) -> Option<Job> {
        if self.is_paused(now) {
            return None;
        }
        let table = Arc::clone(&self.shared.tail().table);
        let plan = plan::next(&table.files, now.millis(), &self.skipped)?;
        Some(Job::Merge(merge::Job {
            shared: Arc::clone(&self.shared),
            storage: Arc::clone(&self.storage),
            plan,
            version: table.version,
            stop: Arc::default(),
            now,
        }))
    }

    fn next_hours(&self, now: Timestamp) -> Option<Job> {
        if self.is_paused(now) {
            return None;
        }
        let day = self.look(now, |look| look.next())?;
        Some(Job::Hours(self.hours_of(day, now)))
    }

    fn look<T>(&self, now: Timestamp, ask: impl FnOnce(&Look<'_>) -> T) -> T {
        let (readings, hours) = self.tables();
        let oldest = first_day(self.keep_hours, now).unwrap_or(i32::MIN);
        ask(&Look { readings: &readings, hours: &hours, oldest, skipped: &self.skipped })
    }

    fn tables(&self) -> (Arc<Table>, Arc<Table>) {
        let tail = self.shared.tail();
        (Arc::clone(&tail.table), Arc::clone(&tail.hours))
    }

    /// The oldest day whose readings are to leave and whose hours are not made. Not when they
    /// cannot be made for now: a full disk must not keep readings from leaving.
    fn leaves_without_hours(&self, now: Timestamp) -> Option<i32> {
        let limit = first_day(self.keep, now).filter(|_| !self.is_paused(now))?;
        self.look(now, |look| look.next_before(limit))
    }

    fn hours_of(&self, day: i32, now: Timestamp) -> hours::Job {
        let (readings, hours) = self.tables();
        hours::Job {
            shared: Arc::clone(&self.shared),
            storage: Arc::clone(&self.storage),
            day,
            files: readings.of_day(day).to_vec(),
            version: hours.version,
            stop: Arc::default(),
            now,
        }
    }

    fn begin(&mut self, now: Timestamp) {
        let Some(job) = self.next_job(now) else { return };
        let (stop, day, since) = (job.stop(), job.day(), now);
        let body = move || {
            give_way();
            job.run()
        };
        let builder = std::thread::Builder::new().name("history-merge".to_owned());
        match builder.spawn(body) {
            Ok(thread) => self.running = Some(Running { stop, day, since, thread }),
            Err(fault) => {
                tracing::warn!(%fault, "no thread can be started for a merge; it is tried again");
                self.paused_until = Some(now.saturating_add(PAUSE));
            }
        }
    }

    fn ended(
        &mut self,
        day: i32,
        outcome: Result<Option<Done>, MergeFault>,
        now: Timestamp,
    ) -> Result<Option<Tended>, MergeFault> {
        match outcome {
            Ok(None) => Ok(None),
            Ok(Some(Done { tended, gone })) => {
                self.let_go(gone.into_iter(), now);
                Ok(Some(tended))
            }
            Err(fault) => {
                if matches!(fault, MergeFault::Read { .. }) {
                    self.skipped.insert(day);
                } else {
                    self.paused_until = Some(now.saturating_add(PAUSE));
                }
                Err(fault)
            }
        }
    }

    /// Drops the folders whose day ended before what is to be kept.
    fn retain(&mut self, now: Timestamp) -> Result<(), FlushFault> {
        let (readings, hours) = self.tables();
        if let Some(day) = first_day(self.keep_hours, now).filter(|day| hours.begins_before(*day)) {
            self.drop_before(Kind::Hours, day, now).or_else(|fault| later(fault, "hours"))?;
        }
        let Some(day) = first_day(self.keep, now) else { return Ok(()) };
        // Their hours come first.
        let day = self.leaves_without_hours(now).unwrap_or(day).min(day);
        if !readings.begins_before(day) {
            return Ok(());
        }
        self.drop_before(Kind::Readings, day, now).or_else(|fault| later(fault, "readings"))
    }

    fn drop_before(&mut self, kind: Kind, day: i32, now: Timestamp) -> Result<(), FlushFault> {
        let one_at_a_time = self.shared.versions();
        let (readings, hours) = self.tables();
        let before = match kind {
            Kind::Readings => readings,
            Kind::Hours => Arc::clone(&hours),
        };
        // Before the readings leave, so that no crash lies between.
        if kind == Kind::Readings
            && let Some(marked) = hours.mark_left(&*self.storage, day, now)?
        {
            self.shared.tail().hours = Arc::new(marked);
        }
        if let Some(after) = before.without_days_before(&*self.storage, day, now)? {
            let mut tail = self.shared.tail();
            match kind {
                Kind::Readings => tail.table = Arc::new(after),
                Kind::Hours => tail.hours = Arc::new(after),
            }
        }
        drop(one_at_a_time);
        let gone = before.files.iter().filter(|file| file.key.day < day).map(Arc::clone);
        self.let_go(gone, now);
        Ok(())
    }

    fn let_go(&mut self, files: impl Iterator<Item = Arc<ColdFile>>, now: Timestamp) {
        let due = now.saturating_add(self.linger);
        let leaving = |file: Arc<ColdFile>| Leaving { name: file.name(), file: Some(file), due };
        self.leaving.extend(files.map(leaving));
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
            let name = &leaving.name;
            if let Err(fault) = storage.remove(name) {
                tracing::warn!(name, %fault, "a file that left the table stays on disk");
            }
            false
        });
    }
}

/// The first day that is kept.
fn first_day(keep: Option<Duration>, now: Timestamp) -> Option<i32> {
    keep.map(|keep| day_of(now.saturating_sub(keep).millis()))
}

/// Only what a restart must clear up is passed on.
fn later(fault: FlushFault, what: &str) -> Result<(), FlushFault> {
    if fault.is_final() {
        return Err(fault);
    }
    tracing::warn!(%fault, what, "old days could not be dropped; it is tried again");
    Ok(())
}

/// What is in the making is of no use to anybody.
impl Drop for Care {
    fn drop(&mut self) {
        if let Some(Running { stop, thread, .. }) = self.running.take() {
            stop.store(true, Ordering::Relaxed);
            if thread.join().is_err() {
                tracing::error!("the merge that was stopped had panicked");
            }
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

fn join(thread: JoinHandle<Result<Option<Done>, MergeFault>>) -> Result<Option<Done>, MergeFault> {
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
