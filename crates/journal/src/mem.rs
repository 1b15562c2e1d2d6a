//! A disk in memory that breaks on request: for the tests of this crate and for the simulation.
//!
//! It keeps what a program sees apart from what would survive a power cut. Everything it does by
//! chance comes from its seed.

mod calls;
mod hostile;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bytes::mix;

pub use hostile::{hostile_segment, with_right_checksums};

/// What a drive writes at once or not at all.
const SECTOR: usize = 512;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The call fails. A failed sync loses some of what was not durable, as Linux does.
    Error,
    /// The call fails because there is no room; a write may have been done in part.
    Full,
    /// The power goes in the middle of the call; every later call fails.
    PowerCut,
}

/// A directory in memory. A handle shares it.
#[derive(Debug)]
pub struct MemDisk {
    state: Arc<Mutex<State>>,
}

/// A file of a `MemDisk`.
#[derive(Debug)]
pub struct MemFile {
    state: Arc<Mutex<State>>,
    id: u64,
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    /// Changes of names that are not synced, oldest first.
    renames: Vec<Change>,
    files: BTreeMap<u64, Content>,
    calls: u64,
    trouble: BTreeMap<u64, Trouble>,
    /// Most bytes of all files together.
    capacity: Option<u64>,
    powerless: bool,
    chance: u64,
    syncs: u64,
}

#[derive(Clone, Debug)]
enum Change {
    Add(String, u64),
    Rename(String, String),
    Remove(String),
}

#[derive(Clone, Debug, Default)]
struct Content {
    /// What reads see.
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

/// How far a call gets.
enum Luck {
    Works,
    /// Fails after having done this part, in thousandths.
    Fails {
        done: u64,
        with: io::Error,
    },
}

impl MemDisk {
    /// An empty disk.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::holding(State { chance: seed, ..State::default() })
    }

    fn holding(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Lets the call with this number go wrong; `calls` tells how many there were.
    pub fn plan(&self, call: u64, trouble: Trouble) {
        self.lock().trouble.insert(call, trouble);
    }

    /// Calls so far that change or sync something.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Syncs of files so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// Limits the bytes of all files together; `None` for no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.lock().capacity = bytes;
    }

    /// Whether a planned power cut has happened.
    #[must_use]
    pub fn is_powerless(&self) -> bool {
        self.lock().powerless
    }

