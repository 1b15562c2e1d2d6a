//! What was sent and what was acknowledged: the truth that SQL is compared with.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::readings::Reading;

/// What is known of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Never written to a socket.
    Unsent,
    /// Written to a socket: it may be there or not.
    Sent,
    /// Answered with PUBACK or PUBREC when the disk had seen so many writes: it must be there.
    /// Without a disk that counts, 0.
    Acknowledged { writes: u64 },
}

#[derive(Debug, Default)]
struct Book {
    /// By device, then by sequence.
    fates: Vec<Vec<Fate>>,
    acknowledged: u64,
    latest: Option<Reading>,
    /// Questions to SQL that were answered under load.
    sampled: u64,
    /// Why connections ended, since the load began.
    ended: Vec<String>,
}

/// Shared by all devices of a run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    book: Mutex<Book>,
    changed: Condvar,
}

impl Ledger {
    #[must_use]
    pub(super) fn new(devices: u32) -> Self {
        let fates = (0..devices).map(|_| Vec::new()).collect();
        Self { book: Mutex::new(Book { fates, ..Book::default() }), changed: Condvar::new() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sent(&self, reading: Reading) {
        let mut book = self.book();
        if let Some(fate) = book.fate(reading).filter(|fate| **fate == Fate::Unsent) {
            *fate = Fate::Sent;
        }
    }

    pub(super) fn acknowledged(&self, reading: Reading, writes: u64) {
        let mut book = self.book();
        if let Some(fate) = book.fate(reading)
            && matches!(fate, Fate::Sent | Fate::Unsent)
        {
            *fate = Fate::Acknowledged { writes };
            book.acknowledged += 1;
            book.latest = Some(reading);
            drop(book);
            self.changed.notify_all();
        }
    }

    /// A load begins: connections end in it only with the site.
    pub(super) fn begin(&self) {
        self.book().ended.clear();
    }

    pub(super) fn connection_ended(&self, why: &anyhow::Error) {
        self.book().ended.push(format!("{why:#}"));
        self.changed.notify_all();
    }

    /// Why the first connection ended.
    #[must_use]
    pub(super) fn first_end(&self) -> Option<String> {
        self.book().ended.first().cloned()
    }

    pub(super) fn sampled(&self) {
        self.book().sampled += 1;
        self.changed.notify_all();
    }

    /// Waits for the next such answer, or until a connection ends.
    pub(super) fn wait_for_sample(&self, longest: Duration) {
        let book = self.book();
        let sampled = book.sampled;
        let same = |book: &mut Book| book.sampled == sampled && book.ended.is_empty();
        drop(self.changed.wait_timeout_while(book, longest, same));
    }

    #[must_use]
    pub(super) fn acknowledged_count(&self) -> u64 {
        self.book().acknowledged
    }

    /// The one acknowledged last.
    #[must_use]
    pub(super) fn latest(&self) -> Option<Reading> {
        self.book().latest
    }

    /// Waits until so many are acknowledged or `longest` passes without a further one. `false`
    /// for the latter, and when a connection ended.
    #[must_use]
    pub(super) fn wait_for(&self, goal: u64, longest: Duration) -> bool {
        let mut book = self.book();
        while book.acknowledged < goal {
            let before = book.acknowledged;
            let waited = self.changed.wait_timeout(book, longest);
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            book = after;
            if !book.ended.is_empty() || timeout.timed_out() && book.acknowledged == before {
                return false;
            }
        }
        true
    }

    #[must_use]
    pub(super) fn fate(&self, reading: Reading) -> Fate {
        let mut book = self.book();
        book.fate(reading).map_or(Fate::Unsent, |fate| *fate)
    }

    /// Everything that was acknowledged when the disk had seen no more writes than this.
    #[must_use]
    pub(super) fn acknowledged_by(&self, most: u64) -> Vec<Reading> {
        let mut all = Vec::new();
        for (device, fates) in (0..).zip(&self.book().fates) {
            for (sequence, fate) in (0..).zip(fates) {
                if matches!(fate, Fate::Acknowledged { writes } if *writes <= most) {
                    all.push(Reading { device, sequence });
                }
            }
        }
        all
    }

    /// One more than the highest sequence of any device.
    #[must_use]
    pub(super) fn end(&self) -> u64 {
        let longest = self.book().fates.iter().map(Vec::len).max().unwrap_or(0);
        u64::try_from(longest).unwrap_or(u64::MAX)
    }

    /// Sequences of a device that were sent and not acknowledged, from `first` on.
    #[must_use]
    pub(super) fn open(&self, device: u32, first: u64) -> Vec<u64> {
        let book = self.book();
        let fates = usize::try_from(device).ok().and_then(|place| book.fates.get(place));
        let numbered = (0..).zip(fates.into_iter().flatten());
        numbered
            .filter(|(sequence, fate)| *sequence >= first && **fate == Fate::Sent)
            .map(|(sequence, _)| sequence)
            .collect()
    }
}

impl Book {
    /// Makes room for it, too.
    fn fate(&mut self, reading: Reading) -> Option<&mut Fate> {
        let fates = self.fates.get_mut(usize::try_from(reading.device).ok()?)?;
        let place = usize::try_from(reading.sequence).ok()?;
        if fates.len() <= place {
            fates.resize(place + 1, Fate::Unsent);
        }
        fates.get_mut(place)
    }
}
