//! The one thread that writes: takes what was submitted, hands it to the tails, writes, syncs, and
//! only then moves the mark.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use model::promise::DurableMark;
use model::{Event, Meter, Position};

use crate::batch::Batch;
use crate::clock;
use crate::disk::{Disk, FsDisk};
use crate::fault::CommitFault;
use crate::frame::Frame;
use crate::journal::{Inner, OnFatal, Phase, Queue};
use crate::log::Log;
use crate::sched;
use crate::tail::TailEnd;

/// How long a full disk is left alone between two attempts.
const FULL_RETRY: Duration = Duration::from_millis(100);
/// How often an idle thread looks whether segments are too old.
const IDLE_TICK: Duration = Duration::from_secs(60);
/// Frames kept for reuse: one being filled, one being written, and some that tails still read.
const FRAMES_MAX: usize = 8;

/// Stops the commit thread when it is dropped, after what was submitted is durable.
#[derive(Debug)]
pub struct Writer<D: Disk = FsDisk> {
    inner: Arc<Inner<D>>,
    thread: Option<JoinHandle<()>>,
}

impl<D: Disk> Drop for Writer<D> {
    fn drop(&mut self) {
        let mut queue = self.inner.queue();
        if queue.phase == Phase::Running {
            queue.phase = Phase::Stopping;
        }
        drop(queue);
        self.inner.wake().notify_all();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the journal's thread panicked while it stopped");
        }
    }
}

/// Whom the commit thread tells.
pub(crate) struct Duties {
    pub mark: DurableMark,
    pub meter: Arc<Meter>,
    pub on_fatal: OnFatal,
}

pub(crate) fn start<D: Disk>(
    log: Log<D>,
    inner: Arc<Inner<D>>,
    duties: Duties,
) -> std::io::Result<Writer<D>> {
    let Duties { mark, meter, on_fatal } = duties;
    let worker = Worker { log, inner: Arc::clone(&inner), mark, meter, frames: Vec::new() };
    let body = move || run(worker, on_fatal);
    let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(body)?;
    Ok(Writer { inner, thread: Some(thread) })
}

/// How the thread's work ended, when nothing failed.
enum Ended {
    /// All that was submitted is durable.
    Done,
    /// The disk was full until the end; what was not durable was never acknowledged.
    GaveUp,
}

/// Runs until told to stop, or until the journal fails.
fn run<D: Disk>(mut worker: Worker<D>, on_fatal: OnFatal) {
    let inner = Arc::clone(&worker.inner);
    inner.counters().scheduled(sched::hurry_this_thread());
    // A journal that was opened read-only has already said so.
    let ended = if worker.log.is_read_only() {
        Ok(Ok(Ended::GaveUp))
    } else {
        catch_unwind(AssertUnwindSafe(|| worker.work()))
    };
    let (phase, end, fault) = match ended {
        Ok(Ok(Ended::Done)) => (Phase::Stopped, TailEnd::Stopped, None),
        Ok(Ok(Ended::GaveUp)) => (Phase::Failed, TailEnd::Failed, None),
        Ok(Err(fault)) => (Phase::Failed, TailEnd::Failed, Some(fault)),
        Err(_) => (Phase::Failed, TailEnd::Failed, Some(CommitFault::Panicked)),
    };
    inner.queue().phase = phase;
    inner.end_tails(end);
    inner.shared().wake();
    if let Some(fault) = fault {
        on_fatal(fault);
    }
}

struct Worker<D: Disk> {
    log: Log<D>,
    inner: Arc<Inner<D>>,
    mark: DurableMark,
    meter: Arc<Meter>,
    /// Frames whose memory is used again once no tail reads them any more.
    frames: Vec<Arc<Frame>>,
}

/// What the thread woke up for.
enum Work {
    Commit(Frame),
    Idle,
    Stop,
}

impl<D: Disk> Worker<D> {
    fn work(&mut self) -> Result<Ended, CommitFault> {
        loop {
            match self.next_work()? {
                Work::Commit(frame) => {
                    if !self.commit(frame)? {
                        return Ok(Ended::GaveUp);
                    }
                }
                Work::Idle => self.retain()?,
                Work::Stop => return self.close().map(|()| Ended::Done),
            }
        }
    }

