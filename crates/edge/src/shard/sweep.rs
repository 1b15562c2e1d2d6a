//! Sessions and retained messages whose time is over make room. A million of them are looked through
//! a part at a time, so that nobody waits for it: who asks for one is told to the second anyway.

use std::time::Duration;

use model::{Moment, SessionEvent};

use super::Shard;
use super::diary::Waiting;
use super::expiry::Left;
use crate::clock::Now;

const EVERY: Duration = Duration::from_secs(1);

/// A million sessions take a minute, and a second has a millisecond or two of it.
const SLOTS: usize = 16_384;

/// Less, because publishers wait for those who look at them.
const RETAINED: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Sweep {
    last: Moment,
    /// The slot of a session that is next.
    slot: usize,
}

impl Shard {
    pub(super) fn sweep(&mut self, now: Now) {
        if now.moment.since(self.sweep.last) < EVERY {
            return;
        }
        self.sweep.last = now.moment;
        let from = self.sweep.slot;
        let to = from.saturating_add(SLOTS).min(self.sessions.slots());
        self.sweep.slot = if to < self.sessions.slots() { to } else { 0 };
        for client in self.sessions.expire(from..to, now.moment, &self.common.subscriptions) {
            self.note_of(&client, SessionEvent::Ended, Waiting::Nobody);
        }
        self.forget_greetings();
        if self.index == 0 {
            let is_over = |kept: &hub::Publication| Left::of(kept, now.timestamp) == Left::Nothing;
            self.common.retained.sweep(RETAINED, is_over);
        }
    }
}
