//! The rows of a scan that lie in Parquet, folder after folder.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, TimestampMillisecondType};

use crate::cold::{FileScan, Shelf, Want};
use crate::fault::ReadFault;
use crate::file::ColdFile;
use crate::part::stored;
use crate::shadow::{Order, Shadow};
use crate::table::Table;

/// One time lies in one folder, so only late files of the same folder can replace a row; their
/// keys are in memory for one folder at a time.
#[derive(Debug)]
pub(crate) struct ColdRows {
    shelf: Arc<Shelf>,
    pub(crate) want: Want,
    files: VecDeque<Arc<ColdFile>>,
    day: Option<i32>,
    /// The late rows of the folder.
    shadow: Shadow,
    current: Option<FileScan>,
}

impl ColdRows {
    pub(crate) fn new(shelf: Arc<Shelf>, want: Want, table: &Table) -> Self {
        let touched = |file: &&Arc<ColdFile>| want.filter.touches(file.time_min, file.time_max);
        let files = table.files.iter().filter(touched).map(Arc::clone).collect();
        Self { shelf, want, files, day: None, shadow: Shadow::default(), current: None }
    }

    /// The next rows that pass the filter and that nothing hides; maybe none of a batch.
    pub(crate) fn next(&mut self, hot: &Shadow) -> Result<Option<RecordBatch>, ReadFault> {
        loop {
            if let Some(scan) = &mut self.current
                && let Some(batch) = scan.next(&self.shelf, &self.want)?
            {
                let order = Order::Cold(scan.file.position);
                return Ok(Some(self.pick(batch, order, hot)?));
            }
            let Some(file) = self.files.pop_front() else { return Ok(None) };
            if self.day.replace(file.key.day) != Some(file.key.day) {
                self.shadow = self.late_rows(&file)?;
            }
            self.current = Some(FileScan::open(&self.shelf, file, &self.want)?);
        }
    }

    /// The late rows of the folder that begins with `first`.
    fn late_rows(&self, first: &Arc<ColdFile>) -> Result<Shadow, ReadFault> {
        let want = Want { columns: vec![stored::SERIES, stored::TIME], ..self.want.clone() };
        let same_day = |file: &&Arc<ColdFile>| file.key.day == first.key.day;
        let mut shadow = Shadow::default();
        let files = std::iter::once(first).chain(self.files.iter().take_while(same_day));
        for file in files.filter(|file| file.key.late) {
            let mut scan = FileScan::open(&self.shelf, Arc::clone(file), &want)?;
            while let Some(batch) = scan.next(&self.shelf, &want)? {
                self.cast_late(&mut shadow, &batch, file.position);
            }
        }
        Ok(shadow)
    }

    fn cast_late(&self, shadow: &mut Shadow, batch: &RecordBatch, position: u64) {
        each_key(batch, |series, time| {
            if self.want.filter.passes(series, time) {
                shadow.cast(series, time, Order::Cold(position));
            }
        });
    }

    fn pick(
        &self,
        batch: RecordBatch,
        order: Order,
        hot: &Shadow,
    ) -> Result<RecordBatch, ReadFault> {
        let mut passes = Vec::with_capacity(batch.num_rows());
        each_key(&batch, |series, time| {
            let hidden = self.shadow.hides(series, time, order) || hot.hides(series, time, order);
            passes.push(self.want.filter.passes(series, time) && !hidden);
        });
        if passes.iter().all(|pass| *pass) {
            return Ok(batch);
        }
        Ok(filter_record_batch(&batch, &BooleanArray::from(passes))?)
    }
}

fn each_key(batch: &RecordBatch, mut each: impl FnMut(u32, i64)) {
    let (Some(series), Some(time)) = (batch.column_by_name("series"), batch.column_by_name("time"))
    else {
        return;
    };
    let times = time.as_primitive::<TimestampMillisecondType>().values();
    for (series, time) in series.as_primitive::<Int32Type>().values().iter().zip(times) {
        each(series.cast_unsigned(), *time);
    }
}
