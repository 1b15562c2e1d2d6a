//! What the commit thread measured, readable while it runs.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use model::Position;

use crate::sched::Schedule;

/// Four steps for each doubling, from 1 µs to 2^25 µs (33 s): a quantile is at most 25 % off.
const STEPS: u32 = 4;
const DOUBLINGS: u32 = 25;
const BUCKETS: usize = (STEPS * DOUBLINGS) as usize;

/// A moment's view of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Commits since the start.
    pub frames: u64,
    /// Bytes written by commits, padding included.
    pub bytes: u64,
    /// Median time of write and fsync.
    pub commit_p50: Duration,
    /// 99 of 100 commits took less.
    pub commit_p99: Duration,
    /// The slowest commit.
    pub commit_max: Duration,
    /// Position of the newest durable record.
    pub last: Position,
    /// Position of the oldest record kept.
    pub first: Position,
    /// Bytes of all segments.
    pub disk_bytes: u64,
    /// Whether the disk is full, so that commits wait.
    pub disk_full: bool,
    /// How the system schedules the commit thread.
    pub schedule: Schedule,
}

/// The counters behind `Stats`.
#[derive(Debug)]
pub(crate) struct Counters {
    frames: AtomicU64,
    bytes: AtomicU64,
    disk_full: AtomicBool,
    max_us: AtomicU64,
    schedule: AtomicU8,
    buckets: [AtomicU64; BUCKETS],
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            disk_full: AtomicBool::new(false),
            max_us: AtomicU64::new(0),
            schedule: AtomicU8::new(0),
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
        }
    }
}

impl Counters {
    pub(crate) fn committed(&self, bytes: usize, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.max_us.fetch_max(micros, Ordering::Relaxed);
        if let Some(bucket) = self.buckets.get(bucket_of(micros)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn disk_full(&self) -> bool {
        self.disk_full.load(Ordering::Relaxed)
    }

    /// Returns what was true before.
    pub(crate) fn set_disk_full(&self, full: bool) -> bool {
        self.disk_full.swap(full, Ordering::Relaxed)
    }

    pub(crate) fn scheduled(&self, schedule: Schedule) {
        self.schedule.store(schedule.code(), Ordering::Relaxed);
    }

    pub(crate) fn schedule(&self) -> Schedule {
        Schedule::of_code(self.schedule.load(Ordering::Relaxed))
    }

    pub(crate) fn max(&self) -> Duration {
        Duration::from_micros(self.max_us.load(Ordering::Relaxed))
    }

    /// The time that `percent` of the commits did not exceed; zero before the first.
    pub(crate) fn quantile(&self, percent: u64) -> Duration {
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let total: u64 = counts.clone().sum();
        let wanted = (total * percent).div_ceil(100);
        let mut seen = 0;
        for (index, count) in counts.enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return upper_end(index).min(self.max());
            }
        }
        Duration::ZERO
    }
}

fn bucket_of(micros: u64) -> usize {
    let micros = micros.max(1);
    let doubling = micros.ilog2();
    // The two bits behind the leading one.
    let step = ((micros << 2) >> doubling) & 3;
    let index = u64::from(doubling * STEPS) + step;
    usize::try_from(index).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

fn upper_end(index: usize) -> Duration {
    let index = index as u64 + 1;
    let (doubling, step) = (index / u64::from(STEPS), index % u64::from(STEPS));
    Duration::from_micros(((4 + step) << doubling) / 4)
}

#[cfg(test)]
mod tests;
