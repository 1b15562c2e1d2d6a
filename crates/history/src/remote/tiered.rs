//! Storage that goes on in the store: a file that is not on this disk is read from there.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::store::{AWAY, Store};
use crate::storage::Storage;

/// Files keep their names when they move and never change, so that either place is right. Only
/// reading goes to the store.
#[derive(Debug)]
pub(crate) struct Tiered {
    pub(crate) here: Arc<dyn Storage>,
    pub(crate) store: Option<Arc<Store>>,
}

impl Storage for Tiered {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.here.list(dir)
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        self.here.make_dir(dir)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.here.write(name, bytes)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.here.sync(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.here.rename(from, to)
    }

    fn rename_exclusive(&self, from: &str, to: &str) -> io::Result<()> {
        self.here.rename_exclusive(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.here.remove(name)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.here.sync_dir(dir)
    }

    fn read(&self, name: &str, limit: u64) -> io::Result<Bytes> {
        self.here.read(name, limit)
    }

    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Bytes> {
        match (self.here.read_at(name, offset, length), &self.store) {
            (Err(fault), Some(store)) if fault.kind() == io::ErrorKind::NotFound => {
                store.read_at(name, offset, length)
            }
            (Err(fault), None) if fault.kind() == io::ErrorKind::NotFound => {
                Err(io::Error::new(AWAY, "it is not on this disk, and no [remote] is configured"))
            }
            (outcome, _) => outcome,
        }
    }
}
