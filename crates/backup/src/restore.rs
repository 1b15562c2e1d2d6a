//! A site from a backup.

use std::fs;
use std::path::Path;

use model::Position;

use crate::Progress;
use crate::fault::BackupFault;
use crate::files::{copy, entries, rename, sync_tree};
use crate::manifest::{FILES, Manifest};

/// Makes the site of a backup in `data`, which is empty or does not exist. It is there whole or
/// not at all; answers the journal position up to which it goes.
///
/// # Errors
/// When the backup does not hold, or something cannot be read or written.
pub fn restore(
    backup: &Path,
    data: &Path,
    progress: Progress<'_>,
) -> Result<Position, BackupFault> {
    let Some(manifest) = Manifest::read(backup)? else {
        return Err(BackupFault::NoBackup {
            path: backup.to_owned(),
            what: "it has no manifest.json",
        });
    };
    if data.exists() && !entries(data)?.is_empty() {
        return Err(BackupFault::NotEmpty { path: data.to_owned() });
    }
    let draft = data.with_added_extension("restoring");
    if draft.exists() {
        fs::remove_dir_all(&draft).map_err(BackupFault::file(&draft))?;
    }
    for (name, entry) in &manifest.files {
        let from = backup.join(FILES).join(&entry.stored);
        let sum = copy(&from, &draft.join(name), progress)?;
        if !entry.holds(sum) {
            return Err(BackupFault::Damaged { path: from, what: "its checksum is wrong" });
        }
    }
    sync_tree(&draft)?;
    if data.exists() {
        fs::remove_dir(data).map_err(BackupFault::file(data))?;
    }
    rename(&draft, data)?;
    if let Some(parent) = data.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let synced = fs::File::open(parent).and_then(|parent| parent.sync_all());
        synced.map_err(BackupFault::file(parent))?;
    }
    Ok(Position::new(manifest.position))
}
