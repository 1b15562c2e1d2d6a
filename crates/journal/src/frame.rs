//! One commit on disk: a header, records with their lengths, zeros up to the next block.
//! `docs/formats/journal.md`, version 1. Frozen: a later version stands beside this one.

use model::{Position, Timestamp};

use crate::batch::Pending;
use crate::bytes::{i64_at, mix, put, u16_at, u32_at, u64_at};

/// Frames start on multiples of this, so that a commit never rewrites a block with earlier data.
pub(crate) const BLOCK: usize = 4096;
pub(crate) const HEADER: usize = 64;
pub(crate) const VERSION: u16 = 1;
/// The length in front of each record.
pub(crate) const PREFIX: usize = 4;
/// A retained firmware image or picture; MQTT itself would allow 256 MiB.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// The longest record and what a turn of a shard had gathered before it.
pub const FRAME_BYTES_MAX: usize = RECORD_BYTES_MAX + (4 << 20);

const MAGIC: &[u8] = b"ALJF";
const CRC_AT: usize = 60;

/// The 64 bytes in front of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Of the segment it was written for; others are leftovers of the file's earlier life.
    pub salt: u64,
    /// Of the first record; of the next one to come when there is none.
    pub first: Position,
    /// The link of the frame before.
    pub previous: u64,
    pub time: Timestamp,
    pub count: u32,
    /// Bytes of the records with their lengths, without the zeros behind them.
    pub length: u32,
    pub crc: u32,
}

impl Header {
    /// The header that starts `block`, its checksum not yet looked at.
    pub(crate) fn parse(block: &[u8]) -> Option<Self> {
        if !block.starts_with(MAGIC) || u16_at(block, 4)? != VERSION {
            return None;
        }
        let header = Self {
            salt: u64_at(block, 8)?,
            first: Position::new(u64_at(block, 16)?),
            previous: u64_at(block, 24)?,
            time: Timestamp::from_micros(i64_at(block, 32)?),
            count: u32_at(block, 40)?,
            length: u32_at(block, 44)?,
            crc: u32_at(block, CRC_AT)?,
        };
        let holds = header.body_len() <= FRAME_BYTES_MAX
            && is_possible(header.first)
            && is_possible(header.next());
        holds.then_some(header)
    }

    pub(crate) fn body_len(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }

    /// Bytes on disk, zeros included.
    pub(crate) fn padded_len(&self) -> usize {
        (HEADER + self.body_len()).next_multiple_of(BLOCK)
    }

    /// Position of the first record of the next frame.
    pub(crate) fn next(&self) -> Position {
        self.first.after(u64::from(self.count))
    }

    /// Stands for this frame and all before it.
    pub(crate) fn link(&self) -> u64 {
        mix(self.previous ^ mix((u64::from(self.crc) << 32) | u64::from(self.length)))
    }

    fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 4, &VERSION.to_le_bytes());
        put(&mut bytes, 8, &self.salt.to_le_bytes());
        put(&mut bytes, 16, &self.first.get().to_le_bytes());
        put(&mut bytes, 24, &self.previous.to_le_bytes());
        put(&mut bytes, 32, &self.time.micros().to_le_bytes());
        put(&mut bytes, 40, &self.count.to_le_bytes());
        put(&mut bytes, 44, &self.length.to_le_bytes());
        put(&mut bytes, CRC_AT, &self.crc.to_le_bytes());
        bytes
    }
}

/// Whether a site can ever have come to `position`: a million records a second take 146,000 years.
/// A checksum that holds over an impossible one was not made by a journal.
pub(crate) fn is_possible(position: Position) -> bool {
    (1..=1 << 62).contains(&position.get())
}

/// Whether a log that begins to write at `position` stays among those that are possible: as far
/// again as any log has come lies ahead of it.
pub(crate) fn leaves_room(position: Position) -> bool {
    position.get() <= 1 << 61
}

/// What a frame is sealed with: where it will lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seal {
    pub salt: u64,
    pub first: Position,
    pub previous: u64,
    pub time: Timestamp,
}

