//! What the journal asks of a disk: few calls, each of which a simulation can make fail.

mod fs;

use std::fmt::Debug;
use std::io;

pub use fs::{FsDisk, FsFile};

/// A directory with files in it. No call touches another directory.
pub trait Disk: Debug + Send + Sized + 'static {
    /// An open file.
    type File: DiskFile;

    /// Names of all files.
    ///
    /// # Errors
    /// What the disk says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// A file of `zeroed_bytes` zeros, in place of one that may have that name. When it fails, a
    /// shorter file of that name may be left.
    ///
    /// # Errors
    /// What the disk says.
    fn create(&self, name: &str, zeroed_bytes: u64) -> io::Result<Self::File>;

    /// A file that exists, for reading and writing.
    ///
    /// # Errors
    /// What the disk says.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Durable only after `sync`.
    ///
    /// # Errors
    /// What the disk says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Durable only after `sync`.
    ///
    /// # Errors
    /// What the disk says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creations, renames and removals durable.
    ///
    /// # Errors
    /// What the disk says. The journal writes nothing after that.
    fn sync(&self) -> io::Result<()>;

    /// A second handle of the same directory, for a reader on another thread.
    #[must_use]
    fn handle(&self) -> Self;
}

/// A file of a `Disk`.
pub trait DiskFile: Debug + Send + 'static {
    /// Reads up to `into.len()` bytes; fewer only at the end of the file.
    ///
    /// # Errors
    /// What the disk says.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes`. When it fails, any part of them may have been written.
    ///
    /// # Errors
    /// What the disk says.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// All that was written is on stable storage when this returns `Ok`.
    ///
    /// # Errors
    /// What the disk says. The journal writes nothing after that.
    fn sync_data(&mut self) -> io::Result<()>;

    /// Length of the file.
    ///
    /// # Errors
    /// What the disk says.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    ///
    /// # Errors
    /// What the disk says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Makes later reads come from the disk and not from memory, as far as the system can.
    fn forget_cache(&self) {}
}
