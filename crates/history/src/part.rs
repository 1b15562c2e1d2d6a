//! One Parquet file: encoded in memory, so that it can be checked, written and synced as a whole.

mod shared;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, TimestampMillisecondType};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use crate::kind::Kind;

/// Indexes of the columns in a file of readings; up to the time also in one of hours.
pub(crate) mod stored {
    pub(crate) const DEVICE: usize = 0;
    pub(crate) const SIGNAL: usize = 1;
    pub(crate) const SERIES: usize = 2;
    pub(crate) const TIME: usize = 3;
    pub(crate) const NUMBER: usize = 4;
    pub(crate) const TEXT: usize = 5;
    pub(crate) const QUALITY: usize = 6;
}

/// The footer's key under which the checksums of all column chunks stand.
pub(crate) const CHECKSUMS_KEY: &str = "althing.crc32c";

/// An encoded file.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    /// Where the last column chunk ends: page indexes and footer follow.
    pub(crate) tail: u64,
    pub(crate) facts: Facts,
}

impl Encoded {
    /// Of what follows the last column chunk.
    pub(crate) fn tail_checksum(&self) -> u32 {
        let tail = usize::try_from(self.tail).unwrap_or(usize::MAX);
        crc32c::crc32c(self.bytes.get(tail..).unwrap_or_default())
    }
}

/// What the log says of a file's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) rows: u64,
    /// In the columns that may have any.
    pub(crate) nulls: BTreeMap<String, u64>,
    pub(crate) series_min: i32,
    pub(crate) series_max: i32,
    pub(crate) time_min: i64,
    pub(crate) time_max: i64,
}

impl Facts {
    const NONE: Self = Self {
        rows: 0,
        nulls: BTreeMap::new(),
        series_min: i32::MAX,
        series_max: i32::MIN,
        time_min: i64::MAX,
        time_max: i64::MIN,
    };

    fn take(&mut self, group: &RecordBatch) {
        self.rows += group.num_rows() as u64;
        for (field, column) in group.schema_ref().fields().iter().zip(group.columns()) {
            if field.is_nullable() {
                let nulls = self.nulls.entry(field.name().clone()).or_default();
                *nulls += column.logical_null_count() as u64;
            }
        }
        for series in group.column(stored::SERIES).as_primitive::<Int32Type>().values() {
            self.series_min = self.series_min.min(*series);
            self.series_max = self.series_max.max(*series);
        }
        let times = group.column(stored::TIME).as_primitive::<TimestampMillisecondType>();
        for time in times.values() {
            self.time_min = self.time_min.min(*time);
            self.time_max = self.time_max.max(*time);
        }
    }
}

/// How much time a file's size is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// For files that are merged soon.
    Quick,
    /// For files that stay.
    Thorough,
}

impl Effort {
    const fn zstd(self) -> i32 {
        match self {
            Self::Quick => 1,
            Self::Thorough => 6,
        }
    }
}

/// How a column of numbers can be stored; which is smaller depends on the signal.
#[derive(Clone, Copy)]
enum Numbers {
    Dictionary,
    Split,
}

fn properties(
    kind: Kind,
    numbers: Numbers,
    effort: Effort,
) -> Result<WriterPropertiesPtr, ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_created_by("Althing".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(effort.zstd())?))
        .set_data_page_row_count_limit(kind.page_rows());
    for field in kind.stored().fields() {
        let plain = match (is_time(field.data_type()), is_number(field.data_type()), numbers) {
            (true, _, _) => Encoding::DELTA_BINARY_PACKED,
            (_, true, Numbers::Split) => Encoding::BYTE_STREAM_SPLIT,
            _ => continue,
        };
        let column = ColumnPath::from(field.name().as_str());
        builder = builder
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, plain);
    }
    Ok(Arc::new(builder.build()))
}

const fn is_time(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(..))
}

const fn is_number(kind: &DataType) -> bool {
    matches!(kind, DataType::Float64)
}

