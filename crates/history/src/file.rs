//! What is known of a Parquet file without opening it.

use std::collections::BTreeMap;

use crate::arrange::{FileKey, day_from_name};
use crate::delta::Add;
use crate::table::TABLE_DIR;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColdFile {
    /// Below the folder of the table.
    pub(crate) path: Box<str>,
    pub(crate) key: FileKey,
    /// The last journal position of its rows.
    pub(crate) position: u64,
    /// How often its rows were merged, or `merge::plan::CLOSED`.
    pub(crate) level: u8,
    /// When, in milliseconds.
    pub(crate) written: i64,
    pub(crate) bytes: u64,
    pub(crate) time_min: i64,
    pub(crate) time_max: i64,
    /// Where page indexes and footer begin, and their checksum.
    pub(crate) tail: u64,
    pub(crate) tail_checksum: u32,
    pub(crate) home: Home,
}

/// Where a file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// On this disk.
    Here,
    /// In the object store; this disk may still have a copy.
    Store,
}

impl ColdFile {
    pub(crate) fn name(&self) -> String {
        name_of(&self.path)
    }

    /// By folder, then in the order the rows came.
    pub(crate) fn sort_key(&self) -> (i32, u64, bool, &str) {
        (self.key.day, self.position, self.key.late, &self.path)
    }

    pub(crate) fn tags(&self) -> BTreeMap<String, String> {
        let tag = |name: &str, value: &dyn ToString| (format!("althing.{name}"), value.to_string());
        BTreeMap::from([
            tag("late", &self.key.late),
            tag("position", &self.position),
            tag("level", &self.level),
            tag("time_min", &self.time_min),
            tag("time_max", &self.time_max),
            tag("tail", &self.tail),
            tag("tail_crc32c", &self.tail_checksum),
        ])
    }

    /// `None` for a file that is not Althing's.
    pub(crate) fn from_add(add: &Add) -> Option<Self> {
        let tag = |name: &str| add.tags.get(&format!("althing.{name}")).map(String::as_str);
        let day = day_from_name(add.partition_values.get("day")?)?;
        Some(Self {
            path: add.path.as_str().into(),
            key: FileKey { day, late: tag("late")?.parse().ok()? },
            position: tag("position")?.parse().ok()?,
            // Tables from before there were merges have no levels.
            level: tag("level").unwrap_or("0").parse().ok()?,
            written: add.modification_time,
            bytes: add.size,
            time_min: tag("time_min")?.parse().ok()?,
            time_max: tag("time_max")?.parse().ok()?,
            tail: tag("tail")?.parse().ok().filter(|tail| *tail <= add.size)?,
            tail_checksum: tag("tail_crc32c")?.parse().ok()?,
            home: Home::Here,
        })
    }
}

/// Below the folder of the space.
pub(crate) fn name_of(path: &str) -> String {
    format!("{TABLE_DIR}/{path}")
}
