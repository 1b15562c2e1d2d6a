//! The days of a view: which of them have hours that stand for their readings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::Timestamp;

use crate::file::ColdFile;
use crate::folder::Folder;
use crate::reader::View;

/// What the hours of a day are to its readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayHours {
    /// Made from exactly the readings that this view has of the day: they stand for them.
    Usable,
    /// All that is left of readings that were dropped. What came later of the day is not in them.
    Left,
    /// Made before other readings of the day came; they will be made again.
    Stale,
}

/// A folder: times from `from` on and before `to`: a day, or more where these are small. Those
/// before 2000 share one, and those after 2099.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub from: Timestamp,
    pub to: Timestamp,
    /// The lowest and the highest time of its readings on disk.
    pub readings: Option<(Timestamp, Timestamp)>,
    /// Of all its readings on disk.
    pub bytes: u64,
    pub hours: Option<DayHours>,
}

/// The files of a folder.
#[derive(Clone, Copy, Debug, Default)]
struct Files<'a> {
    readings: &'a [Arc<ColdFile>],
    hours: &'a [Arc<ColdFile>],
}

impl View {
    /// The days that have files, in order, as far as they reach into `from` up to `to`. Days that
    /// only have readings in memory are not among them.
    #[must_use]
    pub fn days(&self, (from, to): (Option<Timestamp>, Option<Timestamp>)) -> Vec<Day> {
        let touches =
            |day: &Day| from.is_none_or(|from| from < day.to) && to.is_none_or(|to| day.from < to);
        self.by_folder().into_values().filter(touches).collect()
    }

    /// Whether the hours of a day stand for its readings and are also read faster, for `wanted` of the
    /// series of the site.
    #[must_use]
    pub fn hours_pay(&self, day: &Day, wanted: usize) -> bool {
        let all = (self.series_count() as u64).max(1);
        let bytes = day.bytes.saturating_mul(wanted as u64) / all;
        day.hours == Some(DayHours::Usable) && bytes >= self.shared.hours_cost
    }

    /// All of them. Days whose readings lie in a longer one are one with it, though their hours may not.
    pub(crate) fn by_folder(&self) -> BTreeMap<Folder, Day> {
        let mut files: BTreeMap<Folder, Files<'_>> = BTreeMap::new();
        for (folder, readings) in self.table.folders() {
            files.insert(folder, Files { readings, hours: self.hours.over(folder) });
        }
        for (folder, hours) in self.hours.folders() {
            if self.table.over(folder).is_empty() {
                files.insert(folder, Files { readings: &[], hours });
            }
        }
        let hot = self.hot_days();
        files.into_iter().map(|(folder, files)| (folder, of_files(folder, files, &hot))).collect()
    }

    /// The days of rows in memory. A chunk may have rows that this view does not see: then a day
    /// too many is named, never one too few.
    fn hot_days(&self) -> BTreeSet<i32> {
        self.hot.chunks.iter().flat_map(|chunk| chunk.days()).copied().collect()
    }
}

fn of_files(folder: Folder, files: Files<'_>, hot: &BTreeSet<i32>) -> Day {
    let origin = files.hours.first().and_then(|file| file.origin.as_ref());
    let is_hot = hot.range(folder.first..folder.end()).next().is_some();
    let hours = origin.map(|origin| match (origin.covers(files.readings), origin.left) {
        (true, _) if !is_hot => DayHours::Usable,
        (false, left) if left || files.readings.is_empty() => DayHours::Left,
        _ => DayHours::Stale,
    });
    let low = files.readings.iter().map(|file| file.time_min).min();
    let high = files.readings.iter().map(|file| file.time_max).max();
    let times = |(from, to)| (Timestamp::from_millis(from), Timestamp::from_millis(to));
    let (from, to) = times(folder.times());
    let bytes = files.readings.iter().map(|file| file.bytes).sum();
    Day { from, to, readings: low.zip(high).map(times), bytes, hours }
}