    /// The disk after a power cut: of what was not synced, any part may be there, sector by
    /// sector. Handles of this one are powerless from here on.
    #[must_use]
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let mut state = self.lock();
        state.powerless = true;
        let mut chance = seed;
        let mut names = state.durable_names.clone();
        let kept = roll(&mut chance, state.renames.len() as u64 + 1);
        for change in state.renames.iter().take(usize::try_from(kept).unwrap_or(usize::MAX)) {
            apply(&mut names, change);
        }
        let survives = |content: &Content, chance: &mut u64| {
            let mut bytes = content.durable.clone();
            for (at, written) in &content.unsynced {
                write_some(&mut bytes, *at, written, chance);
            }
            Content { seen: bytes.clone(), durable: bytes, unsynced: Vec::new() }
        };
        let files = state.files.iter().map(|(id, content)| (*id, survives(content, &mut chance)));
        let files = files.collect();
        let (durable_names, capacity) = (names.clone(), state.capacity);
        Self::holding(State { names, durable_names, files, capacity, chance, ..State::default() })
    }

    /// The disk after the process was killed: all is as it was seen, and what was not synced is
    /// still not synced.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        let mut state = self.lock();
        state.powerless = true;
        Self::holding(State {
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            renames: state.renames.clone(),
            files: state.files.clone(),
            capacity: state.capacity,
            chance: mix(state.chance),
            ..State::default()
        })
    }

    /// All bytes of a file, as they are seen.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.lock();
        state.names.get(name).and_then(|id| state.files.get(id)).map(|file| file.seen.clone())
    }

    /// Puts a file there, durable.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.lock();
        let id = state.new_id();
        state.names.insert(name.to_owned(), id);
        state.durable_names.insert(name.to_owned(), id);
        let content = Content { seen: bytes.clone(), durable: bytes, unsynced: Vec::new() };
        state.files.insert(id, content);
    }

    /// Flips one bit of a file, durably. `false` when there is no such byte.
    #[must_use]
    pub fn flip(&self, name: &str, byte: usize, bit: u8) -> bool {
        let mut state = self.lock();
        let id = state.names.get(name).copied();
        let Some(content) = id.and_then(|id| state.files.get_mut(&id)) else { return false };
        let mut flipped = false;
        for bytes in [&mut content.seen, &mut content.durable] {
            if let Some(byte) = bytes.get_mut(byte) {
                *byte ^= 1 << (bit % 8);
                flipped = true;
            }
        }
        flipped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number below `limit`.
fn roll(chance: &mut u64, limit: u64) -> u64 {
    *chance = mix(*chance);
    *chance % limit.max(1)
}

fn apply(names: &mut BTreeMap<String, u64>, change: &Change) {
    match change {
        Change::Add(name, id) => {
            names.insert(name.clone(), *id);
        }
        Change::Rename(from, to) => {
            if let Some(id) = names.remove(from) {
                names.insert(to.clone(), id);
            }
        }
        Change::Remove(name) => {
            names.remove(name);
        }
    }
}

/// Writes each sector of `bytes` or leaves it out.
fn write_some(into: &mut Vec<u8>, at: usize, bytes: &[u8], chance: &mut u64) {
    let all = roll(chance, 4) == 0;
    for (index, sector) in bytes.chunks(SECTOR).enumerate() {
        if all || roll(chance, 2) == 0 {
            write(into, at + index * SECTOR, sector);
        }
    }
}

fn write(into: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if into.len() < end {
        into.resize(end, 0);
    }
    if let Some(room) = into.get_mut(at..end) {
        room.copy_from_slice(bytes);
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl State {
    fn new_id(&self) -> u64 {
        self.files.last_key_value().map_or(1, |(id, _)| id + 1)
    }

    fn powered(&self) -> io::Result<()> {
        if self.powerless { Err(io::Error::other("no power")) } else { Ok(()) }
    }

    /// Counts a call and tells how far it gets.
    fn call(&mut self) -> io::Result<Luck> {
        self.powered()?;
        let trouble = self.trouble.get(&self.calls).copied();
        self.calls += 1;
        let done = roll(&mut self.chance, 1_001);
        Ok(match trouble {
            None => Luck::Works,
            Some(Trouble::Error) => Luck::Fails { done: 0, with: io::Error::other("broken drive") },
            Some(Trouble::Full) => Luck::Fails { done, with: io::ErrorKind::StorageFull.into() },
            Some(Trouble::PowerCut) => {
                self.powerless = true;
                Luck::Fails { done, with: io::Error::other("power cut") }
            }
        })
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        let (done, outcome) = match self.call()? {
            Luck::Works => (true, Ok(())),
            Luck::Fails { done, with } => (done > 500 && self.powerless, Err(with)),
        };
        if done {
            apply(&mut self.names, &change);
            self.renames.push(change);
        }
        outcome
    }

    fn used(&self) -> u64 {
        let listed = self.names.values().filter_map(|id| self.files.get(id));
        listed.map(|file| file.seen.len() as u64).sum()
    }

    fn write(&mut self, id: u64, bytes: &[u8], at: usize) -> io::Result<()> {
        let (part, outcome) = match self.call()? {
            Luck::Works => (bytes, Ok(())),
            Luck::Fails { done, with } => (share(bytes, done), Err(with)),
        };
        let length = self.files.get(&id).map_or(0, |file| file.seen.len());
        let used = self.used();
        let grows = (at + part.len()).saturating_sub(length) as u64;
        let room = self.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(used));
        let fits = usize::try_from(room).unwrap_or(usize::MAX);
        let (part, outcome) = if grows > room {
            let fits = (length + fits).saturating_sub(at).min(part.len());
            (part.get(..fits).unwrap_or(part), Err(io::ErrorKind::StorageFull.into()))
        } else {
            (part, outcome)
        };
        let content = self.files.get_mut(&id).ok_or_else(not_found)?;
        write(&mut content.seen, at, part);
        content.unsynced.push((at, part.to_vec()));
        outcome
    }

    fn sync_file(&mut self, id: u64) -> io::Result<()> {
        self.syncs += 1;
        let luck = self.call()?;
        let mut chance = self.chance;
        let content = self.files.get_mut(&id).ok_or_else(not_found)?;
        let outcome = match luck {
            Luck::Works => {
                for (at, bytes) in content.unsynced.drain(..) {
                    write(&mut content.durable, at, &bytes);
                }
                Ok(())
            }
            // Some of it arrived; none of it will be tried again.
            Luck::Fails { with, .. } if !self.powerless => {
                for (at, bytes) in content.unsynced.drain(..) {
                    write_some(&mut content.durable, at, &bytes, &mut chance);
                }
                Err(with)
            }
            Luck::Fails { with, .. } => Err(with),
        };
        self.chance = mix(chance);
        outcome
    }
}

fn share(bytes: &[u8], thousandths: u64) -> &[u8] {
    let part = bytes.len() as u64 * thousandths / 1_000;
    bytes.get(..usize::try_from(part).unwrap_or(usize::MAX)).unwrap_or(bytes)
}

#[cfg(test)]
mod tests;
