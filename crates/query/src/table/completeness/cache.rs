//! Days that were read, for the statements that follow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use history::{Outlook, SeriesId};

use super::day::Day;

/// Days of signals that are kept, of some 100 bytes each: 26 MB. A site of a thousand signals has
/// all of its year but a quarter here.
const KEPT_MAX: usize = 262_144;

/// What the cache knows of one day: of each series what it did, or that it was silent.
pub(super) type Known = BTreeMap<SeriesId, Option<Arc<Day>>>;

/// Days whose readings all lie in files; those with rows in memory still change.
#[derive(Debug, Default)]
pub(crate) struct DayCache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    days: BTreeMap<i64, Entry>,
    /// In all days.
    count: usize,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    /// What there was to read when it was read: another file, or one less, is another day.
    outlook: Outlook,
    known: Known,
    used: u64,
}

impl DayCache {
    /// Of `series` what is known of `day`, and those of which nothing is.
    pub(super) fn find(
        &self,
        (day, outlook): (i64, Outlook),
        series: &[SeriesId],
    ) -> (Known, Vec<SeriesId>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let uses = kept.uses;
        let entry = kept.days.get_mut(&day).filter(|entry| entry.outlook == outlook);
        let Some(entry) = entry else { return (Known::new(), series.to_vec()) };
        entry.used = uses;
        let mut unknown = Vec::new();
        let mut found = Known::new();
        for id in series {
            match entry.known.get(id) {
                Some(day) => drop(found.insert(*id, day.clone())),
                None => unknown.push(*id),
            }
        }
        (found, unknown)
    }

    /// Keeps what was read of `day`. What is more than all of the cache is not kept.
    pub(super) fn keep(&self, (day, outlook): (i64, Outlook), read: &Known) {
        if read.len() > KEPT_MAX {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.make_room(read.len());
        let used = kept.uses;
        let entry =
            kept.days.entry(day).or_insert_with(|| Entry { outlook, known: Known::new(), used });
        let before = entry.known.len();
        if entry.outlook != outlook {
            (entry.outlook, entry.known) = (outlook, Known::new());
        }
        entry.known.extend(read.iter().map(|(id, day)| (*id, day.clone())));
        entry.used = used;
        let after = entry.known.len();
        kept.count = kept.count + after - before;
    }
}

impl Kept {
    /// The days that were not asked for longest go first.
    fn make_room(&mut self, wanted: usize) {
        while self.count + wanted > KEPT_MAX {
            let oldest = self.days.iter().min_by_key(|(_, entry)| entry.used);
            let Some(day) = oldest.map(|(day, _)| *day) else { return };
            let gone = self.days.remove(&day).map_or(0, |entry| entry.known.len());
            self.count -= gone;
        }
    }
}

#[cfg(test)]
mod tests;
