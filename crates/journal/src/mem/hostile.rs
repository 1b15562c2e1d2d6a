//! Any bytes as the newest segment of a journal: what fuzzing and its corpus go through.

use model::Timestamp;

use super::MemDisk;
use crate::bytes::{put, u32_at};
use crate::disk::Disk as _;
use crate::fault::OpenFault;
use crate::frame::{BLOCK, HEADER};
use crate::log::Log;
use crate::options::Options;
use crate::segment::segment_name;

/// Longer inputs teach nothing more.
const INPUT_BYTES_MAX: usize = 1 << 20;

/// Opens a journal whose first segment is `bytes`, reads it, writes to it when that is allowed,
/// and opens it once more. Returns how many records were read; `None` when it did not open.
///
/// # Panics
/// When a record that was committed does not come back, or the second start finds less than the
/// first: that is what the caller looks for.
#[must_use]
pub fn hostile_segment(bytes: &[u8]) -> Option<u64> {
    let input = bytes.get(..INPUT_BYTES_MAX).unwrap_or(bytes);
    let disk = MemDisk::new(0);
    disk.put(&segment_name(1), input.to_vec());
    let opened = Log::open(disk.handle(), small(), Timestamp::EPOCH);
    let (mut log, recovery) = match opened {
        Ok(opened) => opened,
        Err(OpenFault::Newer { .. }) => return None,
        Err(OpenFault::InUse { .. } | OpenFault::Disk { .. }) => {
            unreachable!("the disk has no fault and no lock")
        }
    };
    let read = count(&log);
    if recovery.damage.is_some() {
        return Some(read);
    }
    assert!(log.append(b"later", Timestamp::EPOCH).is_ok(), "a sound log takes records");
    assert!(log.commit().is_ok(), "a sound log commits");
    let again = Log::open(disk.after_power_cut(1), small(), Timestamp::EPOCH);
    let found = again.as_ref().map(|(log, recovery)| (count(log), recovery.last)).ok();
    assert_eq!(found, Some((read + 1, log.last())), "what was committed comes back");
    Some(read)
}

/// The same bytes with every checksum made right and every frame of the segment's salt, so that
/// a mutated input gets behind them.
#[must_use]
pub fn with_right_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.get(..INPUT_BYTES_MAX).unwrap_or(bytes).to_vec();
    let salt: Vec<u8> = bytes.get(16..24).unwrap_or(&[]).to_vec();
    for (index, block) in (0..bytes.len()).step_by(BLOCK).enumerate() {
        let Some(rest) = bytes.get_mut(block..).filter(|rest| rest.len() >= HEADER) else { break };
        let length = if index == 0 { 0 } else { u32_at(rest, 44).unwrap_or(0) };
        if index > 0 {
            put(rest, 8, &salt);
        }
        let end = HEADER.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
        let head = crc32c::crc32c(rest.get(..60).unwrap_or(&[]));
        if let Some(body) = rest.get(HEADER..end) {
            let crc = crc32c::crc32c_append(head, body);
            put(rest, 60, &crc.to_le_bytes());
        }
    }
    bytes
}

fn small() -> Options {
    Options { segment_bytes: 64 << 10, salt_seed: 9, ..Options::default() }
}

/// Records until there are no more, or no more that read back.
fn count(log: &Log<MemDisk>) -> u64 {
    let mut reader = log.reader(log.first());
    let mut read = 0;
    while let Ok(Some(batch)) = reader.next_batch() {
        read += batch.iter().count() as u64;
    }
    read
}
