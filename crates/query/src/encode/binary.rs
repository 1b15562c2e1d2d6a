//! Arrow IPC and Parquet. Views become plain text: not every reader knows views yet.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::EncodeFault;

/// Rows of a row group: what is held in memory until it is written.
const GROUP_ROWS: usize = 131_072;

fn plain_schema(schema: &SchemaRef) -> SchemaRef {
    let plain = |field: &Arc<Field>| {
        let same = field.as_ref().clone();
        if *field.data_type() == DataType::Utf8View {
            same.with_data_type(DataType::Utf8)
        } else if *field.data_type() == DataType::BinaryView {
            same.with_data_type(DataType::Binary)
        } else {
            same
        }
    };
    Arc::new(Schema::new(schema.fields().iter().map(plain).collect::<Vec<_>>()))
}

fn plain(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type()));
    let rows = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect::<Result<_, _>>()?, &rows)
}

pub(super) struct ArrowStream {
    schema: SchemaRef,
    writer: StreamWriter<Vec<u8>>,
}

impl std::fmt::Debug for ArrowStream {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ArrowStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl ArrowStream {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, ArrowError> {
        let schema = plain_schema(schema);
        Ok(Self { writer: StreamWriter::try_new(Vec::new(), &schema)?, schema })
    }

    pub(super) fn write(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
    ) -> Result<(), ArrowError> {
        self.writer.write(&plain(batch, &self.schema)?)?;
        out.append(self.writer.get_mut());
        Ok(())
    }

    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        self.writer.finish()?;
        out.append(self.writer.get_mut());
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct ParquetFile {
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
}

impl ParquetFile {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, ParquetError> {
        let schema = plain_schema(schema);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties))?;
        Ok(Self { schema, writer })
    }

    pub(super) fn write(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeFault> {
        self.writer.write(&plain(batch, &self.schema)?)?;
        out.append(self.writer.inner_mut());
        Ok(())
    }

    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), ParquetError> {
        self.writer.finish()?;
        out.append(self.writer.inner_mut());
        Ok(())
    }
}
