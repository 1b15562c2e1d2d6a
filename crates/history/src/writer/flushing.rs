//! When the hot tail is flushed: marked at a seal, begun on a thread once a commit covers it, and told
//! of when it ended.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use model::{Committed, Timestamp};

use crate::fault::FlushFault;
use crate::flush::{Ended, Flushed, Job};
use crate::writer::{Room, Writer};

/// At most one flush at a time.
#[derive(Debug, Default)]
pub(super) enum Flush {
    #[default]
    None,
    /// Waits until a commit covers it.
    Marked(Box<Job>),
    Running {
        last_times: Vec<i64>,
        thread: JoinHandle<Result<Ended, FlushFault>>,
    },
}

/// After a failed flush, so that a full disk is not written to without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    None,
    /// From the next look at the clock on.
    Begins,
    Until(Timestamp),
}

/// Age of an erasure that makes a flush due: long enough for a few of them to share it.
const ERASURE_AGE_MAX: Duration = Duration::from_secs(10);

/// How long after a failed flush none is due.
const PAUSE: Duration = Duration::from_secs(10);

impl Writer {
    /// Whether the hot tail is large or old enough for `flush`, none is under way, and none failed
    /// within the last ten seconds.
    pub fn flush_due(&mut self, now: Timestamp) -> bool {
        let nothing = self.hot_len == 0 && self.erased.is_none();
        if nothing || !matches!(self.flush, Flush::None) {
            return false;
        }
        match self.pause {
            Pause::Begins => self.pause = Pause::Until(now.saturating_add(PAUSE)),
            Pause::Until(end) if end <= now => self.pause = Pause::None,
            Pause::None | Pause::Until(_) => {}
        }
        let since = *self.hot_since.get_or_insert(now);
        if self.pause != Pause::None {
            return false;
        }
        let erasure_age = ERASURE_AGE_MAX.min(self.options.hot_age_max);
        let age = if self.erased.is_some() { erasure_age } else { self.options.hot_age_max };
        self.hot_len >= self.options.hot_rows_max || now.since(since) >= age
    }

    /// Marks all that is sealed as the next flush, and begins it if `committed` covers it; else a
    /// later `tick` does. While one is marked or under way, this is only a `tick`. `extra` is what
    /// the caller wants back from `open` when it resumes at what is sealed.
    ///
    /// # Errors
    /// As `tick`.
    pub fn flush(
        &mut self,
        committed: Committed,
        extra: &[u8],
        now: Timestamp,
    ) -> Result<Option<Flushed>, FlushFault> {
        self.mark(extra, now);
        self.tick(committed)
    }

    /// The first half of `flush`: with `finish` it keeps a simulation in one thread.
    ///
    /// # Panics
    /// When something is appended that is not sealed: the mark would lie inside a record.
    pub fn mark(&mut self, extra: &[u8], now: Timestamp) {
        assert!(self.staged.rows.len() == 0, "a mark follows a seal");
        if !matches!(self.flush, Flush::None) {
            return;
        }
        let mut tail = self.shared.tail();
        let run = tail.hot.sealed();
        if run.position == tail.table.position {
            return;
        }
        tail.hot.freeze();
        drop(tail);
        self.hot_since = None;
        self.flush = Flush::Marked(Box::new(Job {
            shared: Arc::clone(&self.shared),
            storage: Arc::clone(&self.storage),
            run,
            extra: extra.to_vec(),
            last_times: self.last_times.clone(),
            flushed_last: Arc::clone(&self.flushed_last),
            now,
        }));
    }

    /// Never waits: begins a marked flush, on a thread of its own, once `committed` covers it, and
    /// tells of one that ended. To be called after every seal, and now and then while idle.
    ///
    /// # Errors
    /// When a flush failed. Its rows stay in the hot tail and the next `flush` takes them again,
    /// unless the fault `is_final`.
    pub fn tick(&mut self, committed: Committed) -> Result<Option<Flushed>, FlushFault> {
        self.shared.tail().hot.advance(committed);
        match std::mem::take(&mut self.flush) {
            Flush::Marked(job) if job.run.position <= committed.position() => {
                let last_times = job.last_times.clone();
                let builder = std::thread::Builder::new().name("history-flush".to_owned());
                let thread = builder.spawn(move || job.run()).map_err(FlushFault::Thread)?;
                self.flush = Flush::Running { last_times, thread };
                Ok(None)
            }
            Flush::Running { last_times, thread } if thread.is_finished() => {
                let outcome = join(thread);
                self.ended(last_times, outcome).map(Some)
            }
            other @ (Flush::None | Flush::Marked(_) | Flush::Running { .. }) => {
                self.flush = other;
                Ok(None)
            }
        }
    }

    /// Like `tick`, but a flush that `committed` covers has ended when this returns. A flush that
    /// is only marked runs on this thread, so that a simulation stays in one.
    ///
    /// # Errors
    /// As `tick`.
    pub fn finish(&mut self, committed: Committed) -> Result<Option<Flushed>, FlushFault> {
        self.shared.tail().hot.advance(committed);
        match std::mem::take(&mut self.flush) {
            Flush::Marked(job) if job.run.position <= committed.position() => {
                let outcome = job.run();
                self.ended(job.last_times, outcome).map(Some)
            }
            Flush::Running { last_times, thread } => {
                let outcome = join(thread);
                self.ended(last_times, outcome).map(Some)
            }
            other @ (Flush::None | Flush::Marked(_)) => {
                self.flush = other;
                Ok(None)
            }
        }
    }

    fn ended(
        &mut self,
        last_times: Vec<i64>,
        outcome: Result<Ended, FlushFault>,
    ) -> Result<Flushed, FlushFault> {
        self.hot_len = self.shared.tail().hot.len();
        let Ended { flushed, stays } = outcome.inspect_err(|_| self.pause = Pause::Begins)?;
        stays.into_iter().for_each(|snapshot| self.care.let_go_of_snapshot(snapshot));
        self.pause = Pause::None;
        self.flushed_last = last_times.into();
        self.erased = self.erased.filter(|at| flushed.position < *at);
        Ok(flushed)
    }

    /// For a full tail: begins a flush if none is marked, and waits for it if `committed` covers
    /// it. `Full` means that the commit lags behind: call again with a later one.
    ///
    /// # Errors
    /// As `tick`.
    pub fn make_room(
        &mut self,
        committed: Committed,
        extra: &[u8],
        now: Timestamp,
    ) -> Result<Room, FlushFault> {
        self.mark(extra, now);
        self.finish(committed)?;
        Ok(self.room())
    }
}

fn join(thread: JoinHandle<Result<Ended, FlushFault>>) -> Result<Ended, FlushFault> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
