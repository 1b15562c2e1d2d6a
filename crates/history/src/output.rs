//! The columns that a scan gives, made of what files and the hot tail have.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, DictionaryArray, RecordBatch, RecordBatchOptions, TimestampMillisecondArray,
    UInt16Array, UInt32Array, new_null_array,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Int32Type, Schema, SchemaRef, UInt32Type};
use arrow::error::ArrowError;

use crate::chunk::{Chunk, Picks};
use crate::part::stored;
use crate::schema::{column, readings_schema};
use crate::series::Names;

/// The wanted columns, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    schema: SchemaRef,
    columns: Vec<usize>,
    names: Names,
}

impl Output {
    pub(crate) fn new(columns: Option<&[usize]>, names: Names) -> Result<Self, ArrowError> {
        Self::over(&readings_schema(), columns, names)
    }

    /// Of a schema that begins as that of readings: with a time, the names and the series.
    pub(crate) fn over(
        schema: &Schema,
        columns: Option<&[usize]>,
        names: Names,
    ) -> Result<Self, ArrowError> {
        let every = || (0..schema.fields().len()).collect();
        let columns = columns.map_or_else(every, <[usize]>::to_vec);
        let schema = Arc::new(schema.project(&columns)?);
        Ok(Self { schema, columns, names })
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The columns of a file that are needed for it, ascending: names come from the series.
    pub(crate) fn stored(&self) -> Vec<usize> {
        let needed = [
            (stored::SERIES, [column::SERIES, column::DEVICE, column::SIGNAL].as_slice()),
            (stored::TIME, &[column::TIME]),
            (stored::NUMBER, &[column::NUMBER]),
            (stored::TEXT, &[column::TEXT]),
            (stored::QUALITY, &[column::QUALITY]),
        ];
        let used = |columns: &&[usize]| columns.iter().any(|column| self.columns.contains(column));
        needed.iter().filter(|(_, columns)| used(columns)).map(|(stored, _)| *stored).collect()
    }

    pub(crate) fn cold(&self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let stored = |name: &str| rows.column_by_name(name).map(Arc::clone);
        // The same bits: ids are below 2^31.
        let series = stored("series").map_or_else(
            || ScalarBuffer::from(Vec::new()),
            |column| {
                ScalarBuffer::from(column.as_primitive::<Int32Type>().values().inner().clone())
            },
        );
        let missing = || new_null_array(&DataType::Null, rows.num_rows());
        self.batch(rows.num_rows(), &series, |wanted| match wanted {
            column::TIME => stored("time").unwrap_or_else(missing),
            column::NUMBER => stored("number").unwrap_or_else(missing),
            column::TEXT => stored("text").unwrap_or_else(missing),
            _ => stored("quality").map_or_else(missing, |column| quality_array(&column)),
        })
    }

    pub(crate) fn hot(&self, chunk: &Chunk, picks: &Picks) -> Result<RecordBatch, ArrowError> {
        let series = chunk.series_of(picks);
        self.batch(picks.len(), &series, |wanted| match wanted {
            column::TIME => time_array(chunk.time_of(picks)),
            column::NUMBER => Arc::new(chunk.number_of(picks)),
            column::TEXT => chunk.text_of(picks),
            _ => Arc::new(UInt16Array::new(chunk.quality_of(picks), None)),
        })
    }

    /// A batch whose columns besides the names and the series come from `value`.
    pub(crate) fn batch(
        &self,
        rows: usize,
        series: &ScalarBuffer<u32>,
        mut value: impl FnMut(usize) -> ArrayRef,
    ) -> Result<RecordBatch, ArrowError> {
        let numbers = || UInt32Array::new(series.clone(), None);
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for wanted in &self.columns {
            arrays.push(match *wanted {
                column::SERIES => Arc::new(numbers()),
                column::DEVICE => named(numbers(), &self.names.device)?,
                column::SIGNAL => named(numbers(), &self.names.signal)?,
                other => value(other),
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema(), arrays, &options)
    }
}

fn named(keys: UInt32Array, names: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(DictionaryArray::<UInt32Type>::try_new(keys, Arc::clone(names))?))
}

pub(crate) fn time_array(millis: ScalarBuffer<i64>) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::new(millis, None).with_timezone("UTC"))
}

/// Qualities have 16 bits; what is beyond was not written by us.
fn quality_array(stored: &ArrayRef) -> ArrayRef {
    let bits = |quality: &i32| u16::try_from(*quality).unwrap_or(u16::MAX);
    let values = stored.as_primitive::<Int32Type>().values().iter().map(bits).collect();
    Arc::new(UInt16Array::new(values, None))
}
