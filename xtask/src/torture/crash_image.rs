//! What a disk may hold after a power cut: everything up to the last flush, and of the writes
//! after it any subset, whole or torn between blocks.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::write_log::{Entry, WriteLog};
use crate::dice::Dice;

/// A write of more than this may be torn, and only between such blocks: what disks of our time
/// write as one, and what a file system relies on.
const BLOCK_BYTES: usize = 4096;

/// A disk that replays the log forward. `at` only grows, so that many cuts of one log cost one
/// replay.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    log: &'a WriteLog,
    path: PathBuf,
    file: File,
    /// Entries that are applied: all up to and with a flush.
    applied: usize,
}

/// How the power was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The disk had seen so many entries.
    pub at: usize,
    /// Of those behind the last flush, written whole, in part, and not at all.
    pub whole: u64,
    pub torn: u64,
    pub dropped: u64,
}

impl<'a> Replay<'a> {
    /// `path` is the disk before the first entry; it is changed.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn new(log: &'a WriteLog, path: &Path) -> Result<Self> {
        let file = File::options().write(true).open(path)?;
        Ok(Self { log, path: path.to_owned(), file, applied: 0 })
    }

    /// Makes `image` what the disk may hold when the power goes after `at` entries.
    ///
    /// # Errors
    /// When files cannot be read or written.
    ///
    /// # Panics
    /// When `at` is less than in the call before.
    pub(super) fn cut(&mut self, at: usize, dice: &mut Dice, image: &Path) -> Result<Cut> {
        assert!(at >= self.applied, "a replay goes forward");
        let seen = self.log.entries().get(..at).context("the log is shorter")?;
        let safe = seen.iter().rposition(Entry::is_flush).map_or(0, |flush| flush + 1);
        for entry in seen.get(self.applied..safe).unwrap_or_default() {
            write(&self.file, entry, &self.log.data(entry)?)?;
        }
        self.applied = self.applied.max(safe);
        copy_sparse(&self.path, image)?;
        let image = File::options().write(true).open(image)?;
        let mut cut = Cut { at, whole: 0, torn: 0, dropped: 0 };
        // A third each: what is behind the flush is lost altogether, there altogether, or mixed.
        let mood = dice.below(3);
        for entry in seen.get(safe..).unwrap_or_default() {
            let luck = if mood < 2 { mood } else { dice.below(3) };
            if entry.is_forced() || luck == 1 {
                cut.whole += 1;
                write(&image, entry, &self.log.data(entry)?)?;
            } else if luck == 0 {
                cut.dropped += 1;
            } else {
                cut.torn += 1;
                tear(&image, entry, &self.log.data(entry)?, dice)?;
            }
        }
        Ok(cut)
    }
}

/// Writes some blocks of it.
fn tear(disk: &File, entry: &Entry, data: &[u8], dice: &mut Dice) -> Result<()> {
    for (block, data) in (0_u64..).zip(data.chunks(BLOCK_BYTES)) {
        if dice.one_in(2) {
            disk.write_all_at(data, entry.target + block * BLOCK_BYTES as u64)?;
        }
    }
    Ok(())
}

fn write(disk: &File, entry: &Entry, data: &[u8]) -> Result<()> {
    disk.write_all_at(data, entry.target)?;
    Ok(())
}

/// # Errors
/// When `cp` fails.
pub(super) fn copy_sparse(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp").arg("--sparse=always").arg(from).arg(to).status()?;
    ensure!(status.success(), "cannot copy {}", from.display());
    Ok(())
}

#[cfg(test)]
mod tests;
