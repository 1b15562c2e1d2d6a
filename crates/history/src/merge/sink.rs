//! Sorted rows become files: cut into row groups at the end of a signal, and into files by size.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, DictionaryArray, RecordBatch, UInt32Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int32Type, UInt32Type};
use arrow::error::ArrowError;

use crate::fault::{FlushFault, MergeFault};
use crate::kind::Kind;
use crate::merge::ranks::Ranks;
use crate::part::{Effort, PartWriter};
use crate::place::{Made, Part, place_part};
use crate::series::Names;
use crate::storage::Storage;

/// Bytes at which a file ends: some 25 million readings. A merge holds one file in memory.
const FILE_BYTES: usize = 64 << 20;

/// Slices that wait for their row group. Each costs a KB and holds the batch it was cut from.
const SLICES_MAX: usize = 1_024;

/// Which files a sink writes.
pub(crate) struct Target<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) kind: Kind,
    pub(crate) made: Made,
    pub(crate) effort: Effort,
    /// Of their names, which go on with a number. It makes them ones that were never there.
    pub(crate) stem: String,
}

pub(crate) struct Sink<'a> {
    target: Target<'a>,
    ranks: &'a Ranks,
    names: &'a Names,
    /// Rows of the next row group.
    waiting: Vec<RecordBatch>,
    rows: usize,
    signal: Option<u32>,
    /// Of the last row group's last row.
    before: Option<u32>,
    writer: Option<PartWriter>,
    parts: Vec<Part>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(target: Target<'a>, (ranks, names): (&'a Ranks, &'a Names)) -> Self {
        let (waiting, parts) = (Vec::new(), Vec::new());
        let (signal, before, writer) = (None, None, None);
        Self { target, ranks, names, waiting, rows: 0, signal, before, writer, parts }
    }

    /// Takes rows that come after all before: the columns of a file from the series on. `begun`
    /// gets the names of files.
    pub(crate) fn push(
        &mut self,
        rows: RecordBatch,
        begun: &mut Vec<String>,
    ) -> Result<(), MergeFault> {
        let mut rest = rows;
        // A file without rows is none.
        while rest.num_rows() > 0 {
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
        Ok(())
    }

    /// How many of these rows belong to the row group that waits. It ends with its signal when it has
    /// enough, or when the signal had groups before: so the groups of the next signal, of the same
    /// messages, begin alike.
    fn room(&mut self, rows: &RecordBatch) -> usize {
        let series = rows.column(0).as_primitive::<Int32Type>().values();
        let (least, most) = self.target.kind.group_rows();
        for (index, id) in series.iter().enumerate() {
            let signal = self.ranks.signal(*id);
            let other = self.signal.is_some_and(|before| before != signal);
            let count = self.rows + index;
            let enough = count >= least || self.signal == self.before;
            if count >= most || (other && enough) {
                return index;
            }
            self.signal = Some(signal);
        }
        rows.num_rows()
    }

    fn end_group(&mut self, begun: &mut Vec<String>) -> Result<(), MergeFault> {
        let waiting = std::mem::take(&mut self.waiting);
        self.before = self.signal.take();
        self.rows = 0;
        let Some(first) = waiting.first() else { return Ok(()) };
        let rows = concat_batches(&first.schema(), &waiting)?;
        let group = self.stored(&rows)?;
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                PartWriter::new(self.target.kind, self.target.effort).map_err(FlushFault::from)?
            }
        };
        writer.push(&group).map_err(FlushFault::from)?;
        let full = writer.bytes() >= FILE_BYTES;
        self.writer = Some(writer);
        if full { self.end_file(begun) } else { Ok(()) }
    }

    fn end_file(&mut self, begun: &mut Vec<String>) -> Result<(), MergeFault> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let encoded = writer.finish().map_err(FlushFault::from)?;
        let Target { storage, kind, made, stem, .. } = &self.target;
        let (day, count) = (made.key.folder.name(), self.parts.len());
        let path = format!("day={day}/{stem}-{count:05}.parquet");
        begun.push(kind.name_of(&path));
        self.parts.push(place_part(*storage, (path, made.clone()), &encoded)?);
        Ok(())
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
        RecordBatch::try_new(self.target.kind.stored(), columns)
    }

    pub(crate) fn finish(mut self, begun: &mut Vec<String>) -> Result<Vec<Part>, MergeFault> {
        self.end_group(begun)?;
        self.end_file(begun)?;
        Ok(self.parts)
    }
}
