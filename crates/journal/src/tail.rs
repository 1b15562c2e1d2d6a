//! Live batches for one reader, handed over before they are durable.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::Position;

use crate::batch::Batch;

/// Each batch of the journal from the moment the tail was made, in order and without a gap.
///
/// A batch may come before it is durable: what a reader makes of it must not be shown before the
/// horizon covers it. A tail that is not read makes the journal wait; one that is dropped does not.
#[derive(Debug)]
pub struct Tail {
    queue: Arc<Queue>,
}

/// Why a tail has no more batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TailEnd {
    /// The journal was stopped; every batch was handed out and is durable.
    #[error("journal was stopped")]
    Stopped,
    /// The journal failed; batches that had not become durable were thrown away.
    #[error("journal failed")]
    Failed,
}

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    bytes_max: usize,
    /// Position of the first record this tail gets.
    starts_at: Position,
}

#[derive(Debug, Default)]
struct State {
    batches: VecDeque<Batch>,
    bytes: usize,
    end: Option<TailEnd>,
    /// The reader has gone.
    deaf: bool,
}

impl Tail {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self { queue }
    }

    /// Position of the first record this tail gets, or would have got.
    #[must_use]
    pub fn starts_at(&self) -> Position {
        self.queue.starts_at
    }

    /// The next batch; `None` when none came within `timeout`.
    ///
    /// # Errors
    /// When there will be no more.
    pub fn recv(&self, timeout: Duration) -> Result<Option<Batch>, TailEnd> {
        let state = self.queue.lock();
        let idle = |state: &mut State| state.batches.is_empty() && state.end.is_none();
        let waited = self.queue.changed.wait_timeout_while(state, timeout, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(batch) = state.batches.pop_front() {
            state.bytes = state.bytes.saturating_sub(batch.bytes());
            drop(state);
            self.queue.changed.notify_all();
            return Ok(Some(batch));
        }
        state.end.map_or(Ok(None), Err)
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.deaf = true;
        state.batches.clear();
        drop(state);
        self.queue.changed.notify_all();
    }
}

impl Queue {
    pub(crate) fn new(starts_at: Position, bytes_max: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), bytes_max, starts_at }
    }

    /// Hands `batch` over, as soon as there is room for it. `false` when nobody listens any more.
    pub(crate) fn push(&self, batch: Batch) -> bool {
        let bytes = batch.bytes();
        let full = |state: &mut State| {
            let room = state.batches.is_empty() || state.bytes + bytes <= self.bytes_max;
            !room && !state.deaf && state.end.is_none()
        };
        let waited = self.changed.wait_while(self.lock(), full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.deaf || state.end.is_some() {
            return false;
        }
        state.bytes += bytes;
        state.batches.push_back(batch);
        drop(state);
        self.changed.notify_all();
        true
    }

    pub(crate) fn end(&self, end: TailEnd) {
        let mut state = self.lock();
        state.end = Some(end);
        if end == TailEnd::Failed {
            state.batches.clear();
        }
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
