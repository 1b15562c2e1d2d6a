//! Trucks of the Time Series Benchmark Suite, its use case "IoT", written anew from its public
//! description: what they say, in which disorder, and in the forms that stores read.
//!
//! Two runs with one seed and one scale are the same, byte for byte.

mod copy;
mod disorder;
mod entry;
mod fleet;
mod generate;
mod lines;
mod truck;

use clap::Args;

use disorder::Disorder;
use entry::{Entry, Table};
use fleet::Fleet;
pub use generate::{GeneratePlan, Generated, generate};
pub use truck::FLEETS;

/// Midnight (UTC) of 2016-01-01, where the suite begins. In seconds since 1970.
pub const START_S: i64 = 1_451_606_400;

/// Between two readings of one truck.
pub const STEP_S: i64 = 10;

/// What the columns of `readings` and of `diagnostics` are called, after time and name.
#[must_use]
pub fn fields_of(table: &str) -> &'static [&'static str] {
    let tables = [Table::Readings, Table::Diagnostics];
    tables.into_iter().find(|it| it.name() == table).map_or(&[], Table::fields)
}

/// How many trucks, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct Scale {
    #[arg(long, default_value_t = 100)]
    pub trucks: u32,
    #[arg(long, default_value_t = 72)]
    pub hours: u32,
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}

impl Scale {
    /// The first second without a reading.
    #[must_use]
    pub fn end_s(&self) -> i64 {
        START_S + i64::from(self.hours) * 3_600
    }

    /// Everything that is said, in the order in which it arrives.
    fn entries(self) -> impl Iterator<Item = Entry> {
        Disorder::new(Fleet::new(self), self.seed)
    }
}
