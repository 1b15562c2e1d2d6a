//! A real directory. Owns its lock: whoever has an `FsDisk` is the only process with one.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::fault::OpenFault;

const LOCK_NAME: &str = "journal.lock";

/// One write of zeros; a larger one is no faster.
const ZEROS: &[u8] = &[0; 64 << 10];

/// A directory of the file system, locked for as long as a handle of it lives.
#[derive(Debug)]
pub struct FsDisk {
    root: Arc<Root>,
}

#[derive(Debug)]
struct Root {
    path: PathBuf,
    /// The directory itself, for its fsync.
    directory: File,
    /// Held locked; the system unlocks it when the process ends, however it ends.
    _lock: File,
}

impl FsDisk {
    /// Opens, or creates, the directory and locks it.
    ///
    /// # Errors
    /// `InUse` when another process has it, `Disk` for all that the system refuses.
    pub fn open(path: &Path) -> Result<Self, OpenFault> {
        create_directory(path).map_err(OpenFault::disk("created"))?;
        let lock = lock(&path.join(LOCK_NAME))?;
        let directory = File::open(path).map_err(OpenFault::disk("opened"))?;
        directory.sync_all().map_err(OpenFault::disk("synced"))?;
        Ok(Self { root: Arc::new(Root { path: path.to_owned(), directory, _lock: lock }) })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path.join(name)
    }
}

/// Creates what is missing of `path`, each folder synced into its parent.
fn create_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_directory(parent)?;
    match std::fs::create_dir(path) {
        Err(fault) if fault.kind() != ErrorKind::AlreadyExists => return Err(fault),
        _ => {}
    }
    File::open(parent)?.sync_all()
}

fn lock(path: &Path) -> Result<File, OpenFault> {
    let mut open = OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false);
    let mut file = open.open(path).map_err(OpenFault::disk("locked"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenFault::InUse { owner: owner(&mut file) }),
        Err(TryLockError::Error(source)) => {
            return Err(OpenFault::Disk { doing: "locked", source });
        }
    }
    sign(&mut file).map_err(OpenFault::disk("locked"))?;
    Ok(file)
}

/// Tells a second process who has the lock. Not having room for that is no reason not to start.
fn sign(file: &mut File) -> io::Result<()> {
    let signed = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| write!(file, "process {}", std::process::id()));
    match signed {
        Err(fault) if fault.kind() != ErrorKind::StorageFull => Err(fault),
        _ => Ok(()),
    }
}

fn owner(file: &mut File) -> Box<str> {
    let mut text = String::new();
    match file.take(64).read_to_string(&mut text) {
        Ok(1..) => text.into(),
        _ => "unknown".into(),
    }
}

impl Disk for FsDisk {
    type File = FsFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.root.path)? {
            // A name that is not UTF-8 is not one of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str, zeroed_bytes: u64) -> io::Result<FsFile> {
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(true);
        let mut file = FsFile { file: open.open(self.path(name))? };
        file.write_zeros(0, zeroed_bytes)?;
        Ok(file)
    }

    fn open(&self, name: &str) -> io::Result<FsFile> {
        let file = OpenOptions::new().read(true).write(true).open(self.path(name))?;
        Ok(FsFile { file })
    }

    #[expect(clippy::disallowed_methods, reason = "this is the journal's own; `sync` follows it")]
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name))
    }

    fn sync(&self) -> io::Result<()> {
        self.root.directory.sync_all()
    }

    fn handle(&self) -> Self {
        Self { root: Arc::clone(&self.root) }
    }
}

/// An open file of an `FsDisk`.
#[derive(Debug)]
pub struct FsFile {
    file: File,
}

impl FsFile {
    fn write_zeros(&mut self, from: u64, until: u64) -> io::Result<()> {
        let mut at = from;
        while at < until {
            let step = usize::try_from(until - at).unwrap_or(usize::MAX).min(ZEROS.len());
            let zeros = ZEROS.get(..step).unwrap_or(ZEROS);
            self.file.write_all_at(zeros, at)?;
            at += zeros.len() as u64;
        }
        Ok(())
    }
}

impl DiskFile for FsFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(filled)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn forget_cache(&self) {
        let advice = rustix::fs::Advice::DontNeed;
        if let Err(fault) = rustix::fs::fadvise(&self.file, 0, None, advice) {
            tracing::debug!(%fault, "the system keeps its cache of a journal segment");
        }
    }
}

#[cfg(test)]
mod tests;
