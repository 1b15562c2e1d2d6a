//! The promise as types: an acknowledgement exists only because its record is fsynced and every
//! required reader (history, above all) has made it visible.
//!
//! `Position` numbers the records of the journal. A `Horizon` knows how far the disk and each
//! required reader have come; only it can make a `Committed`. A `Lane` holds the tickets of one
//! session in the order of their positions and gives them back, settled, against a `Committed`.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of a journal record; the first is 1. `Position::ZERO` is before all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    #[must_use]
    pub const fn next(self) -> Self {
        self.after(1)
    }

    /// # Panics
    /// Past 2^64 records, which a million a second reach in 584,000 years.
    #[must_use]
    pub const fn after(self, count: u64) -> Self {
        let (number, wrapped) = self.0.overflowing_add(count);
        assert!(!wrapped, "the journal has run out of positions");
        Self(number)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Called with the new horizon after it moved, on the thread that moved it. It must not block.
pub type Wake = Box<dyn Fn(Committed) + Send + Sync>;

/// `committed = min(durable, slowest required reader)`.
pub struct Horizon {
    durable: AtomicU64,
    readers: Box<[(&'static str, AtomicU64)]>,
    committed: AtomicU64,
    wake: Wake,
}

impl Horizon {
    /// A horizon at `start` with one mark for the disk and one for each required reader.
    #[must_use]
    pub fn new(
        start: Position,
        readers: &[&'static str],
        wake: Wake,
    ) -> (Arc<Self>, DurableMark, Vec<ReaderMark>) {
        let at_start = |name: &&'static str| (*name, AtomicU64::new(start.0));
        let horizon = Arc::new(Self {
            durable: AtomicU64::new(start.0),
            readers: readers.iter().map(at_start).collect(),
            committed: AtomicU64::new(start.0),
            wake,
        });
        let marks = (0..readers.len())
            .map(|index| ReaderMark { horizon: Arc::clone(&horizon), index })
            .collect();
        (Arc::clone(&horizon), DurableMark { horizon }, marks)
    }

    #[must_use]
    pub fn committed(&self) -> Committed {
        Committed(Position(self.committed.load(Ordering::Acquire)))
    }

    /// Fsynced up to here, whether visible or not.
    #[must_use]
    pub fn durable(&self) -> Position {
        Position(self.durable.load(Ordering::Acquire))
    }

    /// How far each required reader has come, by name.
    pub fn readers(&self) -> impl Iterator<Item = (&'static str, Position)> {
        self.readers.iter().map(|(name, at)| (*name, Position(at.load(Ordering::Acquire))))
    }

    fn recompute(&self) {
        let slowest = self.readers().map(|(_, at)| at).min().unwrap_or(Position(u64::MAX));
        let reached = self.durable().min(slowest);
        let before = self.committed.fetch_max(reached.0, Ordering::AcqRel);
        if before < reached.0 {
            (self.wake)(Committed(reached));
        }
    }
}

impl fmt::Debug for Horizon {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Horizon")
            .field("durable", &self.durable())
            .field("readers", &self.readers)
            .field("committed", &self.committed())
            .finish_non_exhaustive()
    }
}

/// The right to say that records are fsynced. There is one per horizon; the journal holds it.
#[derive(Debug)]
pub struct DurableMark {
    horizon: Arc<Horizon>,
}

impl DurableMark {
    /// # Panics
    /// When the mark would move back.
    pub fn advance(&mut self, to: Position) {
        let before = self.horizon.durable.swap(to.0, Ordering::AcqRel);
        assert!(before <= to.0, "what was durable stays durable: {before} then {to}");
        self.horizon.recompute();
    }
}

/// The right to say that one required reader has taken records in.
#[derive(Debug)]
pub struct ReaderMark {
    horizon: Arc<Horizon>,
    index: usize,
}

impl ReaderMark {
    /// # Panics
    /// When the mark would move back.
    pub fn advance(&mut self, to: Position) {
        if let Some((name, at)) = self.horizon.readers.get(self.index) {
            let before = at.swap(to.0, Ordering::AcqRel);
            assert!(before <= to.0, "{name} does not unread: {before} then {to}");
        }
        self.horizon.recompute();
    }
}

/// Proof that all records up to this one are fsynced and visible. Only a `Horizon` makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Committed(Position);

impl Committed {
    #[must_use]
    pub const fn position(self) -> Position {
        self.0
    }
}

/// A ticket whose record is committed. A session acknowledges nothing else: no commit, no PUBACK.
#[derive(Debug, PartialEq, Eq)]
pub struct Settled<T>(T);

impl<T> Settled<T> {
    #[must_use]
    pub fn into_ticket(self) -> T {
        self.0
    }
}

impl<K, T> Settled<(K, T)> {
    /// A ticket that was filed under the session it belongs to, and that session.
    #[must_use]
    pub fn split(self) -> (K, Settled<T>) {
        let (key, ticket) = self.0;
        (key, Settled(ticket))
    }
}

/// The tickets of one session, or of all sessions of a thread, that wait for a commit, oldest first.
#[derive(Debug)]
pub struct Lane<T> {
    waiting: VecDeque<(Position, T)>,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new() }
    }
}

impl<T> Lane<T> {
    /// # Panics
    /// When `at` is before a ticket that already waits: a session submits in order.
    pub fn push(&mut self, at: Position, ticket: T) {
        let ordered = self.waiting.back().is_none_or(|(last, _)| *last <= at);
        assert!(ordered, "tickets wait in the order of their records");
        self.waiting.push_back((at, ticket));
    }

    /// All tickets that `committed` covers, oldest first.
    pub fn settle(&mut self, committed: Committed) -> impl Iterator<Item = Settled<T>> {
        let earned = self.waiting.partition_point(|(at, _)| *at <= committed.0);
        self.waiting.drain(..earned).map(|(_, ticket)| Settled(ticket))
    }

    /// The position the oldest ticket waits for.
    #[must_use]
    pub fn oldest(&self) -> Option<Position> {
        self.waiting.front().map(|(at, _)| *at)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Gives back the memory of an idle lane.
    pub fn shrink(&mut self) {
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests;
