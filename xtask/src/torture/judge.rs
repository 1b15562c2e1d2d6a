//! Compares what SQL says with the ledger.

use std::collections::BTreeMap;

use super::Verdict;
use super::ledger::{Fate, Ledger};
use super::readings::{Reading, SIGNALS, Signal};
use super::sql::Row;

/// Which messages a question was about, and what has to be there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    pub devices: u32,
    pub first: u64,
    pub end: u64,
    /// What was acknowledged when the disk had seen more writes than this, may be missing.
    pub writes: u64,
}

/// Every message of the scope is judged once: acknowledged ones must be there whole and once,
/// others may be there whole and once, and nothing else may be there.
pub(super) fn judge(ledger: &Ledger, scope: Scope, rows: &[Row], verdict: &mut Verdict) {
    let mut found: BTreeMap<(Reading, Signal), u32> = BTreeMap::new();
    for row in rows {
        match known(ledger, row) {
            Some(key) => *found.entry(key).or_default() += 1,
            None => verdict.wrong(&format!("{row:?} was never sent so")),
        }
    }
    for device in 0..scope.devices {
        for sequence in scope.first..scope.end {
            judge_one(ledger, scope, Reading { device, sequence }, &found, verdict);
        }
    }
}

/// The place of a row, if such a reading was sent and has this very value.
fn known(ledger: &Ledger, row: &Row) -> Option<(Reading, Signal)> {
    let (reading, signal) = (row.reading?, row.signal?);
    let exact = row.number?.to_bits() == reading.value(signal).to_bits();
    (exact && ledger.fate(reading) != Fate::Unsent).then_some((reading, signal))
}

fn judge_one(
    ledger: &Ledger,
    scope: Scope,
    reading: Reading,
    found: &BTreeMap<(Reading, Signal), u32>,
    verdict: &mut Verdict,
) {
    let fate = ledger.fate(reading);
    let due = matches!(fate, Fate::Acknowledged { writes } if writes <= scope.writes);
    let counts = SIGNALS.map(|signal| found.get(&(reading, signal)).copied().unwrap_or(0));
    verdict.judged += u64::from(due);
    if counts.iter().any(|count| *count > 1) {
        verdict.doubled(&format!("{reading:?} is there {counts:?} times"));
    }
    let there = counts.iter().filter(|count| **count > 0).count();
    if due && there < SIGNALS.len() {
        verdict.lost(&format!("{reading:?}, {fate:?}, is there {counts:?} times"));
    } else if there > 0 && there < SIGNALS.len() {
        verdict.wrong(&format!("half of {reading:?} is there"));
    }
}

#[cfg(test)]
mod tests;
