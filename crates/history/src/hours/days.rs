//! The days of a view: which of them have hours that stand for their readings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::Timestamp;

use crate::arrange::{DAY_LAST, DAY_MS, is_plain};
use crate::file::ColdFile;
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

/// A folder: times from `from` on and before `to`. Those before 2000 share one, and those after
/// 2099.
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
        self.all_days().into_values().filter(touches).collect()
    }

    /// Whether the hours of a day stand for its readings and are also read faster, for `wanted` of the
    /// series of the site.
    #[must_use]
    pub fn hours_pay(&self, day: &Day, wanted: usize) -> bool {
        let all = (self.series_count() as u64).max(1);
        let bytes = day.bytes.saturating_mul(wanted as u64) / all;
        day.hours == Some(DayHours::Usable) && bytes >= self.shared.hours_cost
    }

    /// By their number.
    pub(crate) fn all_days(&self) -> BTreeMap<i32, Day> {
        let mut files: BTreeMap<i32, Files<'_>> = BTreeMap::new();
        let same_day = |a: &Arc<ColdFile>, b: &Arc<ColdFile>| a.key.day == b.key.day;
        for readings in self.table.files.chunk_by(same_day) {
            readings
                .iter()
                .for_each(|file| files.entry(file.key.day).or_default().readings = readings);
        }
        for hours in self.hours.files.chunk_by(same_day) {
            hours.iter().for_each(|file| files.entry(file.key.day).or_default().hours = hours);
        }
        let hot = self.hot_days();
        files.into_iter().map(|(day, files)| (day, day_of_files(day, files, &hot))).collect()
    }

    /// The days of rows in memory. A chunk may have rows that this view does not see: then a day
    /// too many is named, never one too few.
    fn hot_days(&self) -> BTreeSet<i32> {
        self.hot.chunks.iter().flat_map(|chunk| chunk.days()).copied().collect()
    }
}

fn day_of_files(day: i32, files: Files<'_>, hot: &BTreeSet<i32>) -> Day {
    let origin = files.hours.first().and_then(|file| file.origin.as_ref());
    let hours = origin.map(|origin| match (origin.covers(files.readings), origin.left) {
        (true, _) if !hot.contains(&day) => DayHours::Usable,
        (false, left) if left || files.readings.is_empty() => DayHours::Left,
        _ => DayHours::Stale,
    });
    let low = files.readings.iter().map(|file| file.time_min).min();
    let high = files.readings.iter().map(|file| file.time_max).max();
    let readings = low.zip(high);
    let start = i64::from(day) * DAY_MS;
    let millis = Timestamp::from_millis;
    let (from, to) = if is_plain(day) {
        (millis(start), millis(start + DAY_MS))
    } else if day == DAY_LAST {
        (millis(start), Timestamp::from_micros(i64::MAX))
    } else {
        (Timestamp::from_micros(i64::MIN), millis(start + DAY_MS))
    };
    let bytes = files.readings.iter().map(|file| file.bytes).sum();
    Day {
        from,
        to,
        bytes,
        readings: readings.map(|(low, high)| (millis(low), millis(high))),
        hours,
    }
}
