//! The directory: every device by its keys and its handle, in memory.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use model::{DeviceId, DeviceKey, Position, Timestamp};

use crate::pulse::Pulse;
use crate::{Labels, Sighting, naming};

/// A million devices of about 600 bytes are 600 MB, the most a site is built for.
const DEVICES_MAX: usize = 1_000_000;

/// A device with more names than this is no device.
const KEYS_MAX: usize = 16;

/// The place of a device in the directory; it never changes while the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceIndex(u32);

impl DeviceIndex {
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// What the registry knows of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub id: DeviceId,
    /// Unique in the site and readable; the `device` column of history. It never changes.
    pub handle: Arc<str>,
    /// What people call it, if somebody said.
    pub title: Option<Box<str>>,
    /// The name of its type, which is the name of its SQL table.
    pub device_type: Arc<str>,
    pub dialect: Arc<str>,
    pub guessed: bool,
    /// A person took it in; until then it is in the waiting room.
    pub adopted: bool,
    pub keys: Vec<DeviceKey>,
    pub first_seen: Timestamp,
    /// What it says of itself: `model`, `firmware` …
    pub labels: Labels,
    /// Of the record that made it known; zero where an older version noted none.
    pub first_position: Position,
}

impl Device {
    /// Takes no more keys.
    fn is_full(&self) -> bool {
        self.keys.len() >= KEYS_MAX
    }

    fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known.as_str() == key)
    }
}

/// All devices. Index by handle and by every key.
#[derive(Debug, Default)]
pub struct Directory {
    /// `None` for one that was erased: its place is not given again while the process runs.
    devices: Vec<Option<Device>>,
    count: usize,
    /// What changes with every message, and is therefore not written with every message.
    pulses: Vec<Arc<Pulse>>,
    by_key: HashMap<Box<str>, DeviceIndex, foldhash::fast::RandomState>,
    by_handle: HashMap<Arc<str>, DeviceIndex, foldhash::fast::RandomState>,
    /// What the file does not have yet.
    pub(crate) changed: BTreeSet<DeviceIndex>,
    /// Whose labels the file does not have yet. They wait for a checkpoint, because a label may
    /// change with every message.
    pub(crate) relabelled: BTreeSet<DeviceIndex>,
    /// How often a label of any device changed since the start.
    pub(crate) label_changes: u64,
    /// Handles that were erased, and by which records, as far as the file still has them.
    pub(crate) erased: Vec<(Position, Arc<str>)>,
    /// The file knows of all erasures up to here.
    pub(crate) erased_to: Position,
}

impl Directory {
    #[must_use]
    pub fn find(&self, key: &str) -> Option<DeviceIndex> {
        self.by_key.get(key).copied()
    }

    #[must_use]
    pub fn by_handle(&self, handle: &str) -> Option<DeviceIndex> {
        self.by_handle.get(handle).copied()
    }

    #[must_use]
    pub fn get(&self, index: DeviceIndex) -> Option<&Device> {
        self.devices.get(index.get())?.as_ref()
    }

