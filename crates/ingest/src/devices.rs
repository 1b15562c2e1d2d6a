//! From what a dialect calls a device and a signal to the numbers that history stores them under.
//! The names are looked up once per device and signal; after that it is two small maps.

use std::sync::Arc;

use dialect::{Group, Reading, Settlement, second_name, settle_unit};
use hashbrown::HashMap;
use history::{SeriesId, SeriesInfo, SeriesKey, Writer};
use model::{Position, Quality, Timestamp, Unit, Value};
use registry::{DeviceIndex, Labels, Presence, Pulse, Registry, Sight, Sighting};

/// Signals of one device. What speaks in more is not one device, or is making them up.
const SIGNALS_MAX: usize = 500;

type Map<V> = HashMap<Box<str>, V, foldhash::fast::RandomState>;

/// Who sent a group of readings, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) group: &'a Group<'a>,
    pub(crate) dialect: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) position: Position,
}

/// Why readings are nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nobody {
    /// There are as many devices as there can be.
    Full,
    /// In a replay: a later record erases the device.
    Erased,
}

impl Sender<'_> {
    /// Whether the message says more of the device than its readings and what is known of it.
    fn describes(&self, known: Option<&Labels>) -> bool {
        let is_news = |known: &Labels| {
            self.group.labels().any(|(name, value)| known.would_change(name, value))
        };
        self.group.title().is_some()
            || self.group.device_type().is_some()
            || known.is_none_or(is_news)
    }
}

/// The devices that have spoken since the start; bounded by the registry.
#[derive(Debug)]
pub(crate) struct Devices {
    registry: Arc<Registry>,
    by_key: Map<Known>,
    /// What the registry has as labels, by device: one may be heard under several keys, and a
    /// message that says what is known costs the registry nothing.
    labels: Vec<Labels>,
}

#[derive(Debug)]
pub(crate) struct Known {
    index: DeviceIndex,
    handle: Arc<str>,
    pub(crate) pulse: Arc<Pulse>,
    signals: Map<Signal>,
}

/// One signal of one device: its series, and the unit its first reading fixed.
#[derive(Clone, Copy, Debug)]
struct Signal {
    series: SeriesId,
    unit: Option<Unit>,
}

impl Devices {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self { registry, by_key: Map::default(), labels: Vec::new() }
    }

    pub(crate) fn find(&mut self, sender: &Sender<'_>) -> Result<&mut Known, Nobody> {
        let key = sender.group.key();
        // Two look-ups; the borrow checker takes no early return of the first.
        if self.is_news(sender) {
            let known = self.learn(sender)?;
            self.by_key.insert(key.into(), known);
        }
        self.by_key.get_mut(key).ok_or(Nobody::Full)
    }

    /// Forgets a device, because the record at `position` says so.
    pub(crate) fn erase(&mut self, handle: &str, position: Position) {
        for (_, known) in self.by_key.extract_if(|_, known| *known.handle == *handle) {
            if let Some(labels) = self.labels.get_mut(known.index.get()) {
                *labels = Labels::default();
            }
        }
        self.registry.erase(handle, position);
    }

    /// Whether the registry has to hear of it.
    pub(crate) fn is_news(&self, sender: &Sender<'_>) -> bool {
        let known = self.by_key.get(sender.group.key());
        let labels = known.and_then(|known| self.labels.get(known.index.get()));
        sender.describes(labels)
    }

    /// Presence of a device that nobody has heard a reading from is not kept.
    pub(crate) fn set_presence(&self, key: &str, presence: Presence) {
        if let Some(known) = self.by_key.get(key) {
            known.pulse.set_presence(presence);
        }
    }

    fn learn(&mut self, sender: &Sender<'_>) -> Result<Known, Nobody> {
        let keys: Vec<&str> = sender.group.keys().collect();
        let labels: Vec<(&str, &str)> = sender.group.labels().collect();
        let sight = self.registry.sight(&Sighting {
            keys: &keys,
            dialect: sender.dialect,
            guessed: sender.group.guessed(),
            title: sender.group.title(),
            device_type: sender.group.device_type(),
            labels: &labels,
            at: sender.at,
            position: sender.position,
        });
        let index = match sight {
            Sight::Device(index) => index,
            Sight::Full => return Err(Nobody::Full),
            Sight::Erased => return Err(Nobody::Erased),
        };
        let directory = self.registry.directory();
        let (Some(device), Some(pulse)) = (directory.get(index), directory.pulse(index)) else {
            return Err(Nobody::Full);
        };
        if self.labels.len() <= index.get() {
            self.labels.resize(index.get() + 1, Labels::default());
        }
        if let Some(labels) = self.labels.get_mut(index.get()) {
            labels.clone_from(&device.labels);
        }
        let before = self.by_key.remove(sender.group.key());
        Ok(Known {
            index,
            handle: Arc::clone(&device.handle),
            pulse: Arc::clone(pulse),
            signals: before
                .filter(|known| known.index == index)
                .map(|known| known.signals)
                .unwrap_or_default(),
        })
    }
}

impl Known {
    /// The series of a reading, and its value in the unit of that series. A reading in another
    /// unit of the same dimension is converted; one of another dimension is another signal,
    /// `name~2`. `None` at the limit of signals.
    pub(crate) fn settle<'v>(
        &mut self,
        reading: &Reading<'v>,
        writer: &mut Writer,
    ) -> Option<(SeriesId, Value<'v>, Quality)> {
        let signal = self.signal(reading.name, reading.unit, writer)?;
        let Value::Number(number) = reading.value else {
            return Some((signal.series, reading.value, reading.quality));
        };
        match settle_unit(signal.unit, reading.unit, reading.basis, number) {
            Settlement::Keep => Some((signal.series, reading.value, reading.quality)),
            Settlement::Converted(converted) => {
                let quality = reading.quality | Quality::CONVERTED;
                Some((signal.series, Value::Number(converted), quality))
            }
            Settlement::NewSignal => {
                let other = self.signal(&second_name(reading.name), reading.unit, writer)?;
                Some((other.series, reading.value, reading.quality))
            }
        }
    }

    fn signal(&mut self, name: &str, unit: Option<Unit>, writer: &mut Writer) -> Option<Signal> {
        if let Some(known) = self.signals.get_mut(name) {
            if known.unit.is_none() && unit.is_some() {
                writer
                    .series(SeriesKey { device: &self.handle, signal: name }, SeriesInfo { unit });
                known.unit = unit;
            }
            return Some(*known);
        }
        if self.signals.len() >= SIGNALS_MAX {
            return None;
        }
        let key = SeriesKey { device: &self.handle, signal: name };
        let unit = writer.find(key).and_then(|known| known.unit).or(unit);
        let signal = Signal { series: writer.series(key, SeriesInfo { unit }), unit };
        self.signals.insert(name.into(), signal);
        Some(signal)
    }
}
