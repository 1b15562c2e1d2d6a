//! Storage in real files.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::storage::Storage;

/// The folder of one space.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

/// Makes a folder and what is above it, each durable in its parent.
fn make_durable(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_durable(parent)?;
    }
    match fs::create_dir(path) {
        Err(fault) if fault.kind() != io::ErrorKind::AlreadyExists => Err(fault),
        Ok(()) | Err(_) => File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all(),
    }
}

impl Storage for Files {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(dir)) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            // Nothing of ours has a name that is not UTF-8.
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        make_durable(&self.path(dir))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.path(name), bytes)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        File::open(self.path(name))?.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat_with(CWD, self.path(from), CWD, self.path(to), RenameFlags::empty())?)
    }

    fn rename_exclusive(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat_with(CWD, self.path(from), CWD, self.path(to), RenameFlags::NOREPLACE)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.path(name);
        if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) }
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        File::open(self.path(dir))?.sync_all()
    }

    fn read(&self, name: &str, limit: u64) -> io::Result<Bytes> {
        let mut bytes = Vec::new();
        File::open(self.path(name))?.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Bytes> {
        let mut bytes = vec![0; length];
        File::open(self.path(name))?.read_exact_at(&mut bytes, offset)?;
        Ok(bytes.into())
    }
}
