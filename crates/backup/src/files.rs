//! Files that are there whole or not at all, with their checksums.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::Progress;
use crate::fault::BackupFault;

const CHUNK_BYTES: usize = 1 << 20;

/// Ends the name of a file that is being written.
pub(crate) const DRAFT: &str = "tmp~";

/// Length and CRC-32C of what passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) bytes: u64,
    pub(crate) crc: u32,
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.crc = crc32c::crc32c_append(self.crc, bytes);
    }
}

/// Adds up what is written through it.
pub(crate) struct Summing<'a> {
    file: File,
    sum: Sum,
    progress: Progress<'a>,
}

impl Write for Summing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.sum.add(bytes.get(..count).unwrap_or_default());
        (self.progress)(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Makes a file of what `fill` writes: synced, and under its name only when it is whole.
pub(crate) fn place<T>(
    path: &Path,
    progress: Progress<'_>,
    fill: impl FnOnce(&mut Summing<'_>) -> Result<T, BackupFault>,
) -> Result<(T, Sum), BackupFault> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(BackupFault::file(folder))?;
    }
    let draft = path.with_added_extension(DRAFT);
    let file = File::create(&draft).map_err(BackupFault::file(&draft))?;
    let mut summing = Summing { file, sum: Sum::default(), progress };
    let filled = fill(&mut summing)?;
    summing.file.sync_all().map_err(BackupFault::file(&draft))?;
    rename(&draft, path)?;
    Ok((filled, summing.sum))
}

/// The new name is durable once its folder is synced, which `sync_tree` does for all at the end.
#[expect(clippy::disallowed_methods, reason = "folders are synced once, before the manifest")]
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), BackupFault> {
    fs::rename(from, to).map_err(BackupFault::file(to))
}

/// Copies all of a file.
pub(crate) fn copy(from: &Path, to: &Path, progress: Progress<'_>) -> Result<Sum, BackupFault> {
    let mut file = File::open(from).map_err(BackupFault::file(from))?;
    let copied =
        place(to, progress, |out| io::copy(&mut file, out).map_err(BackupFault::file(from)));
    copied.map(|(_, sum)| sum)
}

/// Length and checksum of a file.
pub(crate) fn sum(path: &Path, progress: Progress<'_>) -> Result<Sum, BackupFault> {
    let mut file = File::open(path).map_err(BackupFault::file(path))?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut sum = Sum::default();
    loop {
        let count = file.read(&mut chunk).map_err(BackupFault::file(path))?;
        let bytes = chunk.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(sum);
        }
        sum.add(bytes);
        progress(count as u64);
    }
}

/// Makes the names in a folder, and in all folders below it, durable.
pub(crate) fn sync_tree(folder: &Path) -> Result<(), BackupFault> {
    for (path, kind) in entries(folder)? {
        if kind.is_dir() {
            sync_tree(&path)?;
        }
    }
    let opened = File::open(folder).and_then(|opened| opened.sync_all());
    opened.map_err(BackupFault::file(folder))
}

/// Of a folder, by name.
pub(crate) fn entries(folder: &Path) -> Result<Vec<(PathBuf, fs::FileType)>, BackupFault> {
    let read = || -> io::Result<Vec<(PathBuf, fs::FileType)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            found.push((entry.path(), entry.file_type()?));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    };
    read().map_err(BackupFault::file(folder))
}

/// All files of a folder and of those below it.
pub(crate) fn walk(folder: &Path) -> Result<Vec<PathBuf>, BackupFault> {
    let mut files = Vec::new();
    for (path, kind) in entries(folder)? {
        if kind.is_dir() {
            files.extend(walk(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
