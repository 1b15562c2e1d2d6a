//! Means of many signals over evenly cut time, for sparklines and comparisons: one scan for all.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, TimestampMillisecondType, UInt32Type};
use console::SiteFault;
use history::{Scan, SeriesId, View, column};
use model::Timestamp;

use super::fault;

/// Evenly cut time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) count: usize,
}

impl Cut {
    fn place(&self, millis: i64) -> Option<usize> {
        let span = self.to.millis().saturating_sub(self.from.millis()).max(1);
        let offset = millis.saturating_sub(self.from.millis());
        if offset < 0 || offset >= span {
            return None;
        }
        let count = i64::try_from(self.count).ok()?;
        usize::try_from(offset.saturating_mul(count) / span).ok()
    }
}

/// The mean of each series in each bucket; `None` where nothing was measured.
pub(super) fn means(
    view: &View,
    series: Vec<SeriesId>,
    cut: Cut,
) -> Result<BTreeMap<u32, Vec<Option<f64>>>, SiteFault> {
    let mut sums: BTreeMap<u32, Vec<(f64, u32)>> = BTreeMap::new();
    let scan = Scan {
        series: Some(series),
        from: Some(cut.from),
        to: Some(cut.to),
        columns: Some(vec![column::TIME, column::SERIES, column::NUMBER]),
        ..Scan::default()
    };
    for batch in view.scan(&scan).map_err(fault)? {
        let batch = batch.map_err(fault)?;
        let times = batch.column(0).as_primitive_opt::<TimestampMillisecondType>();
        let ids = batch.column(1).as_primitive_opt::<UInt32Type>();
        let numbers = batch.column(2).as_primitive_opt::<Float64Type>();
        let (Some(times), Some(ids), Some(numbers)) = (times, ids, numbers) else { continue };
        for row in 0..batch.num_rows() {
            if numbers.is_null(row) {
                continue;
            }
            let Some(place) = cut.place(times.value(row)) else { continue };
            let cells = sums.entry(ids.value(row)).or_insert_with(|| vec![(0.0, 0); cut.count]);
            if let Some((sum, count)) = cells.get_mut(place) {
                *sum += numbers.value(row);
                *count += 1;
            }
        }
    }
    let mean = |(sum, count): (f64, u32)| (count > 0).then(|| sum / f64::from(count));
    Ok(sums.into_iter().map(|(id, cells)| (id, cells.into_iter().map(mean).collect())).collect())
}
