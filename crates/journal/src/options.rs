//! What can be chosen about a journal.

use std::time::Duration;

use model::Position;

use crate::frame::{BLOCK, FRAME_BYTES_MAX};

/// Limits and habits of a journal.
#[derive(Clone, Debug)]
pub struct Options {
    /// Length of a segment file. A frame never spans two; one that is longer has a longer segment.
    pub segment_bytes: u64,
    /// Segments whose newest record is older may go.
    pub retain_age: Duration,
    /// Oldest segments go while all together are longer.
    pub retain_bytes: u64,
    /// A batch is closed at this length. A single submission may be longer, up to
    /// `FRAME_BYTES_MAX`, and is then a batch of its own.
    pub batch_bytes_max: usize,
    /// How long the first record of a batch waits for others: zero, or up to 5 ms for SD cards,
    /// whose every sync wears them.
    pub commit_delay: Duration,
    /// Retired segments kept for reuse: one being filled next and one in reserve.
    pub spares_max: usize,
    /// Bytes of batches a tail may hold before the commit thread waits for it.
    pub tail_bytes_max: usize,
    /// Secret from which segment salts are derived. Random for each start of a real site, so that
    /// no device can put bytes into a payload that look like a frame.
    pub salt_seed: u64,
    /// Position of the first record when the directory holds no journal.
    pub start: Position,
}

/// Longest `commit_delay`: what an SD card needs to merge writes, and still no wait a person feels.
pub(crate) const COMMIT_DELAY_MAX: Duration = Duration::from_millis(5);

/// Shorter segments would be more header than data.
const SEGMENT_BYTES_MIN: u64 = 16 * BLOCK as u64;

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            retain_age: Duration::from_hours(7 * 24),
            retain_bytes: 4 << 30,
            batch_bytes_max: 4 << 20,
            commit_delay: Duration::ZERO,
            spares_max: 2,
            tail_bytes_max: 32 << 20,
            salt_seed: 0,
            start: Position::new(1),
        }
    }
}

impl Options {
    /// The same options with each value inside its limits.
    pub(crate) fn within_limits(mut self) -> Self {
        let segment_bytes = self.segment_bytes.max(SEGMENT_BYTES_MIN);
        self.segment_bytes = segment_bytes.next_multiple_of(BLOCK as u64);
        self.batch_bytes_max = self.batch_bytes_max.clamp(BLOCK, FRAME_BYTES_MAX);
        self.commit_delay = self.commit_delay.min(COMMIT_DELAY_MAX);
        self.start = self.start.max(Position::new(1));
        self
    }
}
