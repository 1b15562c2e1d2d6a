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

use model::{DeviceId, DeviceKey, Position, Timestamp};

pub use directory::{Device, DeviceIndex, Directory};
pub use labels::{LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_MAX, Labels};
pub use naming::{device_type_of, slug};
pub use pulse::{Presence, Pulse};
pub use store::{RegistryFault, check, copy};

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
        let mut directory = Directory::default();
        for device in store.devices()? {
            directory.insert(device);
        }
        store.each_label(|handle, name, value| directory.restore_label(handle, name, value))?;
        directory.changed.clear();
        Ok(Self { directory: RwLock::new(directory), store: Mutex::new(store) })
    }

    pub fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device that `sighting` comes from; a device nobody has seen before enters the waiting
    /// room. `None` at the limit of devices.
    pub fn sight(&self, sighting: &Sighting<'_>) -> Option<DeviceIndex> {
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        let known = sighting.keys.iter().find_map(|key| directory.find(key));
        let index = match known {
            Some(index) => index,
            None => {
                let device = first_sight(sighting, &directory)?;
                directory.insert(device)?
            }
        };
        directory.learn(index, sighting);
        Some(index)
    }

    /// Writes what `sight` learned since the last call, as of `position`. Cheap when that is
    /// nothing.
    ///
    /// # Errors
    /// When SQLite cannot write; what was learned is kept for the next call.
    pub fn persist(&self, position: Position) -> Result<(), RegistryFault> {
        if self.directory().changed.is_empty() {
            return Ok(());
        }
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.write(&directory, position)?;
        directory.changed.clear();
        Ok(())
    }

    /// Writes the labels of devices and when each was last heard, and makes all that was persisted
    /// survive a power cut.
    ///
    /// # Errors
    /// When SQLite cannot write or sync.
    pub fn checkpoint(&self, position: Position) -> Result<(), RegistryFault> {
        self.persist(position)?;
        self.persist_labels()?;
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
        handle: handle.into(),
    })
}

#[cfg(test)]
mod tests;
