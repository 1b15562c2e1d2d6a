//! The single-threaded core: appends, commits, recovers, retains. Everything it does to the disk
//! happens inside a call of its caller, in an order that depends on its arguments alone.

mod recovery;
pub(crate) mod scan;

use std::collections::VecDeque;
use std::sync::Arc;

use model::{Position, Timestamp};

use crate::disk::{Disk, DiskFile};
use crate::fault::{CommitFault, Full, OpenFault};
use crate::frame::{BLOCK, Frame, Header, PREFIX, RECORD_BYTES_MAX, Seal};
use crate::options::Options;
use crate::reader::LogReader;
use crate::segment::{Segment, segment_name, spare_name};
use crate::table::{Entry, Retention, Shared};

pub use recovery::{Damage, Recovery, TornTail};

/// A segment that was never used is filled with zeros this far ahead of the writer. A start costs
/// one such step and not 64 MiB; a commit of 4 KiB meets one in 256 times, an idle writer never.
const FILL_STEP: u64 = 1 << 20;
const ZEROS: &[u8] = &[0; 64 << 10];

/// The journal of one directory.
#[derive(Debug)]
pub struct Log<D: Disk> {
    disk: D,
    options: Options,
    shared: Arc<Shared>,
    /// `None` when the log is read-only.
    current: Option<Current<D::File>>,
    /// Position of the next record to be committed.
    next: Position,
    /// Stands for all frames so far.
    link: u64,
    /// What `append` gathers.
    pending: Frame,
    /// When the newest record of `pending` was appended.
    pending_time: Timestamp,
    /// The header of the frame that `prepare` sealed and `write` has to write.
    prepared: Option<Header>,
    /// Files to recycle, by the sequence in their names.
    spares: VecDeque<u64>,
}

/// The segment that is written to.
#[derive(Debug)]
struct Current<F> {
    segment: Segment,
    file: F,
    /// Where the next frame goes.
    offset: u64,
    /// Up to here the file has its blocks.
    filled: u64,
    /// Nothing may be written behind a torn frame: the next commit starts a segment.
    closed: bool,
}

impl<D: Disk> Log<D> {
    /// Opens, or creates, the journal on `disk` and recovers it.
    ///
    /// # Errors
    /// When the disk cannot be read or written, or a newer program has written there. Damage is
    /// not an error: `Recovery` tells, and the log is read-only.
    pub fn open(disk: D, options: Options, now: Timestamp) -> Result<(Self, Recovery), OpenFault> {
        recovery::open(disk, options.within_limits(), now)
    }

    /// Adds `record` to the next commit. Its position is final once `commit` returned `Ok`.
    ///
    /// # Errors
    /// `Busy` when the batch has no room for it: commit first. `Stopped` when the log is
    /// read-only.
    ///
    /// # Panics
    /// When `record` is longer than `RECORD_BYTES_MAX`.
    pub fn append(&mut self, record: &[u8], now: Timestamp) -> Result<Position, Full> {
        assert!(record.len() <= RECORD_BYTES_MAX, "the caller bounds its records");
        if self.current.is_none() {
            return Err(Full::Stopped);
        }
        if !self.pending.has_room(record.len() + PREFIX, self.options.batch_bytes_max) {
            return Err(Full::Busy);
        }
        let position = self.next.after(u64::from(self.pending.len()));
        self.pending.push(record);
        self.pending_time = now;
        Ok(position)
    }

    /// Makes all appended records durable, as one frame. Returns the last durable position.
    ///
    /// # Errors
    /// After `Full` the records are kept: call again. Any other fault is final.
    pub fn commit(&mut self) -> Result<Position, CommitFault> {
        if self.pending.is_empty() {
            return if self.current.is_some() {
                Ok(self.last())
            } else {
                Err(CommitFault::ReadOnly)
            };
        }
        let mut frame = std::mem::take(&mut self.pending);
        let done = self.prepare(&mut frame, self.pending_time).and_then(|()| self.write(&frame));
        if done.is_ok() {
            frame.clear(self.options.batch_bytes_max);
        }
        self.pending = frame;
        done
    }

