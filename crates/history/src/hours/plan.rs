//! Which day's hours are to be made next. Only a look at what the logs say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::file::{ColdFile, Origin};
use crate::folder::Folder;
use crate::merge::plan::{fits, is_closed};
use crate::table::Table;

/// What there is, and what is not to be touched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    pub(crate) readings: &'a Table,
    pub(crate) hours: &'a Table,
    /// Hours of days before this one are not kept.
    pub(crate) oldest: i32,
    /// Days with a file that cannot be read.
    pub(crate) skipped: &'a BTreeSet<Folder>,
    /// Days whose files have nothing to make hours of.
    pub(crate) hourless: &'a BTreeMap<Folder, Origin>,
}

impl Look<'_> {
    /// The newest day that is closed and whose hours are not those of its files.
    pub(crate) fn next(&self) -> Option<Folder> {
        let mut folders = self.readings.folders().rev();
        folders.find(|one| is_closed(one.1) && self.lacks(*one)).map(|(folder, _)| folder)
    }

    /// The oldest day before `limit` that would leave without its hours: they are made first,
    /// whether it is closed or not. Not from more pieces than a merge reads at once.
    pub(crate) fn next_before(&self, limit: i32) -> Option<Folder> {
        let mut leaving = self.readings.folders().take_while(|(folder, _)| folder.end() <= limit);
        leaving.find(|one| fits(one.1) && self.lacks(*one)).map(|(folder, _)| folder)
    }

    fn lacks(&self, (folder, files): (Folder, &[Arc<ColdFile>])) -> bool {
        let is_hourless = self.hourless.get(&folder).is_some_and(|origin| origin.covers(files));
        if folder.end() <= self.oldest || self.skipped.contains(&folder) || is_hourless {
            return false;
        }
        let origin = self.hours.over(folder).first().and_then(|file| file.origin.as_ref());
        // What came of a day after its readings were dropped is not all of it.
        origin.is_none_or(|origin| !origin.left && !origin.covers(files))
    }
}
