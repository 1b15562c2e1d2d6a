//! What came out of the bridge, and what that says about it.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::torture::Verdict;
use crate::torture::ledger::{Fate, Ledger};
use crate::torture::readings::Reading;

/// Once everything came, nothing may come again: so long it is listened on.
const QUIET: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
struct Book {
    /// Of each publisher, in the order in which they came.
    sequences: Vec<Vec<u64>>,
    distinct: BTreeSet<Reading>,
    wrong: Verdict,
}

#[derive(Debug, Default)]
pub(super) struct Heard {
    book: Mutex<Book>,
    changed: Condvar,
}

impl Heard {
    #[must_use]
    pub(super) fn new(publishers: u32) -> Self {
        let sequences = (0..publishers).map(|_| Vec::new()).collect();
        let book = Mutex::new(Book { sequences, ..Book::default() });
        Self { book, changed: Condvar::new() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, reading: Reading) {
        let mut book = self.book();
        let place = usize::try_from(reading.device).unwrap_or(usize::MAX);
        match book.sequences.get_mut(place) {
            Some(sequences) => sequences.push(reading.sequence),
            None => book.wrong.wrong(&format!("{reading:?} of no publisher")),
        }
        book.distinct.insert(reading);
        drop(book);
        self.changed.notify_all();
    }

    pub(super) fn note_wrong(&self, example: &str) {
        self.book().wrong.wrong(example);
    }

    /// Waits for a message of every publisher. `false` when that takes too long.
    #[must_use]
    pub(super) fn wait_for_first(&self, longest: Duration) -> bool {
        let lacks = |book: &mut Book| book.sequences.iter().any(Vec::is_empty);
        let waited = self.changed.wait_timeout_while(self.book(), longest, lacks);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Waits until all that is owed came, or nothing came for as long as `patience`.
    pub(super) fn wait_for_rest(&self, ledger: &Ledger, patience: Duration) {
        let (mut came, mut since) = (0, Stopwatch::start());
        loop {
            let book = self.book();
            let all = book.came();
            if all > came {
                (came, since) = (all, Stopwatch::start());
            }
            let longest = if came >= ledger.acknowledged_count() { QUIET } else { patience };
            let Some(left) = longest.checked_sub(since.elapsed()) else { return };
            drop(self.changed.wait_timeout(book, left));
        }
    }

    /// Judges what came. Says how many messages came again, as they may when a connection ended in
    /// the middle: `breaks` times.
    pub(super) fn judge(&self, ledger: &Ledger, breaks: u64, verdict: &mut Verdict) -> u64 {
        let mut book = self.book();
        let all = book.sequences.iter().map(|sequences| sequences.len() as u64).sum::<u64>();
        let again = all - book.distinct.len() as u64;
        verdict.absorb(std::mem::take(&mut book.wrong));
        for (device, sequences) in (0..).zip(&book.sequences) {
            judge_order(device, sequences, breaks, verdict);
        }
        for reading in &book.distinct {
            if ledger.fate(*reading) == Fate::Unsent {
                verdict.wrong(&format!("{reading:?} was never sent"));
            }
        }
        for reading in ledger.acknowledged_by(0) {
            if book.first(reading.device).is_some_and(|first| reading.sequence < first) {
                continue;
            }
            verdict.owed += 1;
            if !book.distinct.contains(&reading) {
                verdict.undelivered(&format!("{reading:?}"));
            }
        }
        again
    }
}

impl Book {
    /// The first that came of a publisher: what was sent before, was sent before the bridge had
    /// subscribed. Nothing is owed of that.
    fn first(&self, device: u32) -> Option<u64> {
        let sequences = self.sequences.get(usize::try_from(device).ok()?)?;
        sequences.first().copied()
    }

    /// Messages that came, and those that are not owed.
    fn came(&self) -> u64 {
        let early: u64 = self.sequences.iter().filter_map(|sequences| sequences.first()).sum();
        self.distinct.len() as u64 + early
    }
}

/// What comes for the first time comes in order. What comes again begins with a step back, which
/// only the end of a connection explains.
fn judge_order(device: u32, sequences: &[u64], breaks: u64, verdict: &mut Verdict) {
    let (mut seen, mut highest, mut back) = (BTreeSet::new(), None, 0);
    for sequence in sequences {
        if seen.insert(*sequence) && highest > Some(*sequence) {
            verdict.wrong(&format!("{sequence} of publisher {device} came after {highest:?}"));
        }
        highest = highest.max(Some(*sequence));
    }
    for pair in sequences.windows(2) {
        back += u64::from(matches!(pair, [before, after] if after <= before));
    }
    if back > breaks {
        let how = format!("publisher {device}: {back} steps back, {breaks} connections ended");
        verdict.delivered_twice(&how);
    }
}

#[cfg(test)]
mod tests;
