//! The tables whose rows are readings.

use std::any::Any;
use std::sync::Arc;

use datafusion::catalog::TableProvider;

use super::fold::Part;
use super::sums::{Asked, What};
use super::table::Base;
use crate::table::readings::{self, Readings};
use crate::table::wide::{self, Wide};

#[derive(Clone, Copy)]
pub(super) enum Target<'a> {
    Readings(&'a Readings),
    Wide(&'a Wide),
}

impl<'a> Target<'a> {
    pub(super) fn of(provider: &'a dyn TableProvider) -> Option<Self> {
        let provider: &dyn Any = provider;
        let readings = provider.downcast_ref().map(Self::Readings);
        readings.or_else(|| provider.downcast_ref().map(Self::Wide))
    }

    /// The columns that name a series.
    pub(super) const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Readings(_) => &readings::KEYS,
            Self::Wide(_) => &wide::KEYS,
        }
    }

    pub(super) fn key(self, column: &str) -> Option<Part> {
        match (self, column) {
            (_, "device") => Some(Part::Device),
            (Self::Readings(_), "signal") => Some(Part::Signal),
            _ => None,
        }
    }

    /// An aggregate of a column that shows numbers.
    pub(super) fn asked(self, what: What, column: &str) -> Option<Asked> {
        match self {
            Self::Readings(_) => (column == "number").then_some(Asked { what, signal: None }),
            Self::Wide(wide) => Some(Asked { what, signal: Some(wide.signal_of(column)?) }),
        }
    }

    /// Whether groups of readings answer it: a row of several columns is no reading.
    pub(super) fn holds(self, asked: &[Asked]) -> bool {
        let Self::Wide(_) = self else { return true };
        let mut signals: Vec<_> = asked.iter().filter_map(|asked| asked.signal.as_ref()).collect();
        signals.dedup();
        match signals.as_slice() {
            [] => false,
            [_] => true,
            _ => asked.iter().all(|asked| asked.what != What::Rows),
        }
    }

    /// The readings that are to be folded. `None` when a signal is not there.
    pub(super) fn base(self, asked: &[Asked]) -> Option<Base> {
        let keys = self.keys();
        Some(match self {
            Self::Readings(Readings(snapshot)) => {
                Base { snapshot: Arc::clone(snapshot), series: None, keys }
            }
            Self::Wide(wide) => {
                let signals: Vec<&str> =
                    asked.iter().filter_map(|asked| asked.signal.as_deref()).collect();
                let series = wide.series_of(&signals)?;
                Base { snapshot: Arc::clone(wide.snapshot()), series: Some(series), keys }
            }
        })
    }
}
