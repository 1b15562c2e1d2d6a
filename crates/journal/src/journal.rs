//! The handle that all threads share: submit, follow, read, ask.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use model::promise::DurableMark;
use model::{Meter, Position};

use crate::batch::{Batch, Pending};
use crate::disk::{Disk, FsDisk};
use crate::fault::{CommitFault, Full};
use crate::follower::Follower;
use crate::frame::Frame;
use crate::log::Log;
use crate::options::Options;
use crate::reader::LogReader;
use crate::stats::{Counters, Stats};
use crate::table::Shared;
use crate::tail::{self, Tail, TailEnd};
use crate::writer::{self, Writer};

/// Called once, on the commit thread, when nothing can be committed any more. The process must
/// end; a restart recovers.
pub type OnFatal = Box<dyn FnOnce(CommitFault) + Send>;

/// A journal that is being written. A clone is another handle of the same.
#[derive(Debug)]
pub struct Journal<D: Disk = FsDisk> {
    inner: Arc<Inner<D>>,
}

impl<D: Disk> Clone for Journal<D> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

/// What handles and the commit thread share.
#[derive(Debug)]
pub(crate) struct Inner<D> {
    queue: Mutex<Queue>,
    /// Told when the queue has something or the journal is to stop.
    wake: Condvar,
    tails: Mutex<Tails>,
    disk: Mutex<D>,
    shared: Arc<Shared>,
    counters: Counters,
    /// The first position that readers still need.
    keep_from: AtomicU64,
    options: Options,
}

/// Records that wait for the commit thread.
#[derive(Debug)]
pub(crate) struct Queue {
    pub filling: Frame,
    /// Position of the next record to be submitted.
    pub next: Position,
    /// The commit thread sleeps; otherwise it looks by itself.
    pub asleep: bool,
    pub phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    /// Commits what it has and ends.
    Stopping,
    Stopped,
    Failed,
}

#[derive(Debug)]
struct Tails {
    queues: Vec<Arc<tail::Queue>>,
    /// Position after the last batch that was handed over.
    next: Position,
    end: Option<TailEnd>,
}

impl<D: Disk> Journal<D> {
    /// Starts the commit thread of `log`. It ends when the `Writer` is dropped.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn start(
        log: Log<D>,
        mark: DurableMark,
        meter: Arc<Meter>,
        on_fatal: OnFatal,
    ) -> std::io::Result<(Self, Writer<D>)> {
        let next = log.last().next();
        let phase = if log.is_read_only() { Phase::Failed } else { Phase::Running };
        let inner = Arc::new(Inner {
            queue: Mutex::new(Queue { filling: Frame::default(), next, asleep: false, phase }),
            wake: Condvar::new(),
            tails: Mutex::new(Tails { queues: Vec::new(), next, end: None }),
            disk: Mutex::new(log.disk_handle()),
            shared: log.shared(),
            counters: Counters::default(),
            keep_from: AtomicU64::new(0),
            options: log.options().clone(),
        });
        let writer =
            writer::start(log, Arc::clone(&inner), writer::Duties { mark, meter, on_fatal })?;
        Ok((Self { inner }, writer))
    }

    /// Takes all of `pending` and returns the position of its first record; `pending` is empty
    /// then. Never waits for the disk.
    ///
    /// # Errors
    /// When there is no room, or the journal has stopped; `pending` is as it was.
    pub fn submit(&self, pending: &mut Pending) -> Result<Position, Full> {
        let mut queue = self.inner.queue();
        if queue.phase != Phase::Running {
            return Err(Full::Stopped);
        }
        if !queue.filling.has_room(pending.bytes(), self.inner.options.batch_bytes_max) {
            return Err(Full::Busy);
        }
        let first = queue.next;
        queue.next = first.after(u64::from(pending.len()));
        queue.filling.extend(pending);
        let asleep = std::mem::take(&mut queue.asleep);
        drop(queue);
        if asleep {
            self.inner.wake.notify_all();
        }
        pending.clear();
        Ok(first)
    }

    /// The batches to come.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.inner.add_tail()
    }

    /// All records from `from` on, the durable ones from disk, then the live ones.
    #[must_use]
    pub fn follow(&self, from: Position) -> Follower<D> {
        Follower::new(self.clone(), from)
    }

    /// Durable records from `from` on, as far as there are any.
    #[must_use]
    pub fn reader(&self, from: Position) -> LogReader<D> {
        let disk = self.inner.disk.lock().unwrap_or_else(PoisonError::into_inner).handle();
        LogReader::new(disk, Arc::clone(&self.inner.shared), from)
    }

    /// Readers need `position` and what follows; retention may take what is before. Until this is
    /// called nothing is taken.
    pub fn retain_from(&self, position: Position) {
        self.inner.keep_from.fetch_max(position.get(), Ordering::Relaxed);
    }

    /// What was measured since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counters = &self.inner.counters;
        let table = self.inner.shared.table();
        Stats {
            frames: counters.frames(),
            bytes: counters.bytes(),
            commit_p50: counters.quantile(50),
            commit_p99: counters.quantile(99),
            commit_max: counters.max(),
            last: Position::new(table.next.get().saturating_sub(1)),
            first: table.first(),
            disk_bytes: table.bytes(),
            disk_full: counters.disk_full(),
            schedule: counters.schedule(),
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.inner.queue().phase == Phase::Failed
    }
}

impl<D> Inner<D> {
    pub(crate) fn wake(&self) -> &Condvar {
        &self.wake
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn keep_from(&self) -> Position {
        Position::new(self.keep_from.load(Ordering::Relaxed))
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        // A panic of a submitting thread leaves whole records behind: the count is added last.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tails(&self) -> MutexGuard<'_, Tails> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_tail(&self) -> Tail {
        let mut tails = self.tails();
        let queue = Arc::new(tail::Queue::new(tails.next, self.options.tail_bytes_max));
        match tails.end {
            Some(end) => queue.end(end),
            None => tails.queues.push(Arc::clone(&queue)),
        }
        Tail::new(queue)
    }

    /// Hands `batch` to every tail, and waits for those that have no room.
    pub(crate) fn hand_over(&self, batch: &Batch) {
        let queues = {
            let mut tails = self.tails();
            tails.next = batch.next();
            // The list is copied so that a tail can be made while another one is waited for.
            tails.queues.clone()
        };
        let mut deaf = Vec::new();
        for queue in queues {
            if !queue.push(batch.clone()) {
                deaf.push(queue);
            }
        }
        if !deaf.is_empty() {
            let left = |queue: &Arc<tail::Queue>| !deaf.iter().any(|gone| Arc::ptr_eq(gone, queue));
            self.tails().queues.retain(left);
        }
    }

    pub(crate) fn end_tails(&self, end: TailEnd) {
        let mut tails = self.tails();
        tails.end = Some(end);
        for queue in std::mem::take(&mut tails.queues) {
            queue.end(end);
        }
    }
}

#[cfg(test)]
mod tests;
