//! All records from a position on: first from disk, then live, without a gap or a duplicate.

use std::time::Duration;

use model::Position;

use crate::batch::Batch;
use crate::clock;
use crate::disk::{Disk, FsDisk};
use crate::fault::ReadFault;
use crate::journal::Journal;
use crate::reader::LogReader;
use crate::tail::{Tail, TailEnd};

/// What a reader that resumes uses.
///
/// It ends with `ReadFault::Stopped`: with `TailEnd::Stopped` after the last record of a journal
/// that was stopped, with `TailEnd::Failed` when the journal failed, in which case records that
/// had not become durable are left out. Any other fault is one of the disk, or of a retention
/// that was not told what this reader needs.
#[derive(Debug)]
pub struct Follower<D: Disk = FsDisk> {
    journal: Journal<D>,
    reader: LogReader<D>,
    /// Made only when the disk has been read to its end, so that a long replay blocks nobody.
    tail: Option<Tail>,
}

impl<D: Disk> Follower<D> {
    pub(crate) fn new(journal: Journal<D>, from: Position) -> Self {
        let reader = journal.reader(from);
        Self { journal, reader, tail: None }
    }

    /// The next records; `None` when none came within `timeout`. A batch may come before it is
    /// durable.
    ///
    /// # Errors
    /// As told at the type.
    pub fn recv(&mut self, timeout: Duration) -> Result<Option<Batch>, ReadFault> {
        let deadline = clock::steady() + timeout;
        loop {
            if let Some(tail) = self.live_tail() {
                let left = deadline.saturating_duration_since(clock::steady());
                return tail.recv(left).map_err(ReadFault::Stopped);
            }
            if let Some(batch) = self.reader.next_batch()? {
                return Ok(Some(batch));
            }
            if self.tail.is_none() {
                self.tail = Some(self.journal.tail());
                continue;
            }
            // Between disk and tail lies a batch that is being committed at this moment.
            if self.journal.has_failed() {
                return Err(ReadFault::Stopped(TailEnd::Failed));
            }
            let left = deadline.saturating_duration_since(clock::steady());
            if left.is_zero() {
                return Ok(None);
            }
            self.journal.shared().wait_for(self.reader.position(), left.min(PATIENCE));
        }
    }

    /// The tail, once the disk was read up to where it starts.
    fn live_tail(&self) -> Option<&Tail> {
        self.tail.as_ref().filter(|tail| tail.starts_at() <= self.reader.position())
    }
}

/// A commit that fails or is given up wakes nobody who waits for its position: so look again.
const PATIENCE: Duration = Duration::from_millis(100);
