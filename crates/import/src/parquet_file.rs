//! Parquet, as pandas, Polars, DuckDB and Althing itself write it.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use model::Timestamp;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::columns::{Bound, Cell, Layout};
use crate::csv_file::stem;
use crate::fault::ImportFault;
use crate::input::identity;
use crate::sink::{Extent, Sink, Source};

const BATCH_ROWS: usize = 8_192;

/// A table in columns, of which those are read that mean something.
#[derive(Debug)]
pub struct ParquetFile {
    path: PathBuf,
    bound: Bound,
    rows: u64,
}

impl ParquetFile {
    /// # Errors
    /// When the file cannot be read, or has not the columns of the layout.
    pub fn open(path: &Path, layout: &Layout) -> Result<Self, ImportFault> {
        let builder = builder(path)?;
        let names = builder.schema().fields().iter().map(|field| field.name().clone());
        let bound = layout.bind(&names.collect::<Vec<_>>(), &stem(path))?;
        let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
        Ok(Self { path: path.to_owned(), bound, rows })
    }

    fn batches(&self) -> Result<ParquetRecordBatchReader, ImportFault> {
        let built = builder(&self.path)?.with_batch_size(BATCH_ROWS).build();
        built.map_err(|source| ImportFault::Parquet { path: self.path.clone(), source })
    }
}

fn builder(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, ImportFault> {
    let file = File::open(path).map_err(ImportFault::input(path))?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|source| ImportFault::Parquet { path: path.to_owned(), source })
}

impl Source for ParquetFile {
    fn extent(&self) -> Extent {
        Extent::Rows(self.rows)
    }

    fn identity(&self) -> String {
        identity(&self.path)
    }

    fn read(&mut self, sink: &mut dyn Sink) -> Result<(), ImportFault> {
        let mut row = 0;
        for batch in self.batches()? {
            let fault = |source| ImportFault::Column { path: self.path.clone(), source };
            let batch = batch.map_err(fault)?;
            let columns = plain(&batch).map_err(fault)?;
            for at in 0..batch.num_rows() {
                row += 1;
                if sink.row(row, row)? {
                    self.bound.row(&|column| cell_at(&columns, column, at), sink)?;
                }
            }
        }
        Ok(())
    }
}

/// Columns in one of the few types that cells have; what has none of them is left empty.
fn plain(batch: &RecordBatch) -> Result<Vec<ArrayRef>, arrow::error::ArrowError> {
    let target = |column: &ArrayRef| kind_of(column.data_type());
    let cast = |column: &ArrayRef| match target(column) {
        Some(kind) if kind != *column.data_type() => cast(column, &kind),
        _ => Ok(ArrayRef::clone(column)),
    };
    batch.columns().iter().map(cast).collect()
}

fn kind_of(found: &DataType) -> Option<DataType> {
    if let DataType::Dictionary(_, value) = found {
        return kind_of(value);
    }
    if matches!(found, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64) {
        return Some(DataType::Timestamp(TimeUnit::Microsecond, None));
    }
    if found.is_string() {
        return Some(DataType::Utf8);
    }
    if *found == DataType::Boolean {
        return Some(DataType::Boolean);
    }
    // A column of unsigned numbers may hold what no signed one does.
    let whole = found.is_integer() && *found != DataType::UInt64;
    let number = if whole { DataType::Int64 } else { DataType::Float64 };
    found.is_numeric().then_some(number)
}

fn cell_at(columns: &[ArrayRef], column: usize, at: usize) -> Cell<'_> {
    columns.get(column).map_or(Cell::Empty, |column| cell_of(column, at))
}

fn cell_of(column: &ArrayRef, at: usize) -> Cell<'_> {
    if column.is_null(at) {
        return Cell::Empty;
    }
    if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
        return Cell::Number(numbers.value(at));
    }
    if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
        return Cell::Whole(numbers.value(at));
    }
    if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        return Cell::Time(Timestamp::from_micros(times.value(at)));
    }
    if let Some(texts) = column.as_string_opt::<i32>() {
        return if texts.value(at).is_empty() { Cell::Empty } else { Cell::Text(texts.value(at)) };
    }
    column.as_boolean_opt().map_or(Cell::Empty, |truths| Cell::Truth(truths.value(at)))
}

#[cfg(test)]
mod tests;
