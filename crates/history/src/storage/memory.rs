//! Storage in memory that forgets what was not synced and crashes where it is told to. For tests
//! and the simulation.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::storage::{Storage, folder};

#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

type Names = BTreeMap<String, usize>;

#[derive(Debug, Default)]
struct State {
    /// File contents; names point to them.
    contents: Vec<Content>,
    names: Names,
    /// The names a crash leaves.
    durable_names: Names,
    calls: u64,
    fails_at: Option<u64>,
    /// `None` until the failing call; then how every later call fails.
    down: bool,
    fault: Fault,
}

#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Bytes,
    durable: Bytes,
}

/// What the call chosen by `fail_at` does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// It and all calls after it fail until `crash`.
    #[default]
    PowerCut,
    /// It alone fails, as with a full disk.
    Once,
}

/// What a power cut does to that which was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsynced {
    /// Names and bytes are gone.
    Lost,
    /// Names are there, bytes are not.
    NamesOnly,
    /// All of it happens to be there.
    Kept,
}

impl Memory {
    /// Calls that change something, so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Lets the change with this number fail (the next one has the number `calls()`).
    pub fn fail_at(&self, call: u64, fault: Fault) {
        let mut state = self.state();
        state.fails_at = Some(call);
        state.fault = fault;
    }

    /// Cuts the power and starts again.
    pub fn crash(&self, unsynced: Unsynced) {
        let mut state = self.state();
        if unsynced == Unsynced::Lost {
            state.names = state.durable_names.clone();
        } else {
            state.durable_names = state.names.clone();
        }
        for content in &mut state.contents {
            if unsynced == Unsynced::Kept {
                content.durable = content.bytes.clone();
            } else {
                content.bytes = content.durable.clone();
            }
        }
        state.down = false;
        state.fails_at = None;
    }

    /// All files with their bytes, for a look from outside.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Bytes> {
        let state = self.state();
        let content = |at: &usize| state.contents.get(*at).map(|c| c.bytes.clone());
        let files = state.names.iter().filter(|(_, at)| **at != DIR);
        files.filter_map(|(name, at)| Some((name.clone(), content(at)?))).collect()
    }

    /// Flips a bit of a file, durably.
    pub fn flip(&self, name: &str, bit: usize) {
        let mut state = self.state();
        let Some(at) = state.names.get(name).copied() else { return };
        if let Some(content) = state.contents.get_mut(at) {
            let mut bytes = content.bytes.to_vec();
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            content.bytes = bytes.into();
            content.durable = content.bytes.clone();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state for a change, unless the change is to fail.
    fn change(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        let call = state.calls;
        state.calls += 1;
        if state.fails_at == Some(call) {
            state.down = state.fault == Fault::PowerCut;
            return Err(io::Error::other("injected fault"));
        }
        if state.down { Err(io::Error::other("no power")) } else { Ok(state) }
    }
}

/// Marks the name of a folder.
const DIR: usize = usize::MAX;

fn missing() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl State {
    fn content(&self, name: &str) -> io::Result<&Content> {
        self.names.get(name).and_then(|at| self.contents.get(*at)).ok_or_else(missing)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let at = self.names.remove(from).ok_or_else(missing)?;
        self.names.insert(to.to_owned(), at);
        Ok(())
    }
}

impl Storage for Memory {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        let inside = state.names.keys().filter(|name| !name.is_empty() && folder(name) == dir);
        let last = |name: &String| name.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(inside.map(last).collect())
    }

    fn make_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.change()?;
        let mut above = dir;
        while !above.is_empty() {
            state.names.insert(above.to_owned(), DIR);
            state.durable_names.insert(above.to_owned(), DIR);
            above = folder(above);
        }
        Ok(())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.change()?;
        let dir = folder(name);
        if !dir.is_empty() && state.names.get(dir) != Some(&DIR) {
            return Err(missing());
        }
        let content = Content { bytes: bytes.to_vec().into(), durable: Bytes::default() };
        state.contents.push(content);
        let at = state.contents.len() - 1;
        state.names.insert(name.to_owned(), at);
        Ok(())
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let mut state = self.change()?;
        let at = state.names.get(name).copied().ok_or_else(missing)?;
        let content = state.contents.get_mut(at).ok_or_else(missing)?;
        content.durable = content.bytes.clone();
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change()?.rename(from, to)
    }

    fn rename_exclusive(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.change()?;
        if state.names.contains_key(to) {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        state.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.change()?;
        state.names.remove(name).map(drop).ok_or_else(missing)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.change()?;
        let inside = |name: &String| folder(name) == dir;
        let State { names, durable_names, .. } = &mut *state;
        durable_names.retain(|name, _| !inside(name));
        durable_names
            .extend(names.iter().filter(|(n, _)| inside(n)).map(|(n, at)| (n.clone(), *at)));
        Ok(())
    }

    fn read(&self, name: &str, limit: u64) -> io::Result<Bytes> {
        let bytes = self.state().content(name)?.bytes.clone();
        let length = usize::try_from(limit).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes.slice(..length))
    }

    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Bytes> {
        let bytes = self.state().content(name)?.bytes.clone();
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(length);
        if end > bytes.len() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        Ok(bytes.slice(start..end))
    }
}
