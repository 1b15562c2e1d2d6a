//! Which closed folders become a longer one: those that are so small that to open their files costs more
//! than to read them. Days become weeks, and these, thirteen together.
//!
//! A folder leaves as a whole, its first day later than it would by itself. So it is made once what is
//! not kept for much longer than it lasts has left, and never of what is about to leave.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;

use crate::file::{ColdFile, Home};
use crate::folder::{Folder, LENGTHS};
use crate::merge::plan::{self, CLOSED, Plan};
use crate::table::{Table, folders};

/// Bytes of all that becomes one: some 2 million readings. Of more, footers are less than a hundredth,
/// and who wants one day should not have to read many.
const BYTES_MAX: u64 = 4 << 20;

/// Readings that are kept for at least so many times a folder's days may stay a tenth longer: what is
/// kept shorter leaves before the folder is made.
const KEPT_LONG: u32 = 10;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after its end a folder is made: what is late by less than a day lies in its closed days by
/// then.
const REST: Duration = DAY;

/// What there is, and what is not to be touched.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    pub(crate) readings: &'a Table,
    pub(crate) hours: &'a Table,
    pub(crate) skipped: &'a BTreeSet<Folder>,
    /// All times that something is kept, but for what is kept for ever.
    pub(crate) keeps: &'a [Duration],
}

impl Look<'_> {
    /// The newest of the shortest to be made.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Plan> {
        LENGTHS.into_iter().find_map(|days| self.next_of(days, now))
    }

    fn next_of(&self, days: i32, now: Timestamp) -> Option<Plan> {
        let long = |file: &ColdFile| file.key.folder.within(days);
        let all: Vec<_> = self.readings.files.chunk_by(|a, b| long(a) == long(b)).collect();
        let before = now.saturating_sub(REST.saturating_add(waits_for(days, self.keeps)));
        all.into_iter().rev().find_map(|files| {
            let folder = files.first()?.key.folder.within(days)?;
            let made = Plan { folder, files: files.to_vec(), from_start: true, level: CLOSED };
            (self.is_ripe(folder, before) && is_worth_it(files)).then_some(made)
        })
    }

    fn is_ripe(&self, folder: Folder, before: Timestamp) -> bool {
        // Hours that are left of readings stand for their days.
        let left = |file: &Arc<ColdFile>| file.origin.as_ref().is_some_and(|from| from.left);
        plan::is_over(folder, before.millis())
            && !self.skipped.iter().any(|other| other.overlaps(folder))
            && !self.hours.over(folder).iter().any(left)
    }
}

/// Whether these are more folders than one, closed, here, and small.
fn is_worth_it(files: &[Arc<ColdFile>]) -> bool {
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    folders(files).nth(1).is_some()
        && bytes <= BYTES_MAX
        && plan::is_closed(files)
        && plan::fits(files)
        && files.iter().all(|file| file.home == Home::Here)
}

/// How long a folder waits for what leaves its days.
fn waits_for(days: i32, keeps: &[Duration]) -> Duration {
    let long = DAY * days.unsigned_abs() * KEPT_LONG;
    keeps.iter().copied().filter(|keep| *keep < long).max().unwrap_or_default()
}

#[cfg(test)]
mod tests;
