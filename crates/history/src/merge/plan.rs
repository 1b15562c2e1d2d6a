//! Which files are worth merging. Only arithmetic on what the log says of them.
//!
//! All files of one folder and one position are a stratum: one flush or one merge wrote it. Only
//! neighbours are merged, so that of two rows with one key the later one stays known. While a day
//! lasts, eight strata of one level become one of the next: each row is written again a few times,
//! however many flushes there are. When the day is over, all of it becomes one.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::file::ColdFile;
use crate::folder::{DAY_LAST, DAY_MS, Folder};
use crate::table::folders;

/// The level of a folder's files when its day is over.
pub(crate) const CLOSED: u8 = 15;

/// Strata of one level that become one of the next.
const FAN_IN: usize = 8;

/// Strata in one merge at most: each costs memory for what is being read of it.
pub(crate) const FAN_IN_MAX: usize = 64;

const MINUTE_MS: i64 = 60_000;

/// How long after its end a day is closed: most of what is late has come by then.
const GRACE_MS: i64 = 120 * MINUTE_MS;

/// Nothing is closed while more of it comes in, as from an import.
const QUIET_MS: i64 = 30 * MINUTE_MS;

/// Later readings join their closed day at the latest after this time, or when they are a tenth of
/// it: one late reading must not cost a whole day's files.
const LINGER_MS: i64 = 24 * 60 * MINUTE_MS;
const WORTH_IT: u64 = 10;

/// Files of one folder that become one stratum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) folder: Folder,
    pub(crate) files: Vec<Arc<ColdFile>>,
    /// Nothing older is in the folder: what was late is late no more.
    pub(crate) from_start: bool,
    pub(crate) level: u8,
}

impl Plan {
    /// Whether folders become one by it.
    pub(crate) fn joins_folders(&self) -> bool {
        self.files.iter().any(|file| file.key.folder != self.folder)
    }
}

/// The files of one position.
struct Stratum<'a> {
    files: &'a [Arc<ColdFile>],
    level: u8,
    bytes: u64,
    written: i64,
}

/// The next merge, newest day first. `files` are those of a table, in its order; `now` is in
/// milliseconds.
pub(crate) fn next(files: &[Arc<ColdFile>], now: i64, skipped: &BTreeSet<Folder>) -> Option<Plan> {
    folders(files).rev().filter(|(folder, _)| !skipped.contains(folder)).find_map(
        |(folder, files)| {
            let strata = strata(files);
            let closing = closing(&strata, now).filter(|_| is_over(folder, now));
            let (range, level) = closing.or_else(|| tier(&strata))?;
            let from_start = range.start == 0;
            let chosen = strata.get(range)?.iter().flat_map(|stratum| stratum.files);
            Some(Plan { folder, files: chosen.map(Arc::clone).collect(), from_start, level })
        },
    )
}

/// Whether all files of a folder can be merged at once.
pub(crate) fn fits(files: &[Arc<ColdFile>]) -> bool {
    strata(files).len() <= FAN_IN_MAX
}

fn strata(files: &[Arc<ColdFile>]) -> Vec<Stratum<'_>> {
    let stratum = |files| -> Stratum<'_> {
        let files: &[Arc<ColdFile>] = files;
        Stratum {
            files,
            level: files.iter().map(|file| file.level).min().unwrap_or_default(),
            bytes: files.iter().map(|file| file.bytes).sum(),
            written: files.iter().map(|file| file.written).max().unwrap_or_default(),
        }
    };
    files.chunk_by(|a, b| a.position == b.position).map(stratum).collect()
}

/// Whether the days of these files are over and all that came of them is together.
pub(crate) fn is_closed(files: &[Arc<ColdFile>]) -> bool {
    files.iter().all(|file| file.level == CLOSED)
}

pub(crate) fn is_over(folder: Folder, now: i64) -> bool {
    folder.first < DAY_LAST && i64::from(folder.end()) * DAY_MS + GRACE_MS <= now
}

/// The strata that close a day that is over, if that is worth it now.
fn closing(strata: &[Stratum<'_>], now: i64) -> Option<(Range<usize>, u8)> {
    let open = || strata.iter().filter(|stratum| stratum.level < CLOSED);
    let first = open().map(|stratum| stratum.written).min()?;
    let last = open().map(|stratum| stratum.written).max()?;
    let all: u64 = strata.iter().map(|stratum| stratum.bytes).sum();
    let more: u64 = open().map(|stratum| stratum.bytes).sum();
    let worth_it = more.saturating_mul(WORTH_IT) >= all && last.saturating_add(QUIET_MS) <= now;
    if !worth_it && now < first.saturating_add(LINGER_MS) {
        return None;
    }
    let count = strata.len().min(FAN_IN_MAX);
    Some((0..count, if count == strata.len() { CLOSED } else { CLOSED - 1 }))
}

/// The oldest strata of one level that are enough for the next.
fn tier(strata: &[Stratum<'_>]) -> Option<(Range<usize>, u8)> {
    let mut start = 0;
    for same in strata.chunk_by(|a, b| a.level == b.level) {
        let level = same.first()?.level;
        if same.len() >= FAN_IN && level < CLOSED - 1 {
            return Some((start..start + same.len().min(FAN_IN_MAX), level + 1));
        }
        start += same.len();
    }
    None
}

#[cfg(test)]
mod tests;
