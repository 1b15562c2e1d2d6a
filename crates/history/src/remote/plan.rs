//! Which folder moves next. Only arithmetic on what the table says of its files.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::file::{ColdFile, Home};
use crate::folder::{DAY_MS, Folder, LENGTHS};
use crate::merge::plan::is_closed;
use crate::table::folders;

/// The files here of the oldest folder that is closed as a whole and ended `after` ago. Times are in
/// milliseconds.
pub(crate) fn next(
    files: &[Arc<ColdFile>],
    (now, after): (i64, i64),
    skipped: &BTreeSet<Folder>,
) -> Option<Vec<Arc<ColdFile>>> {
    let is_old = |folder: Folder| {
        // What has moved does not become part of a longer folder any more.
        let patient = |days: &&i32| i64::from(**days) * DAY_MS <= after;
        let whole = LENGTHS.iter().rev().filter(patient).find_map(|days| folder.within(*days));
        let whole = whole.unwrap_or(folder);
        i64::from(whole.end()).saturating_mul(DAY_MS).saturating_add(after) <= now
    };
    folders(files).find_map(|(folder, files)| {
        let here = files.iter().filter(|file| file.home == Home::Here);
        let here: Vec<_> = here.map(Arc::clone).collect();
        let wanted = is_closed(files) && is_old(folder) && !skipped.contains(&folder);
        (wanted && !here.is_empty()).then_some(here)
    })
}
