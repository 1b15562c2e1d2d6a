//! The log of everything that was written to a block device, as QEMU's `blklogwrites` filter keeps
//! it. The format is that of Linux's dm-log-writes; numbers are little-endian:
//!
//! ```text
//! sector 0         magic u64 = 0x6a736677736872, version u64 = 1, entries u64, sector bytes u32
//! then, for each   first sector u64, sectors u64, flags u64, data bytes u64;
//! write, in order  padded to a sector; then the sectors written, except for a discard
//! ```
//! flags: 1 flush, 2 force unit access, 4 discard, 8 mark.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};

const MAGIC: u64 = 0x006a_7366_7773_6872;
const VERSION: u64 = 1;
const ENTRIES_AT: u64 = 16;
const ENTRY_BYTES: usize = 32;

const FLUSH: u64 = 1;
const FORCE: u64 = 2;
const DISCARD: u64 = 4;

/// One write, flush or discard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where on the device, in bytes.
    pub target: u64,
    pub bytes: u64,
    /// Where in the log its bytes are.
    pub data_at: u64,
    pub flags: u64,
}

impl Entry {
    /// Everything before it is on the disk.
    #[must_use]
    pub(super) const fn is_flush(&self) -> bool {
        self.flags & FLUSH != 0
    }

    /// It is on the disk itself once it returned.
    #[must_use]
    pub(super) const fn is_forced(&self) -> bool {
        self.flags & FORCE != 0
    }

    #[must_use]
    pub(super) const fn is_discard(&self) -> bool {
        self.flags & DISCARD != 0
    }
}

/// How many entries a log has by its header. The filter writes the header before a request
/// returns (with `log-super-update-interval=1`), so every write that anybody knows of is counted.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn count(log: &File) -> std::io::Result<u64> {
    let mut field = [0; 8];
    log.read_exact_at(&mut field, ENTRIES_AT)?;
    Ok(u64::from_le_bytes(field))
}

#[derive(Debug)]
pub(super) struct WriteLog {
    file: File,
    entries: Vec<Entry>,
}

impl WriteLog {
    /// # Errors
    /// When the file is no such log.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let mut head = [0; 28];
        file.read_exact_at(&mut head, 0).context("the write log has no header")?;
        let [magic, version, count] = [0, 8, 16].map(|at| u64_at(&head, at));
        ensure!(magic == Some(MAGIC), "this is no write log");
        ensure!(version == Some(VERSION), "version {version:?} of the write log is not known");
        let sector = head.get(24..28).and_then(|bytes| bytes.try_into().ok());
        let sector = u64::from(sector.map(u32::from_le_bytes).context("the header is short")?);
        let entries = read_entries(&file, count.unwrap_or(0), sector)?;
        Ok(Self { file, entries })
    }

    #[must_use]
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// # Errors
    /// When the log cannot be read.
    pub(super) fn data(&self, entry: &Entry) -> Result<Vec<u8>> {
        let mut data = vec![0; usize::try_from(entry.bytes)?];
        if !entry.is_discard() {
            self.file.read_exact_at(&mut data, entry.data_at).context("the write log is short")?;
        }
        Ok(data)
    }
}

fn read_entries(file: &File, count: u64, sector: u64) -> Result<Vec<Entry>> {
    ensure!(sector.is_power_of_two() && sector >= 512, "sectors of {sector} bytes");
    let (mut at, mut entries) = (sector, Vec::new());
    for number in 0..count {
        let mut head = [0; ENTRY_BYTES];
        file.read_exact_at(&mut head, at).with_context(|| format!("write {number} is missing"))?;
        let field = |at| u64_at(&head, at).context("an entry is short");
        let (flags, bytes) = (field(16)?, field(8)? * sector);
        let data_at = at + sector;
        entries.push(Entry { target: field(0)? * sector, bytes, data_at, flags });
        at = if flags & DISCARD == 0 { data_at + bytes } else { data_at };
    }
    Ok(entries)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..at + 8)?;
    field.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests;
