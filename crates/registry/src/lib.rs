//! The devices of a site: who they are, what they are called, what they have in common.
//!
//! Owns: the directory in memory, which every reading passes, and the SQLite file it survives in.
//! Never: sockets, readings, decisions about what a message means.
//!
//! The journal stays the source of truth: what it says about devices is applied in order, in one
//! transaction a batch, together with the position it came from. A file that lags behind or runs
//! ahead of a snapshot is brought to the same state by the replay, because an identity depends on
//! nothing but the records.

mod directory;
mod labels;
mod naming;
mod pulse;
mod store;

use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use model::{Committed, DeviceId, DeviceKey, Position, Timestamp};

pub use directory::{Device, DeviceIndex, Directory};
pub use labels::{LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_MAX, Labels};
pub use naming::{device_type_of, slug};
pub use pulse::{Presence, Pulse};
pub use store::{RegistryFault, check, copy, format};

use store::Store;

/// What a message tells about the device it came from.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// What the device calls itself, strongest first; at least one.
    pub keys: &'a [&'a str],
    pub dialect: &'static str,
    /// The dialect is not sure that this is one device.
    pub guessed: bool,
    pub title: Option<&'a str>,
    pub device_type: Option<&'a str>,
    /// What it says of itself, name and value; the later of two with one name counts.
    pub labels: &'a [(&'a str, &'a str)],
    pub at: Timestamp,
    /// Of the message's record.
    pub position: Position,
}

/// Whose message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    Device(DeviceIndex),
    /// There are as many devices as there can be.
    Full,
    /// A replay meets a device that a later record erases, and that the file has forgotten already.
    Erased,
}

impl Sight {
    #[must_use]
    pub const fn device(self) -> Option<DeviceIndex> {
        match self {
            Self::Device(index) => Some(index),
            Self::Full | Self::Erased => None,
        }
    }
}

/// The registry of a site, shared by all threads.
#[derive(Debug)]
pub struct Registry {
    directory: RwLock<Directory>,
    store: Mutex<Store>,
}

impl Registry {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When the file cannot be read or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, RegistryFault> {
        Self::with(Store::open(path)?)
    }

    /// A registry that lives in memory only, for the simulation and tests.
    ///
    /// # Errors
    /// When SQLite has no memory.
    pub fn in_memory() -> Result<Self, RegistryFault> {
        Self::with(Store::in_memory()?)
    }

    fn with(store: Store) -> Result<Self, RegistryFault> {
        let directory = read(&store)?;
        Ok(Self { directory: RwLock::new(directory), store: Mutex::new(store) })
    }

    /// Forgets what the file does not have, as an end of the process does. For simulations.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn reload(&self) -> Result<(), RegistryFault> {
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        *directory = read(&store)?;
        Ok(())
    }

    pub fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device that `sighting` comes from; a device nobody has seen before enters the waiting
    /// room.
    pub fn sight(&self, sighting: &Sighting<'_>) -> Sight {
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        if directory.is_ahead(sighting.position) {
            let known = directory.find_before(sighting.keys, sighting.position);
            let Some(index) = known else { return Sight::Erased };
            // The file has them of the last checkpoint only.
            directory.learn_labels(index, sighting.labels.iter().copied());
            return Sight::Device(index);
        }
        let known = sighting.keys.iter().find_map(|key| directory.find(key));
        let index = match known {
            Some(index) => index,
            None => {
                let device = first_sight(sighting, &directory);
                let Some(index) = device.and_then(|device| directory.insert(device)) else {
                    return Sight::Full;
                };
                index
            }
        };
        directory.learn(index, sighting);
        Sight::Device(index)
    }

    /// Forgets a device, if there is one of this handle, because the record at `position` says so. The file follows with `settle`.
    pub fn erase(&self, handle: &str, position: Position) {
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        // In a replay, the device of this handle may be another one by now.
        if !directory.is_ahead(position) {
            directory.erase(handle, position);
        }
    }

    /// Whether the file follows everything in memory: between an erasure and its commit it does not,
    /// because it could not be taken back.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.directory().erased.is_empty()
    }

    /// Writes what waited for the commit of an erasure, as of `position`.
    ///
    /// # Errors
    /// As `persist`.
    pub fn settle(&self, committed: Committed, position: Position) -> Result<(), RegistryFault> {
        let last = self.directory().erased.last().map(|(at, _)| *at);
        match last {
            Some(last) if last <= committed.position() => self.write(position),
            Some(_) | None => Ok(()),
        }
    }

    /// Writes what `sight` learned since the last call, as of `position`. Cheap when that is
    /// nothing, and put off while an erasure waits for `settle`.
    ///
    /// # Errors
    /// When SQLite cannot write; what was learned is kept for the next call.
    pub fn persist(&self, position: Position) -> Result<(), RegistryFault> {
        {
            let directory = self.directory();
            if directory.changed.is_empty() || !directory.erased.is_empty() {
                return Ok(());
            }
        }
        self.write(position)
    }

    fn write(&self, position: Position) -> Result<(), RegistryFault> {
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.write(&directory, position)?;
        directory.changed.clear();
        let last = directory.erased.drain(..).map(|(at, _)| at).max();
        directory.erased_to = directory.erased_to.max(last.unwrap_or_default());
        Ok(())
    }

    /// Writes the labels of devices and when each was last heard, and makes all that was persisted
    /// survive a power cut.
    ///
    /// # Errors
    /// When SQLite cannot write or sync.
    pub fn checkpoint(&self, position: Position) -> Result<(), RegistryFault> {
        self.persist(position)?;
        // Else the file lacks devices that have labels.
        if self.is_settled() {
            self.persist_labels()?;
        }
        let directory = self.directory();
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.checkpoint(&directory)
    }
}

impl Registry {
    /// The directory is free meanwhile: a site may have to write millions of labels.
    fn persist_labels(&self) -> Result<(), RegistryFault> {
        let write = || self.directory.write().unwrap_or_else(PoisonError::into_inner);
        let relabelled = write().take_relabelled();
        if relabelled.is_empty() {
            return Ok(());
        }
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let written = store.write_labels(&relabelled);
        if written.is_err() {
            write().relabelled.extend(relabelled.into_iter().map(|(index, ..)| index));
        }
        written
    }
}

fn read(store: &Store) -> Result<Directory, RegistryFault> {
    let mut directory = Directory::default();
    for device in store.devices()? {
        directory.insert(device);
    }
    store.each_label(|handle, name, value| directory.restore_label(handle, name, value))?;
    directory.changed.clear();
    directory.erased_to = store.erased_to()?;
    Ok(directory)
}

fn first_sight(sighting: &Sighting<'_>, directory: &Directory) -> Option<Device> {
    let key = sighting.keys.first()?;
    let handle = naming::free_handle(key, directory);
    let id = DeviceId::new(sighting.at, naming::entropy(key, sighting.at));
    let device_type = sighting.device_type.map_or_else(|| device_type_of(&handle), slug);
    Some(Device {
        id,
        title: sighting.title.map(Into::into),
        device_type: device_type.into(),
        dialect: sighting.dialect.into(),
        guessed: sighting.guessed,
        adopted: false,
        keys: vec![DeviceKey::from_full(key)],
        first_seen: sighting.at,
        labels: Labels::default(),
        first_position: sighting.position,
        handle: handle.into(),
    })
}

#[cfg(test)]
mod tests;
