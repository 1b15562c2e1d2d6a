//! What is known of a Parquet file without opening it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::arrange::FileKey;
use crate::delta::Add;
use crate::folder::Folder;
use crate::kind::Kind;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColdFile {
    /// Below the folder of the table.
    pub(crate) path: Box<str>,
    pub(crate) key: FileKey,
    /// The last journal position of its rows.
    pub(crate) position: u64,
    /// No row of a series that was erased up to here is in it.
    pub(crate) clean: u64,
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
    /// Of a file of hours only.
    pub(crate) origin: Option<Origin>,
}

/// Where a file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// On this disk.
    Here,
    /// In the object store; this disk may still have a copy.
    Store,
}

/// Which readings the hours of a file were made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The names of their files, in the order of the table, with spaces between.
    pub(crate) cover: Arc<str>,
    /// The readings were dropped since, so that nothing can make these hours again.
    pub(crate) left: bool,
    /// The rows of this file are of readings that had left before: `cover` does not hold them, and
    /// nothing else does.
    pub(crate) carried: bool,
}

impl Origin {
    pub(crate) fn new(readings: &[Arc<ColdFile>]) -> Self {
        let names: Vec<&str> = readings.iter().map(|file| file.last_name()).collect();
        Self { cover: names.join(" ").into(), left: false, carried: false }
    }

    /// Whether the hours are those of exactly these files.
    pub(crate) fn covers(&self, readings: &[Arc<ColdFile>]) -> bool {
        !readings.is_empty()
            && self.cover.split(' ').eq(readings.iter().map(|file| file.last_name()))
    }

    /// Tables from before `carried` was told have both kinds of rows in one file. Of these nobody
    /// knows what they cover, so they are made again.
    fn from_tags(cover: &str, left: bool, carried: Option<bool>) -> Self {
        let cover = if carried.is_some() { cover } else { "" };
        Self { cover: cover.into(), left, carried: carried.unwrap_or_default() }
    }
}

impl ColdFile {
    pub(crate) const fn kind(&self) -> Kind {
        if self.origin.is_some() { Kind::Hours } else { Kind::Readings }
    }

    /// Whether its hours are of readings that left, and stand for none that are there.
    pub(crate) fn is_carried(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| origin.carried)
    }

    /// Below the folder of the space.
    pub(crate) fn name(&self) -> String {
        self.kind().name_of(&self.path)
    }

    /// Without its folder.
    fn last_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// By folder, then in the order the rows came.
    pub(crate) fn sort_key(&self) -> (Folder, u64, bool, &str) {
        (self.key.folder, self.position, self.key.late, &self.path)
    }

    pub(crate) fn tags(&self) -> BTreeMap<String, String> {
        let tag = |name: &str, value: &dyn ToString| (format!("althing.{name}"), value.to_string());
        let mut tags = BTreeMap::from([
            tag("late", &self.key.late),
            tag("position", &self.position),
            tag("level", &self.level),
            tag("time_min", &self.time_min),
            tag("time_max", &self.time_max),
            tag("tail", &self.tail),
            tag("tail_crc32c", &self.tail_checksum),
        ]);
        if self.key.folder.is_long() {
            tags.extend([tag("days", &self.key.folder.days)]);
        }
        if self.clean > self.position {
            tags.extend([tag("clean", &self.clean)]);
        }
        if let Some(origin) = &self.origin {
            tags.extend([
                tag("cover", &origin.cover),
                tag("left", &origin.left),
                tag("carried", &origin.carried),
            ]);
        }
        tags
    }

    /// `None` for a file that is not Althing's.
    pub(crate) fn from_add(kind: Kind, add: &Add) -> Option<Self> {
        let tag = |name: &str| add.tags.get(&format!("althing.{name}")).map(String::as_str);
        let position: u64 = tag("position")?.parse().ok()?;
        let days = tag("days").unwrap_or("1").parse().ok()?;
        let folder = Folder::told(add.partition_values.get("day")?, days)?;
        let origin = match kind {
            Kind::Readings => None,
            Kind::Hours => {
                let carried = tag("carried").map(str::parse).transpose().ok()?;
                Some(Origin::from_tags(tag("cover")?, tag("left")?.parse().ok()?, carried))
            }
        };
        Some(Self {
            path: add.path.as_str().into(),
            key: FileKey { folder, late: tag("late")?.parse().ok()? },
            position,
            clean: tag("clean").map_or(Ok(position), str::parse).ok()?.max(position),
            // Tables from before there were merges have no levels.
            level: tag("level").unwrap_or("0").parse().ok()?,
            written: add.modification_time,
            bytes: add.size,
            time_min: tag("time_min")?.parse().ok()?,
            time_max: tag("time_max")?.parse().ok()?,
            tail: tag("tail")?.parse().ok().filter(|tail| *tail <= add.size)?,
            tail_checksum: tag("tail_crc32c")?.parse().ok()?,
            home: Home::Here,
            origin,
        })
    }
}

#[cfg(test)]
mod tests;
