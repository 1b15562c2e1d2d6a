//! What a start does: lists the segments, replays the newest one, decides how it ends.
//!
//! Only the newest segment can end in a torn frame, since the one before was synced before the
//! next was started. Older segments are verified when they are read.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use model::{Position, Timestamp};

use super::scan::{Ending, Scan, scan};
use super::{Current, Log};
use crate::disk::{Disk, DiskFile};
use crate::fault::{CommitFault, OpenFault};
use crate::frame::{BLOCK, Frame, VERSION, leaves_room};
use crate::options::Options;
use crate::segment::{
    HeaderFault, Segment, damaged_name, segment_name, segment_sequence, spare_sequence,
};
use crate::table::{Entry, Shared};

/// What a start found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Position of the oldest record kept, or of the first to come.
    pub first: Position,
    /// Position of the newest durable record.
    pub last: Position,
    /// Number of segments.
    pub segments: usize,
    /// Frames of the newest segment, all verified.
    pub frames: u64,
    /// A commit that a power cut or kill left half written. Nobody was told that it is durable.
    pub torn: Option<TornTail>,
    /// What was durable and does not read back. The log is read-only.
    pub damage: Option<Damage>,
}

/// Where a half-written commit was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// File name of the segment.
    pub segment: String,
    /// Where the half-written frame starts.
    pub offset: u64,
}

/// Where the journal does not read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// File name of the segment.
    pub segment: String,
    /// Where the frame or header that does not hold starts.
    pub offset: u64,
    /// The first position that cannot be read.
    pub position: Position,
    /// File name of the copy put aside, when there was a file and room for a copy.
    pub copy: Option<String>,
}

/// Segments that follow each other, and what ended their row.
struct Row<F> {
    entries: Vec<Entry>,
    newest: Option<F>,
    /// Sequence of a segment that is missing or whose first block does not hold.
    broken: Option<u64>,
}

pub(super) fn open<D: Disk>(
    disk: D,
    options: Options,
    now: Timestamp,
) -> Result<(Log<D>, Recovery), OpenFault> {
    // A killed process may have renamed a segment without having synced that.
    disk.sync().map_err(OpenFault::disk("synced"))?;
    let names = disk.list().map_err(OpenFault::disk("listed"))?;
    let mut segments: Vec<u64> = names.iter().filter_map(|name| segment_sequence(name)).collect();
    segments.sort_unstable();
    let mut spares: Vec<u64> = names.iter().filter_map(|name| spare_sequence(name)).collect();
    spares.sort_unstable();
    let mut row = read_row(&disk, &segments)?;
    let (newest, scanned) = match (row.newest.take(), row.entries.last()) {
        (Some(mut file), Some(entry)) => {
            let scanned = replay(&mut file, &entry.segment).map_err(OpenFault::disk("read"))?;
            (Some((file, *entry)), Some(scanned))
        }
        _ => (None, None),
    };
    let start = if row.broken.is_some() { Position::new(1) } else { options.start };
    let mut log = Log {
        disk,
        shared: Arc::new(Shared::new(row.entries, scanned.map_or(start, |scan| scan.next))),
        current: None,
        next: scanned.map_or(start, |scan| scan.next),
        link: scanned.map_or(0, |scan| scan.link),
        pending: Frame::default(),
        pending_time: now,
        prepared: None,
        spares: VecDeque::from(spares),
        options,
    };
    let recovery = log.resume(newest, scanned, row.broken, now)?;
    Ok((log, recovery))
}

impl<D: Disk> Log<D> {
    fn resume(
        &mut self,
        newest: Option<(D::File, Entry)>,
        scanned: Option<Scan>,
        broken: Option<u64>,
        now: Timestamp,
    ) -> Result<Recovery, OpenFault> {
        let (mut torn, mut damage) = (None, broken.map(|sequence| (sequence, 0)));
        if let (Some((file, entry)), Some(scan)) = (newest, scanned) {
            let segment = entry.segment;
            let ending = if leaves_room(scan.next) { scan.ending } else { Ending::Damaged };
            match ending {
                Ending::Damaged => damage = Some((segment.sequence, scan.offset)),
                Ending::Torn => {
                    torn = Some(TornTail { segment: segment.name(), offset: scan.offset });
                }
                Ending::Clean => {}
            }
            let closed = ending == Ending::Torn;
            let filled = entry.bytes - entry.bytes % BLOCK as u64;
            let offset = scan.offset;
            self.current = Some(Current { segment, file, offset, filled, closed });
        } else if broken.is_none() {
            self.roll(now).map_err(cannot_start)?;
        }
        let damage = damage.map(|(sequence, offset)| self.quarantine(sequence, offset));
        Ok(Recovery {
            first: self.first(),
            last: self.last(),
            segments: self.shared.table().entries.len(),
            frames: scanned.map_or(0, |scan| scan.frames),
            torn,
            damage,
        })
    }

