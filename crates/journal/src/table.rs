//! What the writer tells its readers: which segments there are and how far they are committed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Position, Timestamp};

use crate::segment::Segment;

/// Shared by a log and its readers.
#[derive(Debug)]
pub(crate) struct Shared {
    table: Mutex<Table>,
    /// Told after each commit.
    moved: Condvar,
}

/// A segment and the length of its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub segment: Segment,
    pub bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Table {
    /// Oldest first; the last one is written to.
    pub entries: Vec<Entry>,
    /// Everything before is fsynced.
    pub next: Position,
}

/// Where a position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Not committed yet.
    Ahead,
    /// Retention took it; the oldest kept is `first`.
    Gone { first: Position },
    /// In this segment, whose committed records end before `until`.
    Inside { segment: Segment, until: Position },
}

impl Shared {
    pub(crate) fn new(entries: Vec<Entry>, next: Position) -> Self {
        Self { table: Mutex::new(Table { entries, next }), moved: Condvar::new() }
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        // A panic while it is held ends the process; until then the numbers are still true.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn commit(&self, next: Position) {
        self.table().next = next;
        self.moved.notify_all();
    }

    /// Waits until `from` is committed, at most `timeout`.
    pub(crate) fn wait_for(&self, from: Position, timeout: Duration) {
        let table = self.table();
        let waited = self.moved.wait_timeout_while(table, timeout, |table| table.next <= from);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Wakes whoever waits for a commit, because none may come.
    pub(crate) fn wake(&self) {
        self.moved.notify_all();
    }

    pub(crate) fn view(&self, wanted: Position) -> View {
        self.table().view(wanted)
    }

    pub(crate) fn holds(&self, sequence: u64) -> bool {
        self.table().entries.iter().any(|entry| entry.segment.sequence == sequence)
    }
}

impl Table {
    pub(crate) fn first(&self) -> Position {
        self.entries.first().map_or(self.next, |entry| entry.segment.first)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.bytes).sum()
    }

    fn view(&self, wanted: Position) -> View {
        let first = self.first();
        if wanted < first {
            return View::Gone { first };
        }
        if wanted >= self.next {
            return View::Ahead;
        }
        // Of segments with the same first position all but the last are empty.
        let behind = self.entries.partition_point(|entry| entry.segment.first <= wanted);
        let until = self.entries.get(behind).map_or(self.next, |entry| entry.segment.first);
        match behind.checked_sub(1).and_then(|at| self.entries.get(at)) {
            Some(entry) => View::Inside { segment: entry.segment, until },
            None => View::Gone { first },
        }
    }

    /// The oldest segment, when retention may take it: another one follows, no reader needs its
    /// records, and it is too old or the journal too long.
    pub(crate) fn retirable(&self, limits: &Retention) -> Option<Entry> {
        let (oldest, follower) = (self.entries.first()?, self.entries.get(1)?);
        let unneeded = follower.segment.first <= limits.keep_from;
        let too_old = follower.segment.created <= limits.older_than;
        let too_long = self.bytes() > limits.bytes;
        (unneeded && (too_old || too_long)).then_some(*oldest)
    }
}

/// What retention goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    pub keep_from: Position,
    pub older_than: Timestamp,
    pub bytes: u64,
}
