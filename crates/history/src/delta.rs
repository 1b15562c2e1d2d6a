//! The table log as Delta Lake writes it: one JSON file per version, one action per line. Only the
//! words; `table` reads and writes the files. Described in `docs/formats/history.md`.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, FieldRef, Schema};
use model::Timestamp;
use serde::{Deserialize, Serialize};

/// The highest reader protocol that is understood.
pub(crate) const READER_VERSION: u64 = 1;
/// The version of what the tags of a file and the layout of folders mean.
pub(crate) const FORMAT_VERSION: u64 = 1;
/// That of a table some of whose files lie in a store: who does not know that misses them.
pub(crate) const FORMAT_MOVED: u64 = 2;
/// That of a table with folders that are longer than a day: who does not know that takes them for days.
pub(crate) const FORMAT_LONGER: u64 = 3;
pub(crate) const FORMAT_KEY: &str = "althing.format";
/// Who we are in the `txn` action.
pub(crate) const APP_ID: &str = "althing";

/// One line: exactly one of the actions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Action {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit_info: Option<CommitInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) protocol: Option<Protocol>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) meta_data: Option<MetaData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) txn: Option<Txn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) add: Option<Add>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remove: Option<Remove>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommitInfo {
    pub(crate) timestamp: i64,
    pub(crate) operation: String,
    pub(crate) engine_info: String,
    /// Checksum of all lines after this one, in hexadecimal.
    #[serde(rename = "althingCrc32c", skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Protocol {
    pub(crate) min_reader_version: u64,
    pub(crate) min_writer_version: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MetaData {
    pub(crate) id: String,
    pub(crate) format: Format,
    pub(crate) schema_string: String,
    pub(crate) partition_columns: Vec<String>,
    pub(crate) configuration: BTreeMap<String, String>,
    pub(crate) created_time: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Format {
    pub(crate) provider: String,
    pub(crate) options: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Txn {
    pub(crate) app_id: String,
    /// The journal position up to which the table holds everything.
    pub(crate) version: u64,
    pub(crate) last_updated: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Add {
    pub(crate) path: String,
    pub(crate) partition_values: BTreeMap<String, String>,
    pub(crate) size: u64,
    pub(crate) modification_time: i64,
    pub(crate) data_change: bool,
    pub(crate) stats: String,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remove {
    pub(crate) path: String,
    pub(crate) deletion_timestamp: i64,
    pub(crate) data_change: bool,
    /// The rest is told of files that lie in the store: what their `add` said of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extended_file_metadata: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) partition_values: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stats: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

/// The tag of a `remove` that says where the file is: `STORE`, or `LEAVING` when it was there.
pub(crate) const HOME_TAG: &str = "althing.home";
const STORE: &str = "store";
const LEAVING: &str = "leaving";
/// What `modificationTime` is in an `add`.
const WRITTEN_TAG: &str = "althing.written";

impl Remove {
    pub(crate) const fn plain(path: String, data_change: bool, now: Timestamp) -> Self {
        Self {
            path,
            deletion_timestamp: now.millis(),
            data_change,
            extended_file_metadata: None,
            partition_values: None,
            size: None,
            stats: None,
            tags: None,
        }
    }

    /// Of a file that goes on in the store.
    pub(crate) fn moved(add: Add, now: Timestamp) -> Self {
        let mut tags = add.tags;
        tags.insert(HOME_TAG.to_owned(), STORE.to_owned());
        tags.insert(WRITTEN_TAG.to_owned(), add.modification_time.to_string());
        Self {
            extended_file_metadata: Some(true),
            partition_values: Some(add.partition_values),
            size: Some(add.size),
            stats: Some(add.stats),
            tags: Some(tags),
            ..Self::plain(add.path, true, now)
        }
    }

    /// Of a file in the store that leaves the table.
    pub(crate) fn leaving(path: String, data_change: bool, now: Timestamp) -> Self {
        let tags = BTreeMap::from([(HOME_TAG.to_owned(), LEAVING.to_owned())]);
        Self { tags: Some(tags), ..Self::plain(path, data_change, now) }
    }

    fn home(&self) -> Option<&str> {
        self.tags.as_ref()?.get(HOME_TAG).map(String::as_str)
    }

    pub(crate) fn is_moved(&self) -> bool {
        self.home() == Some(STORE)
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.home() == Some(LEAVING)
    }

    /// The inverse of `moved`.
    pub(crate) fn as_add(&self) -> Option<Add> {
        let mut tags = self.tags.clone().filter(|_| self.is_moved())?;
        let written = tags.remove(WRITTEN_TAG)?;
        tags.remove(HOME_TAG);
        Some(Add {
            path: self.path.clone(),
            partition_values: self.partition_values.clone()?,
            size: self.size?,
            modification_time: written.parse().ok()?,
            data_change: true,
            stats: self.stats.clone().unwrap_or_default(),
            tags,
        })
    }
}

/// What a file's `stats` text holds.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats<'a> {
    pub(crate) num_records: u64,
    pub(crate) min_values: Bounds<'a>,
    pub(crate) max_values: Bounds<'a>,
    pub(crate) null_count: &'a BTreeMap<String, u64>,
}

/// By column.
pub(crate) type Bounds<'a> = BTreeMap<&'a str, Bound>;

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Bound {
    Number(u32),
    Time(String),
}

/// The columns as Delta Lake names their types, with the folder's day at the end.
pub(crate) fn schema_string(stored: &Schema) -> String {
    let field = |name: &str, kind: &str, nullable: bool| {
        format!(r#"{{"name":"{name}","type":"{kind}","nullable":{nullable},"metadata":{{}}}}"#)
    };
    let named = |column: &FieldRef| {
        field(column.name(), type_name(column.data_type()), column.is_nullable())
    };
    let mut fields: Vec<String> = stored.fields().iter().map(named).collect();
    fields.push(field("day", "date", false));
    format!(r#"{{"type":"struct","fields":[{}]}}"#, fields.join(","))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other types are in none of our tables")]
const fn type_name(kind: &DataType) -> &'static str {
    match kind {
        DataType::Int32 => "integer",
        DataType::Int64 => "long",
        DataType::Float64 => "double",
        DataType::Timestamp(..) => "timestamp",
        _ => "string",
    }
}

/// The bytes of a version: the actions, and before them who wrote them, with their checksum.
pub(crate) fn encode(
    actions: &[Action],
    operation: &str,
    timestamp: i64,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = Vec::new();
    for action in actions {
        serde_json::to_writer(&mut body, action)?;
        body.push(b'\n');
    }
    let info = CommitInfo {
        timestamp,
        operation: operation.to_owned(),
        engine_info: concat!("Althing/", env!("CARGO_PKG_VERSION")).to_owned(),
        checksum: Some(format!("{:08x}", crc32c::crc32c(&body))),
    };
    let mut bytes = serde_json::to_vec(&Action { commit_info: Some(info), ..Action::default() })?;
    bytes.push(b'\n');
    bytes.append(&mut body);
    Ok(bytes)
}

/// Why bytes are no version of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    Json,
    Checksum,
}

impl Bad {
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Json => "a line is no action",
            Self::Checksum => "its checksum is wrong",
        }
    }
}

/// The actions of a version. Versions that other programs wrote have no checksum.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Action>, Bad> {
    let mut actions: Vec<Action> = Vec::new();
    let mut rest = bytes;
    let mut expected = None;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        let Ok(action) = serde_json::from_slice::<Action>(line) else { return Err(Bad::Json) };
        if actions.is_empty() {
            let info = action.commit_info.as_ref();
            expected = info.and_then(|info| info.checksum.clone().map(|sum| (sum, rest)));
        }
        actions.push(action);
    }
    match expected {
        Some((sum, body)) if sum != format!("{:08x}", crc32c::crc32c(body)) => Err(Bad::Checksum),
        Some(_) | None => Ok(actions),
    }
}