    /// Makes the log read-only and keeps a copy of what was found.
    fn quarantine(&mut self, sequence: u64, offset: u64) -> Damage {
        self.current = None;
        let copy = match put_aside(&self.disk, sequence) {
            Ok(copy) => copy,
            Err(fault) => {
                tracing::warn!(%fault, sequence, "no copy of the damaged journal segment");
                None
            }
        };
        Damage { segment: segment_name(sequence), offset, position: self.next, copy }
    }
}

fn cannot_start(fault: CommitFault) -> OpenFault {
    let source = match fault {
        CommitFault::Full(source) | CommitFault::Write(source) | CommitFault::Sync(source) => {
            source
        }
        other @ (CommitFault::ReadOnly | CommitFault::Panicked) => io::Error::other(other),
    };
    OpenFault::Disk { doing: "started", source }
}

fn read_row<D: Disk>(disk: &D, sequences: &[u64]) -> Result<Row<D::File>, OpenFault> {
    let mut row = Row { entries: Vec::new(), newest: None, broken: None };
    let mut expected = sequences.first().copied();
    for &sequence in sequences {
        let name = segment_name(sequence);
        let file = disk.open(&name).map_err(OpenFault::disk("opened"))?;
        let segment = read_header(&file).map_err(OpenFault::disk("read"))?;
        let segment = match segment {
            Err(HeaderFault::Newer(found)) => {
                return Err(OpenFault::Newer { segment: name.into(), found, known: VERSION });
            }
            Ok(segment) if segment.sequence == sequence => segment,
            Ok(_) | Err(HeaderFault::Damaged) => {
                row.broken = row.broken.or(expected);
                continue;
            }
        };
        let before = row.entries.last().map_or(Position::ZERO, |entry| entry.segment.first);
        if expected != Some(sequence) || segment.first < before {
            row.broken = row.broken.or(expected);
        }
        // What follows a hole is looked at only for its version.
        if row.broken.is_none() {
            let bytes = file.len().map_err(OpenFault::disk("read"))?;
            row.entries.push(Entry { segment, bytes });
            row.newest = Some(file);
            expected = sequence.checked_add(1);
        }
    }
    Ok(row)
}

fn read_header(file: &impl DiskFile) -> io::Result<Result<Segment, HeaderFault>> {
    let mut block = [0; BLOCK];
    let read = file.read_at(&mut block, 0)?;
    Ok(Segment::decode(block.get(..read).unwrap_or(&[])))
}

/// A frame in the system's memory may not be on the disk, or never get there: a killed process
/// leaves the first kind, a failed fsync the second. So first sync, then forget, then read.
fn replay(file: &mut impl DiskFile, segment: &Segment) -> io::Result<Scan> {
    file.sync_data()?;
    file.forget_cache();
    scan(file, segment)
}

/// Copies the segment, unless a copy is there from an earlier start.
fn put_aside<D: Disk>(disk: &D, sequence: u64) -> io::Result<Option<String>> {
    let (name, copy) = (segment_name(sequence), damaged_name(sequence));
    let names = disk.list()?;
    if names.contains(&copy) {
        return Ok(Some(copy));
    }
    if !names.contains(&name) {
        return Ok(None);
    }
    let (from, mut into) = (disk.open(&name)?, disk.create(&copy, 0)?);
    let mut buffer = vec![0; 256 << 10];
    let mut at = 0;
    loop {
        let read = from.read_at(&mut buffer, at)?;
        match buffer.get(..read) {
            Some(bytes) if !bytes.is_empty() => into.write_at(bytes, at)?,
            _ => break,
        }
        at += read as u64;
    }
    into.sync_data()?;
    disk.sync()?;
    Ok(Some(copy))
}

#[cfg(test)]
mod tests;
