//! The order of a flush: hot rows become the rows of files, sorted by (signal, device, time), each
//! (series, time) once.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::hot::HotView;
use crate::series::Series;

/// Milliseconds in a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// 1999-12-31, in days since 1970: the folder of all that is older. Together with `DAY_LAST` it
/// bounds the folders that wrong clocks can cause to 36,526.
const DAY_FIRST: i32 = 10_956;
/// 2100-01-01: the folder of all that is later.
pub(crate) const DAY_LAST: i32 = 47_482;

/// The folder a time belongs to, in days since 1970.
pub(crate) fn day_of(time: i64) -> i32 {
    let day = time.div_euclid(DAY_MS).clamp(i64::from(DAY_FIRST), i64::from(DAY_LAST));
    i32::try_from(day).unwrap_or(DAY_LAST)
}

/// Whether a folder holds the times of one day only.
pub(crate) fn is_plain(day: i32) -> bool {
    DAY_FIRST < day && day < DAY_LAST
}

/// The name of a folder's day: `2026-11-25`. The calendar counts from 0000-03-01, so that the leap
/// day is the last of its year.
pub(crate) fn day_name(day: i32) -> String {
    let days = i64::from(day) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The inverse of `day_name`.
pub(crate) fn day_from_name(name: &str) -> Option<i32> {
    let mut parts = name.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let year = year - i64::from(month <= 2);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    let of_era = year.rem_euclid(400) * 365 + year.rem_euclid(400) / 4 - year.rem_euclid(400) / 100;
    let days = year.div_euclid(400) * 146_097 + of_era + of_year - 719_468;
    i32::try_from(days).ok().filter(|found| day_name(*found) == name)
}

/// A row of a hot view: its chunk in the upper half, its index there in the lower.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowRef(u64);

impl RowRef {
    fn new(chunk: usize, row: usize) -> Self {
        Self(((chunk as u64) << 32) | row as u64)
    }

    pub(crate) const fn chunk(self) -> usize {
        (self.0 >> 32) as usize
    }

    pub(crate) const fn row(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }
}

/// The rows of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileKey {
    pub(crate) day: i32,
    /// Holds only rows that may replace rows of older files.
    pub(crate) late: bool,
}

/// Sorts the rows of `view` into files, without those of erased series. `flushed_last` is the
/// highest time of each series in the files that exist: rows above it cannot collide with them.
pub(crate) fn arrange(
    view: &HotView,
    series: &[Series],
    flushed_last: &[i64],
) -> BTreeMap<FileKey, Vec<RowRef>> {
    let (sorted, places) = by_series(view, series);
    let mut files: BTreeMap<FileKey, Vec<RowRef>> = BTreeMap::new();
    let mut times = Vec::new();
    for (id, place) in places {
        let rows = sorted.get(place).unwrap_or_default();
        times.clear();
        times.extend(rows.iter().map(|row| time_of(view, *row)));
        let last = flushed_last.get(id).copied().unwrap_or(i64::MIN);
        if times.is_sorted_by(|a, b| a < b) {
            deal(&mut files, &times, rows, last);
        } else {
            let (rows, times) = settle(rows, &times);
            deal(&mut files, &times, &rows, last);
        }
    }
    files
}

/// All rows grouped by series, the series in the order of the files; and where each one stands.
fn by_series(view: &HotView, series: &[Series]) -> (Vec<RowRef>, Vec<(usize, Range<usize>)>) {
    let mut counts = vec![0_usize; series.len()];
    let stays = |id: usize| series.get(id).is_some_and(|entry| entry.erased.is_none());
    each_row(view, |id, _| {
        if let Some(count) = counts.get_mut(id) {
            *count += 1;
        }
    });
    let mut ranked: Vec<&Series> = series.iter().collect();
    let has_rows = |id: usize| counts.get(id).is_some_and(|count| *count > 0);
    ranked.retain(|entry| has_rows(entry.id.index()) && stays(entry.id.index()));
    ranked.sort_unstable_by(|a, b| a.rank().cmp(&b.rank()));
    let mut places = Vec::with_capacity(ranked.len());
    let mut next = vec![0_usize; series.len()];
    let mut start = 0;
    for entry in ranked {
        let id = entry.id.index();
        let end = start + counts.get(id).copied().unwrap_or_default();
        if let Some(next) = next.get_mut(id) {
            *next = start;
        }
        places.push((id, start..end));
        start = end;
    }
    let mut sorted = vec![RowRef::default(); start];
    each_row(view, |id, row| {
        if stays(id)
            && let Some(next) = next.get_mut(id)
            && let Some(place) = sorted.get_mut(*next)
        {
            *place = row;
            *next += 1;
        }
    });
    (sorted, places)
}

fn each_row(view: &HotView, mut each: impl FnMut(usize, RowRef)) {
    for (at, (chunk, rows)) in view.parts().enumerate() {
        let series = chunk.series.get(rows.clone()).unwrap_or_default();
        for (row, id) in rows.zip(series) {
            each(*id as usize, RowRef::new(at, row));
        }
    }
}

pub(crate) fn time_of(view: &HotView, row: RowRef) -> i64 {
    let chunk = view.chunks.get(row.chunk());
    chunk.and_then(|chunk| chunk.time.get(row.row())).copied().unwrap_or_default()
}

/// Sorts the rows of one series, which are in the order they came, by time; of several at one
/// time the last stays.
fn settle(rows: &[RowRef], times: &[i64]) -> (Vec<RowRef>, Vec<i64>) {
    let mut order: Vec<(i64, RowRef)> = times.iter().copied().zip(rows.iter().copied()).collect();
    order.sort_by_key(|(time, _)| *time);
    let mut kept: Vec<(i64, RowRef)> = Vec::with_capacity(order.len());
    for (time, row) in order {
        match kept.last_mut().filter(|(before, _)| *before == time) {
            Some(same) => *same = (time, row),
            None => kept.push((time, row)),
        }
    }
    kept.into_iter().map(|(time, row)| (row, time)).unzip()
}

/// Deals the ascending rows of one series to their files.
fn deal(files: &mut BTreeMap<FileKey, Vec<RowRef>>, times: &[i64], rows: &[RowRef], last: i64) {
    let mut start = 0;
    while let Some(first) = times.get(start) {
        let key = FileKey { day: day_of(*first), late: *first <= last };
        let rest = times.get(start..).unwrap_or_default();
        let same = |time: &i64| key == FileKey { day: day_of(*time), late: *time <= last };
        let end = start + rest.partition_point(same);
        let file = files.entry(key).or_default();
        file.extend_from_slice(rows.get(start..end).unwrap_or_default());
        start = end;
    }
}

#[cfg(test)]
mod tests;