    pub fn iter(&self) -> impl Iterator<Item = (DeviceIndex, &Device)> {
        self.devices.iter().enumerate().filter_map(|(index, device)| {
            Some((DeviceIndex(u32::try_from(index).ok()?), device.as_ref()?))
        })
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// When and how a device is heard.
    #[must_use]
    pub fn pulse(&self, index: DeviceIndex) -> Option<&Arc<Pulse>> {
        self.pulses.get(index.get())
    }

    /// How long ago a device was heard, and whether that is longer than its rhythm allows.
    #[must_use]
    pub fn silence(&self, index: DeviceIndex, now: Timestamp) -> Option<Duration> {
        let pulse = self.pulse(index)?;
        let silent = now.since(pulse.heard_at()?);
        (silent > pulse.patience()).then_some(silent)
    }

    /// Grows whenever a label of any device changes.
    #[must_use]
    pub const fn label_changes(&self) -> u64 {
        self.label_changes
    }

    fn get_mut(&mut self, index: DeviceIndex) -> Option<&mut Device> {
        self.devices.get_mut(index.get())?.as_mut()
    }

    /// Whether the file has applied erasures from beyond `position`, so that a replay meets a
    /// directory of later days.
    pub(crate) fn is_ahead(&self, position: Position) -> bool {
        position <= self.erased_to
    }

    /// The device that the strongest of its keys named at `position`, in a directory that is ahead.
    /// Devices that are there no more, or not yet, were erased between.
    pub(crate) fn find_before(&self, keys: &[&str], position: Position) -> Option<DeviceIndex> {
        let mut found = keys.iter().map(|key| (key, self.find(key)));
        // A key that a device calls itself by is learned from the message. One that nobody has is
        // of an erased device, unless the one that it belongs to took no more.
        let (first, strongest) = found.next()?;
        let index = strongest.or_else(|| {
            let other = found.find_map(|(_, index)| index)?;
            let device = self.get(other)?;
            (device.is_full() && !device.has(first)).then_some(other)
        })?;
        self.get(index).filter(|device| device.first_position <= position).map(|_| index)
    }

    /// Forgets a device; its handle and keys are free.
    pub(crate) fn erase(&mut self, handle: &str, position: Position) {
        let Some((handle, index)) = self.by_handle.remove_entry(handle) else { return };
        let device = self.devices.get_mut(index.get()).and_then(Option::take);
        let Some(device) = device else { return };
        for key in &device.keys {
            self.by_key.remove(key.as_str());
        }
        if let Some(pulse) = self.pulses.get_mut(index.get()) {
            *pulse = Arc::default();
        }
        self.count -= 1;
        self.changed.remove(&index);
        self.relabelled.remove(&index);
        self.label_changes += u64::from(!device.labels.is_empty());
        self.erased.push((position, handle));
    }

    /// `None` at the limit of devices.
    pub(crate) fn insert(&mut self, device: Device) -> Option<DeviceIndex> {
        if self.count >= DEVICES_MAX {
            return None;
        }
        let index = DeviceIndex(u32::try_from(self.devices.len()).ok()?);
        for key in &device.keys {
            self.by_key.insert(key.as_str().into(), index);
        }
        self.by_handle.insert(Arc::clone(&device.handle), index);
        self.devices.push(Some(device));
        self.count += 1;
        self.pulses.push(Arc::default());
        self.changed.insert(index);
        Some(index)
    }

    /// Adds the keys, the labels, the title and the type of `sighting` to a device that may lack them.
    pub(crate) fn learn(&mut self, index: DeviceIndex, sighting: &Sighting<'_>) {
        self.learn_keys(index, sighting.keys);
        self.learn_labels(index, sighting.labels.iter().copied());
        let Some(device) = self.get_mut(index) else { return };
        let mut changed = false;
        if let Some(title) = sighting.title.filter(|title| device.title.as_deref() != Some(title)) {
            device.title = Some(title.into());
            changed = true;
        }
        if let Some(described) = sighting.device_type.map(naming::slug)
            && *described != *device.device_type
        {
            device.device_type = described.into();
            changed = true;
        }
        if device.guessed && !sighting.guessed {
            device.guessed = false;
            device.dialect = sighting.dialect.into();
            changed = true;
        }
        // The record that made it known before was lost in a crash, which the file survived.
        if sighting.position < device.first_position {
            device.first_position = sighting.position;
            changed = true;
        }
        if changed {
            self.changed.insert(index);
        }
    }

    pub(crate) fn learn_labels<'l>(
        &mut self,
        index: DeviceIndex,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
    ) {
        let Some(device) = self.devices.get_mut(index.get()).and_then(Option::as_mut) else {
            return;
        };
        for (name, value) in labels {
            if device.labels.would_change(name, value) {
                device.labels = device.labels.with(name, value);
                self.relabelled.insert(index);
                self.label_changes += 1;
            }
        }
    }

    /// Takes out the labels that the file does not have yet.
    pub(crate) fn take_relabelled(&mut self) -> Vec<(DeviceIndex, Arc<str>, Labels)> {
        let relabelled = std::mem::take(&mut self.relabelled);
        let labels_of = |index: DeviceIndex| {
            let device = self.get(index)?;
            Some((index, Arc::clone(&device.handle), device.labels.clone()))
        };
        relabelled.into_iter().filter_map(labels_of).collect()
    }

    /// Gives a device the labels that the file has of it.
    pub(crate) fn restore_label(&mut self, handle: &str, name: &str, value: &str) {
        let Some(index) = self.by_handle(handle) else { return };
        if let Some(device) = self.get_mut(index) {
            device.labels = device.labels.with(name, value);
        }
    }

    fn learn_keys(&mut self, index: DeviceIndex, keys: &[&str]) {
        for key in keys {
            let known = self.by_key.contains_key(*key);
            let Some(device) = self.get_mut(index) else { return };
            if known || device.is_full() {
                continue;
            }
            device.keys.push(DeviceKey::from_full(key));
            self.by_key.insert((*key).into(), index);
            self.changed.insert(index);
        }
    }
}
