//! Sorted rows become files: cut into row groups at the end of a signal, and into files by size.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, DictionaryArray, RecordBatch, UInt32Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int32Type, UInt32Type};
use arrow::error::ArrowError;

use crate::arrange::{FileKey, day_name};
use crate::fault::{FlushFault, MergeFault};
use crate::merge::Job;
use crate::merge::plan::CLOSED;
use crate::merge::ranks::Ranks;
use crate::part::{Effort, GROUP_ROWS_MAX, GROUP_ROWS_MIN, PartWriter, stored_schema};
use crate::place::{Made, Part, place_part};
use crate::series::Names;
use crate::table::day_dir;

/// Bytes at which a file ends: some 25 million readings. A merge holds one file in memory.
const FILE_BYTES: usize = 64 << 20;

/// Slices that wait for their row group. Each costs a KB and holds the batch it was cut from.
const SLICES_MAX: usize = 1_024;

pub(crate) struct Sink<'a> {
    job: &'a Job,
    ranks: &'a Ranks,
    names: &'a Names,
    late: bool,
    /// Rows of the next row group.
    waiting: Vec<RecordBatch>,
    rows: usize,
    signal: Option<u32>,
    writer: Option<PartWriter>,
    parts: Vec<Part>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(job: &'a Job, (ranks, names): (&'a Ranks, &'a Names), late: bool) -> Self {
        let (waiting, parts) = (Vec::new(), Vec::new());
        Self { job, ranks, names, late, waiting, rows: 0, signal: None, writer: None, parts }
    }

    /// Takes rows that come after all before. `begun` gets the names of files.
    pub(crate) fn push(
        &mut self,
        rows: RecordBatch,
        begun: &mut Vec<String>,
    ) -> Result<(), MergeFault> {
        let mut rest = rows;
        loop {
            let room = self.room(&rest);
            let cut = room < rest.num_rows();
            self.rows += room;
            self.waiting.push(rest.slice(0, room));
            if self.waiting.len() >= SLICES_MAX {
                let joined = concat_batches(&rest.schema(), &self.waiting)?;
                self.waiting = vec![joined];
            }
            if !cut {
                return Ok(());
            }
            self.end_group(begun)?;
            rest = rest.slice(room, rest.num_rows() - room);
        }
    }

    /// How many of these rows belong to the row group that waits.
    fn room(&mut self, rows: &RecordBatch) -> usize {
        let series = rows.column(0).as_primitive::<Int32Type>().values();
        for (index, id) in series.iter().enumerate() {
            let signal = self.ranks.signal(*id);
            let other = self.signal.is_some_and(|before| before != signal);
            let count = self.rows + index;
            if count >= GROUP_ROWS_MAX || (other && count >= GROUP_ROWS_MIN) {
                return index;
            }
            self.signal = Some(signal);
        }
        rows.num_rows()
    }

    fn end_group(&mut self, begun: &mut Vec<String>) -> Result<(), MergeFault> {
        let waiting = std::mem::take(&mut self.waiting);
        (self.rows, self.signal) = (0, None);
        let Some(first) = waiting.first() else { return Ok(()) };
        let rows = concat_batches(&first.schema(), &waiting)?;
        let group = self.stored(&rows)?;
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => PartWriter::new(self.effort()).map_err(FlushFault::from)?,
        };
        writer.push(&group).map_err(FlushFault::from)?;
        let full = writer.bytes() >= FILE_BYTES;
        self.writer = Some(writer);
        if full { self.end_file(begun) } else { Ok(()) }
    }

    fn end_file(&mut self, begun: &mut Vec<String>) -> Result<(), MergeFault> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let encoded = writer.finish().map_err(FlushFault::from)?;
        let Job { plan, storage, clean, now, .. } = self.job;
        let position = plan.files.iter().map(|file| file.position).max().unwrap_or_default();
        let key = FileKey { day: plan.day, late: self.late };
        let clean = clean.get();
        let made = Made { key, position, clean, level: plan.level, at: *now };
        let path = self.path(position);
        begun.push(format!("{}/{}", day_dir(plan.day), path.1));
        self.parts.push(place_part(&**storage, (path.0, made), &encoded)?);
        Ok(())
    }

    /// The path of the next file, and its name. The version makes it one that was never there.
    fn path(&self, position: u64) -> (String, String) {
        let (late, count) = (if self.late { "-late" } else { "" }, self.parts.len());
        let name = format!("part-{position:020}-m{}{late}-{count:05}.parquet", self.job.version);
        (format!("day={}/{name}", day_name(self.job.plan.day)), name)
    }

    const fn effort(&self) -> Effort {
        if self.job.plan.level == CLOSED { Effort::Thorough } else { Effort::Quick }
    }

    /// The rows as a file has them, with names.
    fn stored(&self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let series = rows.column(0).as_primitive::<Int32Type>();
        let keys: UInt32Array = series.values().iter().map(|id| id.cast_unsigned()).collect();
        let name = |values: &ArrayRef| {
            DictionaryArray::<UInt32Type>::try_new(keys.clone(), Arc::clone(values))
        };
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(name(&self.names.device)?), Arc::new(name(&self.names.signal)?)];
        columns.extend(rows.columns().iter().map(Arc::clone));
        RecordBatch::try_new(stored_schema(), columns)
    }

    pub(crate) fn finish(mut self, begun: &mut Vec<String>) -> Result<Vec<Part>, MergeFault> {
        self.end_group(begun)?;
        self.end_file(begun)?;
        Ok(self.parts)
    }
}