    /// Makes room for `frame` and seals it for its place. May be repeated after `Full`.
    pub(crate) fn prepare(&mut self, frame: &mut Frame, now: Timestamp) -> Result<(), CommitFault> {
        let length = frame.padded_len() as u64;
        let Some(current) = self.current.as_ref() else { return Err(CommitFault::ReadOnly) };
        let used = current.offset > BLOCK as u64;
        // A frame longer than a segment has one of its own, which is then longer.
        if current.closed || (used && current.offset + length > self.options.segment_bytes) {
            let rolled = self.roll(now);
            self.settle(rolled)?;
        }
        let filled = self.fill(length);
        self.settle(filled)?;
        let Some(current) = self.current.as_ref() else { return Err(CommitFault::ReadOnly) };
        let (salt, first, previous) = (current.segment.salt, self.next, self.link);
        self.prepared = Some(frame.seal(Seal { salt, first, previous, time: now }));
        Ok(())
    }

    /// Writes and syncs the frame that `prepare` sealed. May be repeated after `Full`.
    ///
    /// # Panics
    /// When another frame was prepared.
    pub(crate) fn write(&mut self, frame: &Frame) -> Result<Position, CommitFault> {
        let Some(current) = self.current.as_mut() else { return Err(CommitFault::ReadOnly) };
        let header = self.prepared.filter(|header| header.first == frame.first());
        assert!(header.is_some(), "a frame is prepared before it is written");
        let bytes = frame.padded();
        let written = current
            .file
            .write_at(bytes, current.offset)
            .map_err(CommitFault::of_write)
            .and_then(|()| current.file.sync_data().map_err(CommitFault::Sync));
        if written.is_ok() {
            current.offset += bytes.len() as u64;
            current.filled = current.filled.max(current.offset);
        }
        self.settle(written)?;
        if let Some(header) = header {
            (self.next, self.link) = (header.next(), header.link());
        }
        self.prepared = None;
        self.shared.commit(self.next);
        Ok(self.last())
    }

    /// Ends the log with a frame without records. After that, damage to the last record can be
    /// told from a torn write.
    ///
    /// # Errors
    /// As `commit`.
    pub fn close(&mut self, now: Timestamp) -> Result<(), CommitFault> {
        let mut frame = Frame::default();
        self.prepare(&mut frame, now)?;
        self.write(&frame)?;
        Ok(())
    }

    /// Fills the segment with zeros further ahead, for a caller that has nothing to commit.
    ///
    /// # Errors
    /// As `commit`; `Full` may be ignored, the next commit meets it.
    pub fn fill_ahead(&mut self) -> Result<(), CommitFault> {
        let limit = self.options.segment_bytes;
        let Some(current) = self.current.as_ref() else { return Ok(()) };
        let short = current.filled < limit.min(current.offset + FILL_STEP / 2);
        if current.closed || !short {
            return Ok(());
        }
        let (from, until) = (current.filled, limit.min(current.filled + FILL_STEP));
        let filled = self.write_zeros(from, until).and_then(|()| match self.current.as_mut() {
            Some(current) => current.file.sync_data().map_err(CommitFault::Sync),
            None => Ok(()),
        });
        self.settle(filled)
    }

    /// Retires segments that are too old or too many, except those with positions from
    /// `keep_from` on. Returns how many.
    ///
    /// # Errors
    /// As `commit`.
    pub fn retain(&mut self, now: Timestamp, keep_from: Position) -> Result<usize, CommitFault> {
        let older_than = now.saturating_sub(self.options.retain_age);
        let limits = Retention { keep_from, older_than, bytes: self.options.retain_bytes };
        let mut retired = 0;
        while self.current.is_some() {
            let Some(entry) = self.shared.table().retirable(&limits) else { break };
            // Readers must find it missing from the table before it is missing from the disk.
            self.shared.table().entries.retain(|other| other.segment != entry.segment);
            let outcome = self.retire(entry.segment.sequence);
            if outcome.is_err() {
                self.shared.table().entries.insert(0, entry);
            }
            self.settle(outcome)?;
            retired += 1;
        }
        Ok(retired)
    }

    /// Reads committed records from `from` on, while this log goes on writing.
    #[must_use]
    pub fn reader(&self, from: Position) -> LogReader<D> {
        LogReader::new(self.disk.handle(), Arc::clone(&self.shared), from)
    }

