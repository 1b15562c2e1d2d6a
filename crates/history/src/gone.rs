//! Series that were erased and of which something may still be on disk.
//!
//! A series is erased by a record of the journal, and what its device says after it belongs to new
//! series. So all rows of an erased series are gone, and no row needs to be told from another.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Position;

use crate::series::SeriesId;

/// By series the position of the record that erased it. At most one for each series there is: with
/// its share of the map some 24 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gone {
    erased: BTreeMap<SeriesId, Position>,
    /// The highest position.
    last: Position,
}

impl Gone {
    pub(crate) fn add(&mut self, series: impl IntoIterator<Item = SeriesId>, at: Position) {
        self.erased.extend(series.into_iter().map(|id| (id, at)));
        self.last = self.last.max(at);
    }

    /// What a view of this position must hide.
    pub(crate) fn up_to(self: &Arc<Self>, position: Position) -> Arc<Self> {
        if self.last <= position {
            return Arc::clone(self);
        }
        let before = self.erased.iter().filter(|(_, at)| **at <= position);
        let erased: BTreeMap<_, _> = before.map(|(id, at)| (*id, *at)).collect();
        let last = erased.values().max().copied().unwrap_or_default();
        Arc::new(Self { erased, last })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.erased.is_empty()
    }

    pub(crate) fn holds(&self, series: SeriesId) -> bool {
        self.erased.contains_key(&series)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (SeriesId, Position)> {
        self.erased.iter().map(|(id, at)| (*id, *at))
    }

    pub(crate) const fn last(&self) -> Position {
        self.last
    }

    /// Each erasure with the number of its series.
    pub(crate) fn counts(&self) -> BTreeMap<Position, usize> {
        let mut counts = BTreeMap::new();
        for at in self.erased.values() {
            *counts.entry(*at).or_default() += 1;
        }
        counts
    }

    pub(crate) fn of(&self, at: Position) -> impl Iterator<Item = SeriesId> {
        self.erased.iter().filter(move |(_, erased)| **erased == at).map(|(id, _)| *id)
    }

    /// Forgets an erasure of which nothing is left.
    pub(crate) fn forget(&mut self, at: Position) {
        self.erased.retain(|_, erased| *erased != at);
        self.last = self.erased.values().max().copied().unwrap_or_default();
    }
}
