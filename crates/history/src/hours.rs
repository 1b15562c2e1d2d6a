//! What the readings of each hour come to: count, sum, lowest, highest, first and last of each
//! series, in a table of their own beside the readings, which may outlive them.
//!
//! They are derived, so they repair themselves: the log says from which files of readings the hours
//! of a day were made, and whoever looks after the files makes them again where those are not the
//! files that the day has. Only days that are closed have hours.

mod carry;
mod days;
mod fold;
mod job;
mod left;
mod line;
pub(crate) mod plan;
mod rewrite;
mod rows;
mod schema;

pub use days::{Day, DayHours};
pub(crate) use job::Job;
pub use job::Summarised;
pub(crate) use line::Drawn;
pub use rows::{HourRows, HoursScan};
pub use schema::{hour, hours_schema};

/// Milliseconds in an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;

/// When the hour of a time began.
pub(crate) const fn hour_of(time: i64) -> i64 {
    time.div_euclid(HOUR_MS).saturating_mul(HOUR_MS)
}
