//! Series: (device, signal) as a number, given in the order of the journal, so that a replay gives
//! the same numbers.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use model::{Position, Unit};

/// Series one site can have: their ids are stored as signed 32-bit integers, because Delta Lake
/// has no unsigned ones.
pub(crate) const SERIES_MAX: u32 = 1 << 31;

/// The number of one series. Arrays of the hot path are indexed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub(crate) u32);

impl SeriesId {
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What names a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey<'a> {
    pub device: &'a str,
    pub signal: &'a str,
}

/// What is known of a series beyond its name. `None` leaves what was known before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeriesInfo {
    pub unit: Option<Unit>,
}

/// One row of the series table. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    pub id: SeriesId,
    pub device: Arc<str>,
    pub signal: Arc<str>,
    pub unit: Option<Unit>,
    /// The position of the record that erased it.
    pub erased: Option<Position>,
}

impl Series {
    /// What stands for a number whose series was erased, once nothing is left of it.
    pub(crate) fn blank(id: SeriesId) -> Self {
        let name: Arc<str> = Arc::from("");
        let (device, signal) = (Arc::clone(&name), name);
        Self { id, device, signal, unit: None, erased: Some(Position::ZERO) }
    }

    /// Whether the records up to `position` erase it.
    pub(crate) fn is_gone(&self, position: Position) -> bool {
        self.erased.is_some_and(|erased| erased <= position)
    }

    /// The order of rows in Parquet.
    pub(crate) fn rank(&self) -> (&str, &str) {
        (&self.signal, &self.device)
    }
}

/// All series of a site. Grows only; ids are the indexes.
#[derive(Debug, Default)]
pub(crate) struct SeriesTable {
    entries: Vec<Series>,
    by_device: BTreeMap<Arc<str>, Vec<SeriesId>>,
    /// Device and signal of all entries as Arrow columns: the dictionaries of every scan. Rebuilt
    /// by the first scan after a series was added.
    names: Option<Names>,
}

#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) count: usize,
    pub(crate) device: ArrayRef,
    pub(crate) signal: ArrayRef,
}

impl SeriesTable {
    pub(crate) fn push(&mut self, key: SeriesKey<'_>, info: SeriesInfo) -> SeriesId {
        let number = u32::try_from(self.entries.len()).unwrap_or(SERIES_MAX);
        assert!(number < SERIES_MAX, "the site has run out of series");
        let id = SeriesId(number);
        let device = match self.by_device.get_key_value(key.device) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(key.device),
        };
        self.by_device.entry(Arc::clone(&device)).or_default().push(id);
        let signal = Arc::from(key.signal);
        self.entries.push(Series { id, device, signal, unit: info.unit, erased: None });
        id
    }

    /// Gives a number to nobody: its series was erased.
    pub(crate) fn push_blank(&mut self) {
        let number = u32::try_from(self.entries.len()).unwrap_or(SERIES_MAX);
        self.entries.push(Series::blank(SeriesId(number)));
    }

    /// Ends all series of a device; says which.
    pub(crate) fn erase(&mut self, device: &str, at: Position) -> Vec<SeriesId> {
        let ids = self.by_device.get(device).map_or(&[][..], Vec::as_slice);
        let mut erased = Vec::new();
        for id in ids {
            if let Some(entry) = self.entries.get_mut(id.index()).filter(|it| it.erased.is_none()) {
                entry.erased = Some(at);
                erased.push(*id);
            }
        }
        erased
    }

    /// Forgets the names of series of which nothing is left.
    pub(crate) fn forget(&mut self, series: &[SeriesId]) {
        for id in series {
            let Some(entry) = self.entries.get_mut(id.index()) else { continue };
            let device = std::mem::replace(entry, Series::blank(*id)).device;
            if let Some(ids) = self.by_device.get_mut(&device) {
                ids.retain(|of_device| of_device != id);
                if ids.is_empty() {
                    self.by_device.remove(&device);
                }
            }
        }
        self.names = None;
    }

    pub(crate) fn inform(&mut self, id: SeriesId, info: SeriesInfo) {
        if let Some(entry) = self.entries.get_mut(id.index()) {
            entry.unit = info.unit.or(entry.unit);
        }
    }

    pub(crate) fn entries(&self) -> &[Series] {
        &self.entries
    }

    pub(crate) fn of_device(&self, device: &str) -> &[SeriesId] {
        self.by_device.get(device).map_or(&[], Vec::as_slice)
    }

    /// The devices that have series, in order.
    pub(crate) fn devices(&self) -> impl Iterator<Item = (&Arc<str>, &[SeriesId])> {
        self.by_device.iter().map(|(device, ids)| (device, ids.as_slice()))
    }

    pub(crate) fn names(&mut self) -> Names {
        if let Some(names) = self.names.as_ref().filter(|names| names.count == self.entries.len()) {
            return names.clone();
        }
        let device = StringArray::from_iter_values(self.entries.iter().map(|entry| &*entry.device));
        let signal = StringArray::from_iter_values(self.entries.iter().map(|entry| &*entry.signal));
        let count = self.entries.len();
        let names = Names { count, device: Arc::new(device), signal: Arc::new(signal) };
        self.names = Some(names.clone());
        names
    }
}

/// The writer's way from a key to its id, without a lock and without allocation.
#[derive(Default)]
pub(crate) struct Interner {
    entries: Vec<Series>,
    ids: HashTable<u32>,
    hasher: FixedState,
}

impl Interner {
    pub(crate) fn find(&self, key: SeriesKey<'_>) -> Option<&Series> {
        let hash = self.hasher.hash_one(key);
        let same = |id: &u32| {
            self.entries
                .get(*id as usize)
                .is_some_and(|entry| *entry.signal == *key.signal && *entry.device == *key.device)
        };
        self.ids.find(hash, same).and_then(|id| self.entries.get(*id as usize))
    }

    pub(crate) fn insert(&mut self, series: Series) {
        let key = SeriesKey { device: &series.device, signal: &series.signal };
        let hash = self.hasher.hash_one(key);
        let rehash = |id: &u32| match self.entries.get(*id as usize) {
            Some(Series { device, signal, .. }) => {
                self.hasher.hash_one(SeriesKey { device, signal })
            }
            None => hash,
        };
        self.ids.insert_unique(hash, series.id.0, rehash);
        self.entries.push(series);
    }

    pub(crate) fn inform(&mut self, id: SeriesId, info: SeriesInfo) {
        if let Some(entry) = self.entries.get_mut(id.index()) {
            entry.unit = info.unit.or(entry.unit);
        }
    }

    /// The series with this number is nobody's any more: its key is free.
    pub(crate) fn erase(&mut self, id: SeriesId) {
        let Some(entry) = self.entries.get_mut(id.index()) else { return };
        let entry = std::mem::replace(entry, Series::blank(id));
        let key = SeriesKey { device: &entry.device, signal: &entry.signal };
        let hash = self.hasher.hash_one(key);
        if let Ok(found) = self.ids.find_entry(hash, |known| *known == id.0) {
            found.remove();
        }
    }

    /// Gives a number to nobody.
    pub(crate) fn push_blank(&mut self, id: SeriesId) {
        self.entries.push(Series::blank(id));
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl std::fmt::Debug for Interner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Interner").field("len", &self.len()).finish_non_exhaustive()
    }
}
