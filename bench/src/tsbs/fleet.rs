//! All trucks in good order: at each time the readings of all, then the diagnostics of all.

use super::entry::{Entry, Table};
use super::truck::Truck;
use super::{START_S, STEP_S, Scale};

#[derive(Debug)]
pub(super) struct Fleet {
    trucks: Vec<Truck>,
    time_s: i64,
    end_s: i64,
    table: Table,
    /// The place of the next truck.
    next: usize,
}

impl Fleet {
    pub(super) fn new(scale: Scale) -> Self {
        let trucks = (0..scale.trucks).map(|number| Truck::new(number, scale.seed)).collect();
        let end_s = scale.end_s();
        Self { trucks, time_s: START_S, end_s, table: Table::Readings, next: 0 }
    }

    pub(super) fn trucks(&self) -> &[Truck] {
        &self.trucks
    }

    fn turn_over(&mut self) {
        self.next = 0;
        match self.table {
            Table::Readings => self.table = Table::Diagnostics,
            Table::Diagnostics => {
                self.table = Table::Readings;
                self.time_s += STEP_S;
                self.trucks.iter_mut().for_each(Truck::advance);
            }
        }
    }
}

impl Iterator for Fleet {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        if self.next == self.trucks.len() {
            self.turn_over();
        }
        if self.time_s >= self.end_s {
            return None;
        }
        let truck = self.trucks.get(self.next)?;
        self.next += 1;
        Some(truck.entry(self.table, self.time_s))
    }
}