type FileWriter = SerializedFileWriter<Vec<u8>>;

/// Makes the column writers of one way to store numbers.
fn factory(
    kind: Kind,
    numbers: Numbers,
    effort: Effort,
) -> Result<(FileWriter, ArrowRowGroupWriterFactory), ParquetError> {
    let schema = ArrowSchemaConverter::new().convert(&kind.stored())?;
    let properties = properties(kind, numbers, effort)?;
    let file = FileWriter::new(Vec::new(), schema.root_schema_ptr(), properties)?;
    let factory = ArrowRowGroupWriterFactory::new(&file, kind.stored());
    Ok((file, factory))
}

/// A file in the making, in memory.
pub(crate) struct PartWriter {
    file: FileWriter,
    plain: ArrowRowGroupWriterFactory,
    split: ArrowRowGroupWriterFactory,
    facts: Facts,
}

impl PartWriter {
    pub(crate) fn new(kind: Kind, effort: Effort) -> Result<Self, ParquetError> {
        let (file, plain) = factory(kind, Numbers::Dictionary, effort)?;
        let (_, split) = factory(kind, Numbers::Split, effort)?;
        Ok(Self { file, plain, split, facts: Facts::NONE })
    }

    /// Adds a batch of `Kind::stored` as one row group.
    pub(crate) fn push(&mut self, group: &RecordBatch) -> Result<(), ParquetError> {
        self.facts.take(group);
        let chunks = encode_group(group, &self.plain, &self.split)?;
        let mut group = self.file.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }

    /// So far.
    pub(crate) fn bytes(&self) -> usize {
        self.file.bytes_written()
    }

    pub(crate) fn finish(mut self) -> Result<Encoded, ParquetError> {
        self.file.flush()?;
        let tail = self.file.bytes_written() as u64;
        let places = shared::places(self.file.flushed_row_groups());
        let chunk = |place: &Range<usize>| self.file.inner().get(place.clone()).unwrap_or_default();
        let checksums: Vec<u32> = places.iter().map(|place| crc32c::crc32c(chunk(place))).collect();
        let hex: String = checksums.iter().map(|checksum| format!("{checksum:08x}")).collect();
        self.file.append_key_value_metadata(KeyValue::new(CHECKSUMS_KEY.to_owned(), hex));
        let columns = self.file.schema_descr().num_columns();
        let equal = shared::equals(self.file.inner(), (&places, &checksums), columns);
        let metadata = self.file.finish()?;
        let bytes = std::mem::take(self.file.inner_mut());
        let (bytes, tail) = match equal {
            None => (bytes, tail),
            Some(equal) => shared::once(&bytes, (&places, &equal), metadata)?,
        };
        Ok(Encoded { bytes, tail, facts: self.facts })
    }
}

fn encode_group(
    batch: &RecordBatch,
    plain: &ArrowRowGroupWriterFactory,
    split: &ArrowRowGroupWriterFactory,
) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
    let mut chunks = Vec::with_capacity(batch.num_columns());
    let alternatives = split.create_column_writers(0)?;
    let writers = plain.create_column_writers(0)?.into_iter().zip(alternatives);
    for (column, (writer, alternative)) in writers.enumerate() {
        let mut chunk = encode_column(batch, column, writer)?;
        if is_number(batch.column(column).data_type()) {
            let other = encode_column(batch, column, alternative)?;
            if other.close().bytes_written < chunk.close().bytes_written {
                chunk = other;
            }
        }
        chunks.push(chunk);
    }
    Ok(chunks)
}

fn encode_column(
    batch: &RecordBatch,
    column: usize,
    mut writer: ArrowColumnWriter,
) -> Result<ArrowColumnChunk, ParquetError> {
    for leaf in compute_leaves(batch.schema_ref().field(column), batch.column(column))? {
        writer.write(&leaf)?;
    }
    writer.close()
}
