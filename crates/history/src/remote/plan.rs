//! Which day moves next. Only arithmetic on what the table says of its files.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::arrange::DAY_MS;
use crate::file::{ColdFile, Home};
use crate::merge::plan::CLOSED;

/// The files here of the oldest day that is closed as a whole and ended `after` ago. Times are in
/// milliseconds.
pub(crate) fn next(
    files: &[Arc<ColdFile>],
    (now, after): (i64, i64),
    skipped: &BTreeSet<i32>,
) -> Option<Vec<Arc<ColdFile>>> {
    let old = |day: i32| (i64::from(day) + 1).saturating_mul(DAY_MS).saturating_add(after) <= now;
    let mut days = files.chunk_by(|a, b| a.key.day == b.key.day);
    days.find_map(|files| {
        let day = files.first()?.key.day;
        let closed = files.iter().all(|file| file.level == CLOSED);
        let here = files.iter().filter(|file| file.home == Home::Here);
        let here: Vec<_> = here.map(Arc::clone).collect();
        let wanted = closed && old(day) && !skipped.contains(&day) && !here.is_empty();
        wanted.then_some(here)
    })
}
