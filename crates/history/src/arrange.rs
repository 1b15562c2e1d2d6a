//! The order of a flush: hot rows become the rows of files, sorted by (signal, device, time), each
//! (series, time) once.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::folder::{Folder, Longer};
use crate::hot::HotView;
use crate::series::Series;

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
    pub(crate) folder: Folder,
    /// Holds only rows that may replace rows of older files.
    pub(crate) late: bool,
}

/// Sorts the rows of `view` into files, without those of erased series. `flushed_last` is the
/// highest time of each series in the files that exist: rows above it cannot collide with them.
pub(crate) fn arrange(
    view: &HotView,
    series: &[Series],
    (flushed_last, longer): (&[i64], &Longer),
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
            deal(&mut files, (&times, rows), (last, longer));
        } else {
            let (rows, times) = settle(rows, &times);
            deal(&mut files, (&times, &rows), (last, longer));
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
fn deal(
    files: &mut BTreeMap<FileKey, Vec<RowRef>>,
    (times, rows): (&[i64], &[RowRef]),
    (last, longer): (i64, &Longer),
) {
    let key = |time: i64| FileKey { folder: longer.folder_of(time), late: time <= last };
    let mut start = 0;
    while let Some(first) = times.get(start) {
        let key_of_first = key(*first);
        let rest = times.get(start..).unwrap_or_default();
        let end = start + rest.partition_point(|time| key(*time) == key_of_first);
        let file = files.entry(key_of_first).or_default();
        file.extend_from_slice(rows.get(start..end).unwrap_or_default());
        start = end;
    }
}
