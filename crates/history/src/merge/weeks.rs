//! Which closed days become a week: those that are so small that to open their files costs more than
//! to read them.
//!
//! A week leaves as a whole, up to six days later than its days would. So it is made once what is
//! kept for a few weeks has left, and never of what is about to leave.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;

use crate::file::{ColdFile, Home};
use crate::folder::Folder;
use crate::merge::plan::{self, CLOSED, Plan};
use crate::table::{Table, folders};

/// Bytes of all days of a week that becomes one: some 2 million readings. Of more, footers are less than
/// a hundredth, and who wants one day should not have to read seven.
const BYTES_MAX: u64 = 4 << 20;

/// Readings that are kept at least so long may stay a tenth longer: what is kept shorter leaves before
/// its week is made.
const KEPT_LONG: Duration = Duration::from_secs(70 * 24 * 60 * 60);

/// How long after its end a week is made: what is late by less than a day lies in its closed days by
/// then.
const REST: Duration = Duration::from_secs(24 * 60 * 60);

/// What there is, and what is not to be touched.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    pub(crate) readings: &'a Table,
    pub(crate) hours: &'a Table,
    pub(crate) skipped: &'a BTreeSet<Folder>,
    /// How long after the end of a week the last of what is not kept for long has left.
    pub(crate) after: Duration,
}

impl Look<'_> {
    /// The newest week to be made.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Plan> {
        let week = |file: &ColdFile| file.key.folder.week();
        let weeks = self.readings.files.chunk_by(|a, b| week(a) == week(b));
        let weeks: Vec<_> = weeks.collect();
        weeks.into_iter().rev().find_map(|files| {
            let folder = files.first()?.key.folder.week()?;
            let made = Plan { folder, files: files.to_vec(), from_start: true, level: CLOSED };
            (self.is_ripe(folder, now) && is_worth_it(files)).then_some(made)
        })
    }

    fn is_ripe(&self, week: Folder, now: Timestamp) -> bool {
        let before = now.saturating_sub(REST.saturating_add(self.after)).millis();
        // Hours that are left of readings stand for their days.
        let left = |file: &Arc<ColdFile>| file.origin.as_ref().is_some_and(|from| from.left);
        plan::is_over(week, before)
            && !self.skipped.iter().any(|folder| folder.overlaps(week))
            && !self.hours.over(week).iter().any(left)
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

/// How long a week waits for what leaves its days, of all the times that something is kept.
pub(crate) fn waits_for(spans: impl Iterator<Item = Duration>) -> Duration {
    spans.filter(|span| *span < KEPT_LONG).max().unwrap_or_default()
}

#[cfg(test)]
mod tests;
