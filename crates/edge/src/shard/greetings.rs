//! Connections whose CONNECT is still to come. They are the cheapest thing that a stranger can make
//! a site hold, so each listener has a number of them, and the oldest makes room for the newest: an
//! honest client is done within a round trip, one that drips is not.

use std::collections::VecDeque;

use hub::ConnectionKey;

/// Of one listener, oldest first.
#[derive(Debug, Default)]
pub(super) struct Greetings {
    /// With what tells them from later tenants of their slots; some have greeted meanwhile.
    arrived: VecDeque<(ConnectionKey, u32)>,
    unfinished: usize,
}

impl Greetings {
    pub(super) fn arrived(&mut self, key: ConnectionKey, opened: u32) {
        self.arrived.push_back((key, opened));
        self.unfinished += 1;
    }

    /// One of them has greeted, or is gone.
    pub(super) fn finished(&mut self) {
        self.unfinished = self.unfinished.saturating_sub(1);
        if self.unfinished == 0 {
            self.arrived.clear();
            self.arrived.shrink_to(1_024);
        }
    }

    pub(super) fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// The oldest that `greets` still.
    pub(super) fn oldest(
        &mut self,
        greets: impl Fn(ConnectionKey, u32) -> bool,
    ) -> Option<ConnectionKey> {
        while let Some((key, opened)) = self.arrived.pop_front() {
            if greets(key, opened) {
                return Some(key);
            }
        }
        None
    }

    /// Behind one that drips, those that have greeted are not forgotten by `oldest`.
    pub(super) fn tidy(&mut self, greets: impl Fn(ConnectionKey, u32) -> bool) {
        if self.arrived.len() > 2 * self.unfinished + 1_024 {
            self.arrived.retain(|(key, opened)| greets(*key, *opened));
        }
    }
}
