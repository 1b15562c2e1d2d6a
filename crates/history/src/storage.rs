//! What history asks of a disk. Names are paths below the folder of one space, with `/` between
//! their parts. Small on purpose, so that a simulation can fail or crash at every call.

use std::fmt::Debug;
use std::io;

use bytes::Bytes;

mod files;
pub mod memory;

pub use files::Files;

/// A crash keeps what was synced: a file's bytes by `sync`, a name by `sync_dir` of its folder.
/// Everything else may or may not be there afterwards.
pub trait Storage: Debug + Send + Sync {
    /// The names in a folder, in order; none if there is no such folder.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// Makes a folder durably; it may exist.
    fn make_dir(&self, dir: &str) -> io::Result<()>;
    /// Makes or replaces a file.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    fn sync(&self, name: &str) -> io::Result<()>;
    /// Replaces `to` if it exists.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Fails with `AlreadyExists` if there is a `to`.
    fn rename_exclusive(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
    /// All bytes of a file, at most `limit` of them.
    fn read(&self, name: &str, limit: u64) -> io::Result<Bytes>;
    /// Exactly `length` bytes from `offset` on.
    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Bytes>;
}

/// The folder of a name; empty for the top.
pub(crate) fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// Puts `bytes` under `name`, whole or not at all, and durable except for the name itself: that
/// needs `sync_dir` of the folder.
pub(crate) fn place(storage: &dyn Storage, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = format!("{name}{DRAFT}");
    storage.write(&draft, bytes)?;
    storage.sync(&draft)?;
    storage.rename(&draft, name)
}

/// Ends the names of files that are being written.
pub(crate) const DRAFT: &str = ".tmp";