    /// Position of the oldest record kept, or of the first to come.
    #[must_use]
    pub fn first(&self) -> Position {
        self.shared.table().first()
    }

    /// Position of the newest durable record.
    #[must_use]
    pub fn last(&self) -> Position {
        Position::new(self.next.get().saturating_sub(1))
    }

    /// Whether nothing can be committed any more.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.current.is_none()
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.shared.table().bytes()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    pub(crate) fn disk_handle(&self) -> D {
        self.disk.handle()
    }

    /// Starts the next segment, in a recycled file when there is one. Nothing of it counts before
    /// the rename, which follows the sync of its first block; so it may be repeated.
    fn roll(&mut self, now: Timestamp) -> Result<(), CommitFault> {
        let sequence = self.current.as_ref().map_or(1, |current| current.segment.sequence + 1);
        let (first, previous) = (self.next, self.link);
        let segment = Segment { sequence, salt: 0, first, previous, created: now };
        self.start(segment.salted(self.options.salt_seed))
    }

    fn start(&mut self, segment: Segment) -> Result<(), CommitFault> {
        let recycled = self.spares.front().copied();
        let spare = spare_name(recycled.unwrap_or(segment.sequence));
        let opened = match recycled {
            Some(_) => self.disk.open(&spare),
            None => self.disk.create(&spare, FILL_STEP.min(self.options.segment_bytes)),
        };
        let mut file = opened.map_err(CommitFault::of_write)?;
        if recycled.is_none() {
            self.spares.push_front(segment.sequence);
        }
        file.write_at(&segment.encode(), 0).map_err(CommitFault::of_write)?;
        file.sync_data().map_err(CommitFault::Sync)?;
        let bytes = file.len().map_err(CommitFault::Write)?;
        self.disk.rename(&spare, &segment.name()).map_err(CommitFault::of_write)?;
        self.disk.sync().map_err(CommitFault::Sync)?;
        self.spares.pop_front();
        self.shared.table().entries.push(Entry { segment, bytes });
        let filled = bytes - bytes % BLOCK as u64;
        let offset = BLOCK as u64;
        self.current = Some(Current { segment, file, offset, filled, closed: false });
        Ok(())
    }

    /// Sees to it that the next `length` bytes of the segment have their blocks, and some more.
    fn fill(&mut self, length: u64) -> Result<(), CommitFault> {
        let Some(current) = self.current.as_ref() else { return Ok(()) };
        let end = current.offset + length;
        if end <= current.filled {
            return Ok(());
        }
        // What the frame covers it brings itself.
        self.write_zeros(end, end.max(self.options.segment_bytes.min(end + FILL_STEP)))
    }

    fn write_zeros(&mut self, from: u64, until: u64) -> Result<(), CommitFault> {
        let Some(current) = self.current.as_mut() else { return Ok(()) };
        let mut at = from;
        while at < until {
            let step = usize::try_from(until - at).unwrap_or(usize::MAX).min(ZEROS.len());
            let zeros = ZEROS.get(..step).unwrap_or(ZEROS);
            current.file.write_at(zeros, at).map_err(CommitFault::of_write)?;
            at += zeros.len() as u64;
        }
        current.filled = until;
        let (sequence, bytes) = (current.segment.sequence, current.filled);
        for entry in &mut self.shared.table().entries {
            if entry.segment.sequence == sequence {
                entry.bytes = bytes;
            }
        }
        Ok(())
    }

    fn retire(&mut self, sequence: u64) -> Result<(), CommitFault> {
        let name = segment_name(sequence);
        if self.spares.len() < self.options.spares_max {
            self.disk.rename(&name, &spare_name(sequence)).map_err(CommitFault::of_write)?;
            self.spares.push_back(sequence);
        } else {
            self.disk.remove(&name).map_err(CommitFault::of_write)?;
        }
        // Before the next one goes: a hole in the sequence would be read as damage.
        self.disk.sync().map_err(CommitFault::Sync)
    }

    /// After a final fault nothing is written any more.
    fn settle<T>(&mut self, outcome: Result<T, CommitFault>) -> Result<T, CommitFault> {
        if outcome.as_ref().is_err_and(|fault| !fault.is_retryable()) {
            self.current = None;
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
