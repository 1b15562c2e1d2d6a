//! What a backup holds: `manifest.json`, as in `docs/formats/backup.md`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Component, Path};

use model::{Format, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fault::BackupFault;
use crate::files::{Sum, place};

pub(crate) const NAME: &str = "manifest.json";
/// The folder of all else.
pub(crate) const FILES: &str = "files";
const VERSION: u64 = 1;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Version of this format.
    pub(crate) althing_backup: u64,
    /// Counts the backups that were made into this folder.
    pub(crate) number: u64,
    /// Microseconds since 1970.
    pub(crate) made: i64,
    /// The journal goes up to here.
    pub(crate) position: u64,
    /// By name in the folder of the site, with `/` between its parts.
    pub(crate) files: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Below `files`.
    pub(crate) stored: String,
    pub(crate) bytes: u64,
    pub(crate) crc32c: u32,
}

impl Entry {
    pub(crate) fn new(stored: String, sum: Sum) -> Self {
        Self { stored, bytes: sum.bytes, crc32c: sum.crc }
    }

    pub(crate) fn holds(&self, sum: Sum) -> bool {
        (self.bytes, self.crc32c) == (sum.bytes, sum.crc)
    }
}

/// The version of a backup. Only the number is looked for: all else may be otherwise in a newer
/// one.
///
/// # Errors
/// When its manifest cannot be read.
pub fn format(folder: &Path) -> Result<Format, BackupFault> {
    let path = folder.join(NAME);
    let text = fs::read(&path).map_err(BackupFault::file(&path))?;
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let manifest: Option<serde_json::Value> = serde_json::from_slice(line).ok();
    let found = manifest.as_ref().and_then(|all| all.get("althing_backup")?.as_u64());
    Ok(Format { what: "backup", found, oldest: VERSION, newest: VERSION })
}

impl Manifest {
    /// The next one of a folder.
    pub(crate) fn after(before: Option<&Self>, now: Timestamp) -> Self {
        let number = before.map_or(0, |before| before.number) + 1;
        Self { althing_backup: VERSION, number, made: now.micros(), ..Self::default() }
    }

    /// `None` where there is none.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, BackupFault> {
        let path = folder.join(NAME);
        let text = match fs::read_to_string(&path) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(fault) if fault.kind() == io::ErrorKind::InvalidData => String::new(),
            other => other.map_err(BackupFault::file(&path))?,
        };
        let damaged = |what| BackupFault::Damaged { path: path.clone(), what };
        let (json, crc) = text.split_once('\n').ok_or_else(|| damaged("it is cut off"))?;
        if crc != checksum(json) {
            return Err(damaged("its checksum is wrong"));
        }
        let manifest: Self =
            serde_json::from_str(json).map_err(|_fault| damaged("it is no manifest"))?;
        if manifest.althing_backup > VERSION {
            return Err(BackupFault::Newer { path });
        }
        let names = manifest.files.iter().flat_map(|(name, entry)| [name, &entry.stored]);
        if names.into_iter().any(|name| !is_inside(name)) {
            return Err(damaged("it names a file outside of it"));
        }
        Ok(Some(manifest))
    }

    /// Replaces the one before: with this the backup is made.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), BackupFault> {
        let path = folder.join(NAME);
        let written = place(&path, &mut |_| {}, |out| {
            let json = serde_json::to_string(self).map_err(io::Error::from);
            let json = json.map_err(BackupFault::file(&path))?;
            write!(out, "{json}\n{}", checksum(&json)).map_err(BackupFault::file(&path))
        });
        written.map(drop)
    }
}

fn checksum(json: &str) -> String {
    format!("{:08x}\n", crc32c::crc32c(json.as_bytes()))
}

/// A manifest may come from anywhere: none of its names may lead out of the folder.
fn is_inside(name: &str) -> bool {
    !name.is_empty()
        && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}