    /// Waits for records. A thread that has none uses the time to fill the segment ahead.
    fn next_work(&mut self) -> Result<Work, CommitFault> {
        if self.inner.queue().filling.is_empty() {
            match self.log.fill_ahead() {
                Err(CommitFault::Full(_)) | Ok(()) => {}
                Err(fault) => return Err(fault),
            }
        }
        let empty = self.empty_frame();
        let mut queue = self.inner.queue();
        queue.asleep = true;
        let waited = self.inner.wake().wait_timeout_while(queue, IDLE_TICK, |queue| {
            queue.asleep = true;
            queue.filling.is_empty() && queue.phase == Phase::Running
        });
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let delay = self.inner.options().commit_delay;
        if !delay.is_zero() && !queue.filling.is_empty() {
            let half = self.inner.options().batch_bytes_max / 2;
            let short = |queue: &mut Queue| {
                queue.asleep = queue.filling.body_len() < half;
                queue.asleep && queue.phase == Phase::Running
            };
            let waited = self.inner.wake().wait_timeout_while(queue, delay, short);
            (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        queue.asleep = false;
        let (idle, phase) = (queue.filling.is_empty(), queue.phase);
        match phase {
            Phase::Failed => Err(CommitFault::ReadOnly),
            _ if !idle => Ok(Work::Commit(std::mem::replace(&mut queue.filling, empty))),
            Phase::Running => Ok(Work::Idle),
            Phase::Stopping | Phase::Stopped => Ok(Work::Stop),
        }
    }

    /// `false` when the journal was stopped while the disk was full.
    fn commit(&mut self, mut frame: Frame) -> Result<bool, CommitFault> {
        let now = clock::calendar();
        while let Err(fault) = self.log.prepare(&mut frame, now) {
            if !self.wait_for_room(fault)? {
                return Ok(false);
            }
        }
        let frame = Arc::new(frame);
        self.inner.hand_over(&Batch::whole(Arc::clone(&frame)));
        let started = clock::steady();
        let last = loop {
            match self.log.write(&frame) {
                Ok(last) => break last,
                Err(fault) => {
                    if !self.wait_for_room(fault)? {
                        return Ok(false);
                    }
                }
            }
        };
        let took = clock::steady().saturating_duration_since(started);
        self.committed(last, frame.padded_len(), took);
        if self.frames.len() < FRAMES_MAX {
            self.frames.push(frame);
        }
        if self.retention_due() {
            self.retain()?;
        }
        Ok(true)
    }

    fn committed(&mut self, last: Position, bytes: usize, took: Duration) {
        self.inner.counters().set_disk_full(false);
        self.inner.counters().committed(bytes, took);
        self.meter.count(Event::JournalCommitted);
        self.meter.add(Event::JournalBytes, bytes as u64);
        self.mark.advance(last);
    }

    /// Waits before the next attempt. `Ok(false)` when the journal is to stop.
    fn wait_for_room(&mut self, fault: CommitFault) -> Result<bool, CommitFault> {
        if !fault.is_retryable() {
            return Err(fault);
        }
        if !self.inner.counters().set_disk_full(true) {
            tracing::error!(%fault, "nothing is acknowledged");
        }
        let running = |queue: &mut Queue| queue.phase == Phase::Running;
        let waited = self.inner.wake().wait_timeout_while(self.inner.queue(), FULL_RETRY, running);
        let (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Ok(queue.phase == Phase::Running)
    }

    fn retention_due(&self) -> bool {
        self.log.disk_bytes() > self.inner.options().retain_bytes
    }

    fn retain(&mut self) -> Result<(), CommitFault> {
        let keep_from = self.inner.keep_from();
        match self.log.retain(clock::calendar(), keep_from) {
            Ok(_) | Err(CommitFault::Full(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    fn close(&mut self) -> Result<(), CommitFault> {
        match self.log.close(clock::calendar()) {
            // Without the closing frame a start only knows a little less.
            Ok(()) | Err(CommitFault::Full(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// A frame that no tail reads any more, or another one.
    fn empty_frame(&mut self) -> Frame {
        let free = self.frames.iter_mut().position(|frame| Arc::get_mut(frame).is_some());
        let unshared = free.map(|at| self.frames.swap_remove(at)).and_then(Arc::into_inner);
        let mut frame = unshared.unwrap_or_default();
        frame.clear(self.inner.options().batch_bytes_max);
        frame
    }
}
