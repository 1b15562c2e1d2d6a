//! Whether a backup, or a site that does not run, reads back.

use std::path::Path;
use std::sync::Arc;

use history::Elsewhere;
use history::storage::{Files, Storage};
use journal::archive::{Condition, Stretch, check_segment, segments};
use model::Position;

use crate::Progress;
use crate::fault::BackupFault;
use crate::files::{entries, sum};
use crate::manifest::{FILES, Manifest, NAME};

/// What was looked at, and what does not hold, each with its causes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The journal goes up to here.
    pub position: Position,
    pub files: u64,
    pub bytes: u64,
    /// Readings in the tables of a site.
    pub rows: u64,
    /// Files of a site in an object store: not looked at.
    pub remote: Elsewhere,
    pub faults: Vec<String>,
}

/// Whether a folder is one of a backup.
#[must_use]
pub fn is_backup(folder: &Path) -> bool {
    folder.join(NAME).exists()
}

/// Compares every file of a backup with its checksum.
///
/// # Errors
/// When its manifest cannot be read.
pub fn verify_backup(backup: &Path, progress: Progress<'_>) -> Result<Checked, BackupFault> {
    let Some(manifest) = Manifest::read(backup)? else {
        let what = "it has no manifest.json";
        return Err(BackupFault::NoBackup { path: backup.to_owned(), what });
    };
    let mut checked = Checked { position: Position::new(manifest.position), ..Checked::default() };
    for entry in manifest.files.values() {
        let path = backup.join(FILES).join(&entry.stored);
        match sum(&path, progress) {
            Ok(sum) if entry.holds(sum) => {
                checked.files += 1;
                checked.bytes += sum.bytes;
            }
            Ok(_) => {
                let what = "its checksum is wrong";
                checked.fault(&BackupFault::Damaged { path, what });
            }
            Err(fault) => checked.fault(&fault),
        }
    }
    Ok(checked)
}

/// Reads all of a site that does not run: tables, journal, registry.
///
/// # Errors
/// When there is no site.
pub fn verify_site(data: &Path) -> Result<Checked, BackupFault> {
    let folder = data.join("journal");
    if !folder.is_dir() {
        return Err(BackupFault::NoSite { path: data.to_owned() });
    }
    let mut checked = Checked::default();
    let reached = checked.tables(&data.join("history"))?;
    checked.journal(&folder, reached)?;
    let path = data.join("registry.sqlite");
    if path.exists() {
        match registry::check(&path) {
            Ok(found) => {
                let told = |line: &String| format!("registry.sqlite is damaged: {line}");
                checked.faults.extend(found.iter().map(told));
            }
            Err(fault) => checked.fault(&fault),
        }
        checked.files += 1;
    }
    Ok(checked)
}

impl Checked {
    fn fault(&mut self, fault: &(dyn std::error::Error + 'static)) {
        let mut text = fault.to_string();
        let mut source = fault.source();
        while let Some(deeper) = source {
            text.push_str(": ");
            text.push_str(&deeper.to_string());
            source = deeper.source();
        }
        self.faults.push(text);
    }

    /// Answers up to where all tables come.
    fn tables(&mut self, folder: &Path) -> Result<Position, BackupFault> {
        let mut reached = None;
        for (path, kind) in if folder.is_dir() { entries(folder)? } else { Vec::new() } {
            if !kind.is_dir() {
                continue;
            }
            let storage: Arc<dyn Storage> = Arc::new(Files::new(&path));
            let (verified, faults) = history::verify(&storage);
            self.files += verified.files;
            self.bytes += verified.bytes;
            self.rows += verified.rows;
            self.remote.files += verified.remote.files;
            self.remote.bytes += verified.remote.bytes;
            for fault in &faults {
                self.fault(fault);
            }
            let reach = reached.get_or_insert(verified.position);
            *reach = verified.position.min(*reach);
        }
        Ok(reached.unwrap_or(Position::ZERO))
    }

    /// Every frame of every segment, and that none is missing after what the tables hold.
    fn journal(&mut self, folder: &Path, tables: Position) -> Result<(), BackupFault> {
        let mut before: Option<Stretch> = None;
        for path in segments(folder).map_err(BackupFault::file(folder))? {
            let name = path.display();
            let stretch = match check_segment(&path).map_err(BackupFault::file(&path))? {
                Condition::Whole(stretch) => stretch,
                Condition::Damaged(offset) => {
                    self.faults.push(format!("{name} is damaged from byte {offset} on"));
                    continue;
                }
            };
            match before {
                Some(before) if !before.is_followed_by(&stretch) => {
                    self.faults.push(format!("{name} does not follow the segment before it"));
                }
                None if tables.next() < stretch.first() => {
                    let (tables, first) = (tables.get(), stretch.first().get());
                    let told = format!(
                        "the tables end at position {tables}, the journal begins at {first}"
                    );
                    self.faults.push(told);
                }
                Some(_) | None => {}
            }
            self.files += 1;
            self.bytes += stretch.bytes();
            before = Some(stretch);
        }
        let end = before.map_or(Position::ZERO, |last| Position::new(last.next().get() - 1));
        if end < tables {
            let (tables, end) = (tables.get(), end.get());
            self.faults
                .push(format!("the tables go up to position {tables}, the journal to {end}"));
        }
        self.position = end;
        Ok(())
    }
}
