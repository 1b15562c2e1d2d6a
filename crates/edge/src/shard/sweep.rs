//! Sessions and retained messages whose time is over make room. A million of them are looked through
//! a part at a time, so that nobody waits for it: who asks for one is told to the second anyway.

use std::ops::Range;
use std::time::Duration;

use model::{Moment, SessionEvent};

use super::Shard;
use super::diary::Waiting;
use super::expiry::Left;
use crate::clock::Now;

const EVERY: Duration = Duration::from_secs(1);

/// A million sessions take a minute.
const SLOTS: usize = 16_384;

/// Less, because publishers wait for those who look at them.
const RETAINED: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Sweep {
    last: Moment,
    /// The slot of a session that is next.
    slot: usize,
}

impl Sweep {
    /// Of `all` slots those whose turn it is, one round after the other.
    fn next(&mut self, all: usize) -> Range<usize> {
        let from = self.slot;
        let to = from.saturating_add(SLOTS).min(all);
        self.slot = if to < all { to } else { 0 };
        from..to
    }
}

impl Shard {
    pub(super) fn sweep(&mut self, now: Now) {
        if now.moment.since(self.sweep.last) < EVERY {
            return;
        }
        self.sweep.last = now.moment;
        let slots = self.sweep.next(self.sessions.slots());
        for client in self.sessions.expire(slots, now.moment, &self.common.subscriptions) {
            self.note_of(&client, SessionEvent::Ended, Waiting::Nobody);
        }
        self.forget_retained_runs();
        if self.index == 0 {
            let is_over = |kept: &hub::Publication| Left::of(kept, now.timestamp) == Left::Nothing;
            self.common.retained.sweep(RETAINED, is_over);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_its_turn_and_a_small_shard_is_looked_at_whole() {
        let mut sweep = Sweep::default();
        assert_eq!([sweep.next(10), sweep.next(10)], [0..10, 0..10]);
        let all = 2 * SLOTS + 5;
        let round = [0..SLOTS, SLOTS..2 * SLOTS, 2 * SLOTS..all];
        for slots in round.iter().chain(&round) {
            assert_eq!(sweep.next(all), *slots);
        }
        assert_eq!(sweep.next(all), 0..SLOTS);
        // Fewer than where it stood: it begins again.
        assert_eq!((sweep.next(0).len(), sweep.next(10)), (0, 0..10));
    }
}
