//! The 13 queries: their names, and what chance has a say in.

use anyhow::{Context, Result};

/// In the order in which the suite lists them.
pub(super) const NAMES: [&str; 13] = [
    "last-loc",
    "single-last-loc",
    "low-fuel",
    "high-load",
    "stationary-trucks",
    "long-driving-sessions",
    "long-daily-sessions",
    "avg-vs-projected-fuel-consumption",
    "avg-daily-driving-duration",
    "avg-daily-driving-session",
    "avg-load",
    "daily-activity",
    "breakdown-frequency",
];

/// The first of them ask for something else each time.
const DRAWN: usize = 7;

/// Of statements, in `bench`.
pub(super) const FOLDER: &str = "tsbs";

/// How long the window of a query is, if it has one.
pub(super) fn window_s(name: &str) -> i64 {
    match name {
        "long-driving-sessions" => 4 * 3_600,
        "long-daily-sessions" => 24 * 3_600,
        _ => 600,
    }
}

pub(super) fn is_drawn(name: &str) -> Result<bool> {
    let place = NAMES.iter().position(|it| *it == name);
    Ok(place.with_context(|| format!("{name} is no query of the suite"))? < DRAWN)
}

#[cfg(test)]
mod tests;
