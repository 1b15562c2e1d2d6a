//! One day of some series, out of history or the cache.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{TimestampMillisecondType, UInt16Type, UInt32Type};
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::MemoryReservation;
use history::{Outlook, Scan, SeriesId, column};
use model::{Quality, Timestamp};

use super::DayOf;
use super::cache::Known;
use super::day::{DAY_MS, Gathered};
use crate::site::Snapshot;
use crate::table;

/// Of one reading while its day is read; its place may be twice as large as it.
const READING_BYTES: usize = 2 * size_of::<u32>();

pub(super) struct Days {
    snapshot: Arc<Snapshot>,
    series: Arc<[SeriesId]>,
    memory: MemoryReservation,
}

impl Days {
    pub(super) const fn new(
        snapshot: Arc<Snapshot>,
        series: Arc<[SeriesId]>,
        memory: MemoryReservation,
    ) -> Self {
        Self { snapshot, series, memory }
    }

    /// The series that reported on a day, in days since 1970.
    pub(super) fn day(&mut self, day: i64) -> Result<DayOf, DataFusionError> {
        let scan = Scan {
            from: Some(Timestamp::from_millis(day * DAY_MS)),
            to: Some(Timestamp::from_millis((day + 1) * DAY_MS)),
            columns: Some(vec![column::TIME, column::SERIES, column::QUALITY]),
            ..Scan::default()
        };
        let outlook = self.snapshot.view.outlook(&scan);
        if outlook.files == 0 && outlook.hot_rows == 0 {
            return Ok(DayOf::new());
        }
        let is_settled = outlook.hot_rows == 0;
        // How many files other days have does not matter.
        let key = (day, Outlook { files_all: 0, ..outlook });
        let cache = &self.snapshot.days;
        let (mut known, unknown) =
            if is_settled { cache.find(key, &self.series) } else { self.nothing() };
        if !unknown.is_empty() {
            let read = self.read(&Scan { series: Some(unknown), ..scan })?;
            if is_settled {
                self.snapshot.days.keep(key, &read);
            }
            known.extend(read);
        }
        Ok(known.into_iter().filter_map(|(id, day)| Some((id, day?))).collect())
    }

    fn nothing(&self) -> (Known, Vec<SeriesId>) {
        (Known::new(), self.series.to_vec())
    }

    fn read(&mut self, scan: &Scan) -> Result<Known, DataFusionError> {
        let start = scan.from.map_or(0, Timestamp::millis);
        let ids = scan.series.as_deref().unwrap_or_default();
        let mut gathered: Vec<Gathered> = Vec::new();
        gathered.resize_with(ids.len(), Gathered::default);
        for batch in self.snapshot.view.scan(scan).map_err(table::unreadable)? {
            let batch = batch.map_err(table::unreadable)?;
            self.snapshot.work.add_rows(batch.num_rows());
            self.memory.try_grow(batch.num_rows() * READING_BYTES)?;
            gather(&batch, start, (ids, &mut gathered));
        }
        let days = gathered.into_iter().map(|gathered| gathered.day().map(Arc::new));
        let known = ids.iter().copied().zip(days).collect();
        self.memory.free();
        Ok(known)
    }
}

/// Rows of one series mostly follow each other, so it is seldom looked for; `ids` are sorted.
fn gather(batch: &RecordBatch, start: i64, (ids, into): (&[SeriesId], &mut [Gathered])) {
    let [time, series, quality] = batch.columns() else { return };
    let times = time.as_primitive::<TimestampMillisecondType>().values();
    let series = series.as_primitive::<UInt32Type>().values();
    let quality = quality.as_primitive::<UInt16Type>().values();
    let (mut id, mut place) = (None, 0);
    for ((time, series), quality) in times.iter().zip(series).zip(quality) {
        if id != Some(*series) {
            id = Some(*series);
            place = ids.binary_search(&SeriesId::new(*series)).unwrap_or(usize::MAX);
        }
        if let (Some(gathered), Ok(time)) = (into.get_mut(place), u32::try_from(time - start)) {
            gathered.add(time, Quality::from_bits(*quality));
        }
    }
}
