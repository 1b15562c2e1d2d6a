//! All of the log up to one version as one Parquet file, so that an opening need not read every
//! version. It only saves time: without it, or when it is damaged, the versions say the same.

use std::io;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use crate::delta::Action;
use crate::storage::{Storage, place};

/// Versions between two checkpoints.
pub(crate) const CHECKPOINT_EVERY: u64 = 100;

/// Bytes of a checkpoint that are read: some million files.
const CHECKPOINT_BYTES_MAX: u64 = 256 << 20;

/// Actions turned into columns at once.
const BATCH_ACTIONS: usize = 8_192;

/// Why a checkpoint cannot be written or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointFault {
    #[error("it cannot be read or written")]
    Storage(#[from] io::Error),
    #[error("it cannot be encoded or decoded")]
    Columns(#[from] ArrowError),
    #[error("it is no Parquet file")]
    Parquet(#[from] ParquetError),
    #[error("a line is no action")]
    Json(#[from] serde_json::Error),
    #[error("its checksum is wrong")]
    Checksum,
}

/// What `_last_checkpoint` says.
#[derive(Debug, Serialize, Deserialize)]
struct Pointer {
    version: u64,
    /// Actions in it.
    size: u64,
    #[serde(rename = "althingCrc32c")]
    checksum: String,
}

fn pointer_name(dir: &str) -> String {
    format!("{dir}/_last_checkpoint")
}

fn checkpoint_name(dir: &str, version: u64) -> String {
    format!("{dir}/{version:020}.checkpoint.parquet")
}

fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", crc32c::crc32c(bytes))
}

/// Writes the actions that make up `version`.
pub(crate) fn write(
    storage: &dyn Storage,
    dir: &str,
    (version, actions): (u64, &[Action]),
) -> Result<(), CheckpointFault> {
    for (name, bytes) in files(dir, (version, actions))? {
        place(storage, &name, &bytes)?;
        storage.sync_dir(dir)?;
    }
    Ok(())
}

/// The files of a checkpoint, in the order in which they are to be written.
pub(crate) fn files(
    dir: &str,
    (version, actions): (u64, &[Action]),
) -> Result<[(String, Vec<u8>); 2], CheckpointFault> {
    let bytes = encode(actions)?;
    let size = actions.len() as u64;
    let pointer = Pointer { version, size, checksum: checksum(&bytes) };
    let pointer = (pointer_name(dir), serde_json::to_vec(&pointer)?);
    Ok([(checkpoint_name(dir, version), bytes), pointer])
}

/// The newest checkpoint: its version and its actions.
pub(crate) fn read(
    storage: &dyn Storage,
    dir: &str,
) -> Result<Option<(u64, Vec<Action>)>, CheckpointFault> {
    read_by(dir, |name| storage.read(name, CHECKPOINT_BYTES_MAX))
}

/// Likewise, wherever the files are.
pub(crate) fn read_by(
    dir: &str,
    read: impl Fn(&str) -> io::Result<Bytes>,
) -> Result<Option<(u64, Vec<Action>)>, CheckpointFault> {
    let pointer = match read(&pointer_name(dir)) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let pointer: Pointer = serde_json::from_slice(&pointer)?;
    let bytes = read(&checkpoint_name(dir, pointer.version))?;
    if checksum(&bytes) != pointer.checksum {
        return Err(CheckpointFault::Checksum);
    }
    Ok(Some((pointer.version, decode(bytes)?)))
}

fn encode(actions: &[Action]) -> Result<Vec<u8>, CheckpointFault> {
    let properties = WriterProperties::builder()
        .set_created_by("Althing".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&SCHEMA), Some(properties))?;
    let builder = ReaderBuilder::new(Arc::clone(&SCHEMA)).with_batch_size(BATCH_ACTIONS);
    let mut decoder = builder.build_decoder()?;
    for some in actions.chunks(BATCH_ACTIONS) {
        decoder.serialize(some)?;
        if let Some(batch) = decoder.flush()? {
            writer.write(&batch)?;
        }
    }
    Ok(writer.into_inner()?)
}

fn decode(bytes: Bytes) -> Result<Vec<Action>, CheckpointFault> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    for batch in ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()? {
        writer.write(&batch?)?;
    }
    writer.finish()?;
    let lines = writer.into_inner();
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| Ok(serde_json::from_slice(line)?)).collect()
}

/// The columns that Delta Lake prescribes, as far as we fill them.
static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name| Field::new(name, DataType::Utf8, true);
    let long = |name| Field::new(name, DataType::Int64, true);
    let truth = |name| Field::new(name, DataType::Boolean, true);
    let record = |name, fields: Vec<Field>| Field::new_struct(name, fields, true);
    Arc::new(Schema::new(vec![
        record("txn", vec![text("appId"), long("version"), long("lastUpdated")]),
        record(
            "add",
            vec![
                text("path"),
                texts("partitionValues"),
                long("size"),
                long("modificationTime"),
                truth("dataChange"),
                texts("tags"),
                text("stats"),
            ],
        ),
        record(
            "remove",
            vec![
                text("path"),
                long("deletionTimestamp"),
                truth("dataChange"),
                truth("extendedFileMetadata"),
                texts("partitionValues"),
                long("size"),
                texts("tags"),
                text("stats"),
            ],
        ),
        record(
            "metaData",
            vec![
                text("id"),
                text("name"),
                text("description"),
                record("format", vec![text("provider"), texts("options")]),
                text("schemaString"),
                Field::new_list(
                    "partitionColumns",
                    Field::new("element", DataType::Utf8, true),
                    true,
                ),
                texts("configuration"),
                long("createdTime"),
            ],
        ),
        record(
            "protocol",
            vec![
                Field::new("minReaderVersion", DataType::Int32, true),
                Field::new("minWriterVersion", DataType::Int32, true),
            ],
        ),
    ]))
});

/// A map from text to text.
fn texts(name: &str) -> Field {
    let entry = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Utf8, true),
    ]);
    let entries = Field::new("key_value", DataType::Struct(entry), false);
    Field::new(name, DataType::Map(Arc::new(entries), false), true)
}
