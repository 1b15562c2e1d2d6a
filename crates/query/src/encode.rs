//! Answers as bytes: CSV, JSON, JSON lines, Arrow, Parquet, and a table for a terminal.

mod binary;
mod text;
mod value;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::errors::ParquetError;

use binary::{ArrowStream, ParquetFile};
use text::{Csv, Json};

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An array of row objects.
    Json,
    /// One row object per line.
    JsonLines,
    /// RFC 4180 with a header.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// One Parquet file, zstd.
    Parquet,
    /// Aligned text for people; at most so many rows.
    Table { rows: usize },
}

impl Format {
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Table { .. } => "text/plain; charset=utf-8",
        }
    }
}

/// Why rows cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeFault {
    #[error("the rows cannot be written in this format")]
    Arrow(#[from] ArrowError),
    #[error("the rows cannot be written as Parquet")]
    Parquet(#[from] ParquetError),
}

/// Writes batches of one schema. What was written so far is a document only after `finish`.
#[derive(Debug)]
pub struct Encoder(Kind);

#[derive(Debug)]
enum Kind {
    Json(Json),
    Csv(Csv),
    Arrow(Box<ArrowStream>),
    Parquet(Box<ParquetFile>),
    Table(text::Table),
}

impl Encoder {
    /// # Errors
    /// When the format cannot hold these columns.
    pub fn new(format: Format, schema: &SchemaRef) -> Result<Self, EncodeFault> {
        Ok(Self(match format {
            Format::Json => Kind::Json(Json::array(schema)),
            Format::JsonLines => Kind::Json(Json::lines(schema)),
            Format::Csv => Kind::Csv(Csv::new(schema)),
            Format::Arrow => Kind::Arrow(Box::new(ArrowStream::new(schema)?)),
            Format::Parquet => Kind::Parquet(Box::new(ParquetFile::new(schema)?)),
            Format::Table { rows } => Kind::Table(text::Table::new(schema, rows)),
        }))
    }

    /// Appends what the batch adds to `out`.
    ///
    /// # Errors
    /// When a value cannot be written.
    pub fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        match &mut self.0 {
            Kind::Json(json) => json.write(batch, out)?,
            Kind::Csv(csv) => csv.write(batch, out)?,
            Kind::Arrow(stream) => stream.write(batch, out)?,
            Kind::Parquet(file) => file.write(batch, out)?,
            Kind::Table(table) => table.write(batch)?,
        }
        Ok(())
    }

    /// Appends the end of the document.
    ///
    /// # Errors
    /// As `write`.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        match self.0 {
            Kind::Json(json) => json.finish(out),
            Kind::Csv(csv) => csv.finish(out),
            Kind::Arrow(stream) => stream.finish(out)?,
            Kind::Parquet(file) => file.finish(out)?,
            Kind::Table(table) => table.finish(out),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
