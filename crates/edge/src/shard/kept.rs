//! What the hub keeps of a session for the protocol: the other half of it while its client is away.

use std::collections::VecDeque;
use std::num::NonZeroU16;
use std::sync::Arc;

use hub::{Publication, Queue, Queued};
use model::{Position, Settled};
use mqtt::{Inflight, Ticket};

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// While the client is away: what it has not confirmed, and what it has not released.
    pub(super) inflight: Inflight,
    /// Steps that were committed while the client was away. They are taken when it is back.
    pub(super) settled: Vec<Settled<Ticket>>,
    /// It outlives this process: what happens to it is written down.
    pub(super) booked: bool,
    /// The client is back, and what happened before is not durable yet: nothing is sent to it.
    pub(super) resuming: bool,
    /// QoS 2 messages on this connection whose ids are being written down. Nothing overtakes them.
    pub(super) reserved: u32,
    /// Messages are being read from the journal.
    pub(super) fetching: bool,
    /// Messages under way to a client whose session outlives its connection, in the order of their
    /// tokens.
    sent: VecDeque<Sent>,
    last_token: u64,
}

#[derive(Debug)]
struct Sent {
    queued: Queued,
    /// QoS 2: the client has it; only the handshake is not over.
    received: bool,
    /// QoS 2: under which it is written down.
    packet_id: Option<NonZeroU16>,
}

impl Kept {
    /// Whether a fresh message may go at once, for all that the session knows.
    pub(super) fn flows(&self) -> bool {
        !self.resuming && self.reserved == 0
    }

    /// A token for the next message; it never comes again in this session.
    pub(super) fn next_token(&mut self) -> u64 {
        self.last_token += 1;
        self.last_token
    }

    pub(super) fn keep(&mut self, queued: Queued, packet_id: Option<NonZeroU16>) {
        self.sent.push_back(Sent { queued, received: false, packet_id });
    }

    /// Takes out what is under way.
    pub(super) fn take_sent(&mut self) -> impl Iterator<Item = Queued> + use<> {
        std::mem::take(&mut self.sent).into_iter().map(|sent| sent.queued)
    }

    /// Whether messages are under way that may have to be sent again.
    pub(super) fn has_sent(&self) -> bool {
        !self.sent.is_empty()
    }

    pub(super) fn find(&self, token: u64) -> Option<&Queued> {
        let at = self.sent.binary_search_by_key(&token, |sent| sent.queued.token).ok()?;
        self.sent.get(at).map(|sent| &sent.queued)
    }

    /// The client has it: its body is not needed again.
    pub(super) fn received(&mut self, token: u64) {
        if let Some(sent) = self.find_mut(token) {
            sent.received = true;
            sent.queued.shed();
        }
    }

    /// Gives back the message and the packet id that is written down for it.
    pub(super) fn forget(&mut self, token: u64) -> Option<(Queued, Option<NonZeroU16>)> {
        let at = self.sent.binary_search_by_key(&token, |sent| sent.queued.token).ok()?;
        let sent = self.sent.remove(at);
        if self.sent.is_empty() {
            self.sent = VecDeque::new();
        }
        sent.map(|sent| (sent.queued, sent.packet_id))
    }

    /// The journal took the message `token` at `position`. Says whether it is here.
    pub(super) fn place(&mut self, token: u64, position: Position) -> bool {
        self.find_mut(token).map(|sent| sent.queued.position = Some(position)).is_some()
    }

    /// Lets go of every body that the journal has: the client is away.
    pub(super) fn shed(&mut self) {
        self.sent.iter_mut().for_each(|sent| sent.queued.shed());
    }

    pub(super) fn fill(&mut self, token: u64, body: &Arc<Publication>) {
        if let Some(sent) = self.find_mut(token) {
            sent.queued.body = Some(Arc::clone(body));
        }
    }

    /// The oldest messages that have to be read before they can be sent, at most so many.
    pub(super) fn missing(&self, queue: &Queue, most: usize) -> Vec<(u64, Position)> {
        let again = self.sent.iter().filter(|sent| !sent.received).map(|sent| &sent.queued);
        again
            .chain(queue.iter().take_while(|queued| queued.position.is_some()))
            .filter(|queued| queued.body.is_none())
            .filter_map(|queued| Some((queued.token, queued.position?)))
            .take(most)
            .collect()
    }

    fn find_mut(&mut self, token: u64) -> Option<&mut Sent> {
        let at = self.sent.binary_search_by_key(&token, |sent| sent.queued.token).ok()?;
        self.sent.get_mut(at)
    }
}
