//! A segment file: one block that says what it is, then frames. And how the files are named.
//! `docs/formats/journal.md`, version 1. Frozen: a later version stands beside this one.

use model::{Position, Timestamp};

use crate::bytes::{i64_at, mix, put, u16_at, u32_at, u64_at};
use crate::frame::{BLOCK, VERSION, is_possible};

pub(crate) const MAGIC: &[u8] = b"ALJS";
const CRC_AT: usize = 60;
const SEGMENT_SUFFIX: &str = ".segment";
const SPARE_SUFFIX: &str = ".spare";
const DAMAGED_SUFFIX: &str = ".damaged";

/// What the first block of a segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Counts the segments of a journal; the file is named after it.
    pub sequence: u64,
    /// Only frames with the same salt belong to this life of the file.
    pub salt: u64,
    /// Position of the first record.
    pub first: Position,
    /// The link of the last frame of the segment before.
    pub previous: u64,
    /// Newer than every record of the segment before.
    pub created: Timestamp,
}

/// Why a first block is not one of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    Damaged,
    Newer(u16),
}

impl Segment {
    /// The segment after `link` at `first`. Its salt differs from every other life of its file.
    pub(crate) fn salted(mut self, seed: u64) -> Self {
        let time = mix(self.created.micros().cast_unsigned());
        self.salt = mix(seed ^ mix(self.sequence ^ mix(self.first.get() ^ time)));
        self
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        put(&mut block, 0, MAGIC);
        put(&mut block, 4, &VERSION.to_le_bytes());
        put(&mut block, 8, &self.sequence.to_le_bytes());
        put(&mut block, 16, &self.salt.to_le_bytes());
        put(&mut block, 24, &self.first.get().to_le_bytes());
        put(&mut block, 32, &self.previous.to_le_bytes());
        put(&mut block, 40, &self.created.micros().to_le_bytes());
        let crc = crc32c::crc32c(block.get(..CRC_AT).unwrap_or(&[]));
        put(&mut block, CRC_AT, &crc.to_le_bytes());
        block
    }

    pub(crate) fn decode(block: &[u8]) -> Result<Self, HeaderFault> {
        let Some(told) = u32_at(block, CRC_AT) else { return Err(HeaderFault::Damaged) };
        let crc = crc32c::crc32c(block.get(..CRC_AT).unwrap_or(&[]));
        if !block.starts_with(MAGIC) || crc != told {
            return Err(HeaderFault::Damaged);
        }
        match u16_at(block, 4) {
            Some(VERSION) => Self::fields(block)
                .filter(|segment| is_possible(segment.first))
                .ok_or(HeaderFault::Damaged),
            Some(newer) if newer > VERSION => Err(HeaderFault::Newer(newer)),
            _ => Err(HeaderFault::Damaged),
        }
    }

    fn fields(block: &[u8]) -> Option<Self> {
        Some(Self {
            sequence: u64_at(block, 8)?,
            salt: u64_at(block, 16)?,
            first: Position::new(u64_at(block, 24)?),
            previous: u64_at(block, 32)?,
            created: Timestamp::from_micros(i64_at(block, 40)?),
        })
    }

    pub(crate) fn name(&self) -> String {
        segment_name(self.sequence)
    }
}

pub(crate) fn segment_name(sequence: u64) -> String {
    format!("{sequence:016}{SEGMENT_SUFFIX}")
}

pub(crate) fn spare_name(sequence: u64) -> String {
    format!("{sequence:016}{SPARE_SUFFIX}")
}

pub(crate) fn damaged_name(sequence: u64) -> String {
    format!("{sequence:016}{DAMAGED_SUFFIX}")
}

/// The sequence in the name of a segment.
pub(crate) fn segment_sequence(name: &str) -> Option<u64> {
    sequence_before(name, SEGMENT_SUFFIX)
}

/// The sequence in the name of a spare: that of its former life.
pub(crate) fn spare_sequence(name: &str) -> Option<u64> {
    sequence_before(name, SPARE_SUFFIX)
}

fn sequence_before(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_suffix(suffix)?;
    let canonical = digits.len() >= 16 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| canonical)
}

#[cfg(test)]
mod tests;
