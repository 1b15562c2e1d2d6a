//! Which rows a later row with the same series and time replaces.
//!
//! A row whose time is above the last of its series replaces nothing. So only the late rows are
//! collected, and every other row is looked up among them, and only at times where there are any.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// When a row came, comparable over Parquet files and the hot tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// In the flush that ended at this journal position.
    Cold(u64),
    /// As this row of the hot tail.
    Hot(u64),
}

#[derive(Debug)]
pub(crate) struct Shadow {
    keys: HashMap<(u32, i64), Order, FixedState>,
    time_min: i64,
    time_max: i64,
}

impl Default for Shadow {
    fn default() -> Self {
        Self { keys: HashMap::default(), time_min: i64::MAX, time_max: i64::MIN }
    }
}

impl Shadow {
    pub(crate) fn cast(&mut self, series: u32, time: i64, order: Order) {
        let seen = self.keys.entry((series, time)).or_insert(order);
        *seen = order.max(*seen);
        self.time_min = self.time_min.min(time);
        self.time_max = self.time_max.max(time);
    }

    pub(crate) fn hides(&self, series: u32, time: i64, order: Order) -> bool {
        self.reaches(time, time) && self.keys.get(&(series, time)).is_some_and(|by| *by > order)
    }

    /// Whether it can hide anything between the two times.
    pub(crate) fn reaches(&self, from: i64, to: i64) -> bool {
        self.time_min <= to && from <= self.time_max
    }
}
