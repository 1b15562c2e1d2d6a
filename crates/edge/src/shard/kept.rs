//! What the hub keeps of a session for the protocol: the other half of it while its client is away.

use std::collections::VecDeque;

use hub::Queued;
use model::Settled;
use mqtt::{Inflight, Ticket};

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// While the client is away: what it has not confirmed, and what it has not released.
    pub(super) inflight: Inflight,
    /// Records that were committed while the client was away. It is told when it is back.
    pub(super) settled: Vec<Settled<Ticket>>,
    /// Messages under way to a client whose session outlives its connection, oldest first, by
    /// the token under which the session knows them.
    sent: VecDeque<(u64, Queued)>,
    last_token: u64,
}

impl Kept {
    /// A token for the next message; it never comes again in this session.
    pub(super) fn next_token(&mut self) -> u64 {
        self.last_token += 1;
        self.last_token
    }

    pub(super) fn keep(&mut self, token: u64, message: Queued) {
        self.sent.push_back((token, message));
    }

    pub(super) fn find(&self, token: u64) -> Option<&Queued> {
        let at = self.sent.binary_search_by_key(&token, |(known, _)| *known).ok()?;
        self.sent.get(at).map(|(_, message)| message)
    }

    pub(super) fn forget(&mut self, token: u64) {
        if let Ok(at) = self.sent.binary_search_by_key(&token, |(known, _)| *known) {
            self.sent.remove(at);
        }
        if self.sent.is_empty() {
            self.sent = VecDeque::new();
        }
    }
}
