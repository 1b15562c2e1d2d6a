//! What one connection has said and heard, in plain integers: a shard has a million of these, and
//! adds to them for every message.

use model::Moment;
use model::census::{Rate, Traffic};

/// Rates are told over the current window and what of the one before is not older than this.
const WINDOW_MS: u64 = 10_000;

/// The window that a moment lies in. The numbers wrap after 1,300 years.
pub(super) fn window_of(now: Moment) -> u32 {
    u32::try_from(now.micros() / 1_000 / WINDOW_MS).unwrap_or(u32::MAX)
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Counters {
    pub(super) since: Moment,
    messages_in: u64,
    messages_out: u64,
    bytes_in: u64,
    received: Recent,
    sent: Recent,
}

// A million idle connections are worth counting.
const _: () = assert!(size_of::<Counters>() <= 56, "what operators see costs 56 bytes");

/// A sliding window over messages of one direction.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    window: u32,
    here: u32,
    before: u32,
}

impl Counters {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            since: now,
            messages_in: 0,
            messages_out: 0,
            bytes_in: 0,
            received: Recent::default(),
            sent: Recent::default(),
        }
    }

    pub(super) fn heard(&mut self, bytes: usize) {
        self.bytes_in += bytes as u64;
    }

    pub(super) fn received(&mut self, window: u32) {
        self.messages_in += 1;
        self.received.count(window);
    }

    pub(super) const fn messages_in(&self) -> u64 {
        self.messages_in
    }

    pub(super) fn sent(&mut self, window: u32) {
        self.messages_out += 1;
        self.sent.count(window);
    }

    pub(super) const fn traffic(&self, bytes_out: u64) -> Traffic {
        let Self { messages_in, messages_out, bytes_in, .. } = *self;
        Traffic { messages_in, messages_out, bytes_in, bytes_out }
    }

    pub(super) fn rate(&self, now: Moment) -> Rate {
        Rate { received_millis: self.received.millis(now), sent_millis: self.sent.millis(now) }
    }
}

impl Recent {
    fn count(&mut self, window: u32) {
        self.move_to(window);
        self.here = self.here.saturating_add(1);
    }

    fn move_to(&mut self, window: u32) {
        if self.window != window {
            let next = self.window.wrapping_add(1) == window;
            *self = Self { window, here: 0, before: if next { self.here } else { 0 } };
        }
    }

    /// Thousandths of a message a second.
    fn millis(mut self, now: Moment) -> u64 {
        self.move_to(window_of(now));
        let into = now.micros() / 1_000 % WINDOW_MS;
        let weighed =
            u64::from(self.before) * (WINDOW_MS - into) + u64::from(self.here) * WINDOW_MS;
        weighed * 1_000 / WINDOW_MS / (WINDOW_MS / 1_000)
    }
}

#[cfg(test)]
mod tests;
