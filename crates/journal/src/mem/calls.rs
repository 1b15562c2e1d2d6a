//! What a program may ask of the disk, each call met by what its plan says.

use std::io;
use std::sync::Arc;

use super::{Change, Content, Luck, MemDisk, MemFile, lock, not_found, write};
use crate::disk::{Disk, DiskFile};

impl Disk for MemDisk {
    type File = MemFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.lock();
        state.powered()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn create(&self, name: &str, zeroed_bytes: u64) -> io::Result<MemFile> {
        let mut state = self.lock();
        let id = state.new_id();
        state.files.insert(id, Content::default());
        state.change(Change::Add(name.to_owned(), id))?;
        if zeroed_bytes > 0 {
            let zeros = vec![0; usize::try_from(zeroed_bytes).unwrap_or(0)];
            state.write(id, &zeros, 0)?;
        }
        Ok(MemFile { state: Arc::clone(&self.state), id })
    }

    fn open(&self, name: &str) -> io::Result<MemFile> {
        let state = self.lock();
        state.powered()?;
        let id = *state.names.get(name).ok_or_else(not_found)?;
        Ok(MemFile { state: Arc::clone(&self.state), id })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        if !state.names.contains_key(from) {
            return Err(not_found());
        }
        state.change(Change::Rename(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        if !state.names.contains_key(name) {
            return Err(not_found());
        }
        state.change(Change::Remove(name.to_owned()))
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.lock();
        match state.call()? {
            Luck::Works => {
                state.durable_names = state.names.clone();
                state.renames.clear();
                Ok(())
            }
            Luck::Fails { with, .. } => Err(with),
        }
    }

    fn handle(&self) -> Self {
        Self { state: Arc::clone(&self.state) }
    }
}

impl DiskFile for MemFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = lock(&self.state);
        state.powered()?;
        let content = state.files.get(&self.id).ok_or_else(not_found)?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let there = content.seen.get(from..).unwrap_or(&[]);
        let count = there.len().min(into.len());
        if let (Some(into), Some(there)) = (into.get_mut(..count), there.get(..count)) {
            into.copy_from_slice(there);
        }
        Ok(count)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        lock(&self.state).write(self.id, bytes, at)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        lock(&self.state).sync_file(self.id)
    }

    fn len(&self) -> io::Result<u64> {
        let state = lock(&self.state);
        state.powered()?;
        let content = state.files.get(&self.id).ok_or_else(not_found)?;
        Ok(content.seen.len() as u64)
    }

    /// What a failed sync lost is lost to readers too from here on.
    fn forget_cache(&self) {
        let mut state = lock(&self.state);
        if let Some(content) = state.files.get_mut(&self.id) {
            let mut seen = content.durable.clone();
            for (at, bytes) in &content.unsynced {
                write(&mut seen, *at, bytes);
            }
            content.seen = seen;
        }
    }
}