/// The buffer of one frame: filled, sealed, written, read from by tails, and used again.
#[derive(Debug)]
pub struct Frame {
    /// Room for the header, then records with their lengths, then zeros once sealed.
    bytes: Vec<u8>,
    /// Where the records end.
    body_end: usize,
    count: u32,
    first: Position,
    time: Timestamp,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            bytes: vec![0; HEADER],
            body_end: HEADER,
            count: 0,
            first: Position::ZERO,
            time: Timestamp::EPOCH,
        }
    }
}

impl Frame {
    /// The frame in `bytes`, when its checksum and the lengths of its records hold.
    pub(crate) fn verify(header: &Header, bytes: Vec<u8>) -> Option<Self> {
        let body_end = HEADER + header.body_len();
        let body = bytes.get(HEADER..body_end)?;
        let whole =
            checksum(bytes.get(..CRC_AT)?, body) == header.crc && records_fill(header, body);
        let (count, first, time) = (header.count, header.first, header.time);
        whole.then_some(Self { bytes, body_end, count, first, time })
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether there is no record in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Position of the first record, once sealed.
    pub(crate) fn first(&self) -> Position {
        self.first
    }

    pub(crate) fn time(&self) -> Timestamp {
        self.time
    }

    pub(crate) fn body_len(&self) -> usize {
        self.body_end - HEADER
    }

    /// Records with their lengths.
    pub(crate) fn body(&self) -> &[u8] {
        self.bytes.get(HEADER..self.body_end).unwrap_or(&[])
    }

    /// All bytes as they lie on disk, once sealed.
    pub(crate) fn padded(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn padded_len(&self) -> usize {
        self.body_end.next_multiple_of(BLOCK)
    }

    /// Whether `more` bytes of records fit: into `limit`, or, alone, into the longest frame.
    pub(crate) fn has_room(&self, more: usize, limit: usize) -> bool {
        let limit = if self.is_empty() { FRAME_BYTES_MAX } else { limit };
        self.body_len().saturating_add(more) <= limit
    }

    /// # Panics
    /// When the caller did not ask `has_room`.
    pub(crate) fn extend(&mut self, pending: &Pending) {
        self.unseal();
        self.bytes.extend_from_slice(pending.as_bytes());
        self.body_end = self.bytes.len();
        self.count += pending.len();
        assert!(self.body_len() <= FRAME_BYTES_MAX, "a frame is bounded");
    }

    /// # Panics
    /// When the caller did not ask `has_room`.
    pub(crate) fn push(&mut self, record: &[u8]) {
        self.unseal();
        let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(record);
        self.body_end = self.bytes.len();
        self.count += 1;
        assert!(self.body_len() <= FRAME_BYTES_MAX, "a frame is bounded");
    }

    /// Writes the header and the zeros behind. May be done again for another place.
    pub(crate) fn seal(&mut self, seal: Seal) -> Header {
        self.unseal();
        (self.first, self.time) = (seal.first, seal.time);
        let mut header = Header {
            salt: seal.salt,
            first: seal.first,
            previous: seal.previous,
            time: seal.time,
            count: self.count,
            length: u32::try_from(self.body_len()).unwrap_or(u32::MAX),
            crc: 0,
        };
        let open = header.encode();
        header.crc = checksum(open.get(..CRC_AT).unwrap_or(&[]), self.body());
        put(&mut self.bytes, 0, &header.encode());
        self.bytes.resize(self.padded_len(), 0);
        header
    }

    /// Empty, with its memory kept unless it had to grow beyond `keep`.
    pub(crate) fn clear(&mut self, keep: usize) {
        self.bytes.truncate(HEADER);
        self.bytes.shrink_to(keep);
        (self.body_end, self.count) = (HEADER, 0);
    }

    fn unseal(&mut self) {
        self.bytes.truncate(self.body_end);
    }
}

fn checksum(head: &[u8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(head), body)
}

fn records_fill(header: &Header, body: &[u8]) -> bool {
    let mut rest = body;
    for _ in 0..header.count {
        match split_record(rest) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.is_empty()
}

/// The first record of `body` and what is behind it.
pub(crate) fn split_record(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::try_from(u32_at(body, 0)?).ok()?;
    body.get(PREFIX..)?.split_at_checked(length)
}

#[cfg(test)]
mod tests;
