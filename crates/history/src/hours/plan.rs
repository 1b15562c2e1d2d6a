//! Which day's hours are to be made next. Only a look at what the logs say.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::file::ColdFile;
use crate::merge::plan::{FAN_IN_MAX, is_closed};
use crate::table::Table;

/// What there is, and what is not to be touched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    pub(crate) readings: &'a Table,
    pub(crate) hours: &'a Table,
    /// Hours of days before this one are not kept.
    pub(crate) oldest: i32,
    /// Days with a file that cannot be read.
    pub(crate) skipped: &'a BTreeSet<i32>,
}

impl Look<'_> {
    /// The newest day that is closed and whose hours are not those of its files.
    pub(crate) fn next(&self) -> Option<i32> {
        let days = self.readings.files.chunk_by(|a, b| a.key.day == b.key.day);
        let wanted = |files: &[Arc<ColdFile>]| is_closed(files) && self.lacks(files);
        let mut days: Vec<i32> = days.filter(|files| wanted(files)).filter_map(day).collect();
        days.pop()
    }

    /// The oldest day before `limit` that would leave without its hours: they are made first,
    /// whether it is closed or not. Not from more pieces than a merge reads at once.
    pub(crate) fn next_before(&self, limit: i32) -> Option<i32> {
        let days = self.readings.files.chunk_by(|a, b| a.key.day == b.key.day);
        let few = |files: &&[Arc<ColdFile>]| {
            files.chunk_by(|a, b| a.position == b.position).count() <= FAN_IN_MAX
        };
        let leaving = days.take_while(|files| day(files).is_some_and(|day| day < limit));
        leaving.filter(few).find(|files| self.lacks(files)).and_then(day)
    }

    fn lacks(&self, files: &[Arc<ColdFile>]) -> bool {
        let Some(day) = day(files) else { return false };
        if day < self.oldest || self.skipped.contains(&day) {
            return false;
        }
        let origin = self.hours.of_day(day).first().and_then(|file| file.origin.as_ref());
        // What came of a day after its readings were dropped is not all of it.
        origin.is_none_or(|origin| !origin.left && !origin.covers(files))
    }
}

fn day(files: &[Arc<ColdFile>]) -> Option<i32> {
    files.first().map(|file| file.key.day)
}
