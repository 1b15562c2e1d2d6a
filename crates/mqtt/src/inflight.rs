//! What outlives a connection of a session: messages the client has not confirmed, and QoS 2
//! messages of the client whose handshake is not over.

use std::collections::VecDeque;
use std::num::NonZeroU16;

/// Numbers the connections of a process, so that a ticket knows the one it came from. It may wrap:
/// no ticket waits for four billion connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u32);

impl Generation {
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }
}

/// What a message to the client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "the standard's own names")]
pub enum Step {
    /// QoS 1: the PUBACK.
    PubAck,
    /// QoS 2: the PUBREC.
    PubRec,
    /// QoS 2: the PUBCOMP. The client has the message; it is never sent again.
    PubComp,
}

/// A message to the client that has a packet id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outbound {
    pub packet_id: NonZeroU16,
    pub step: Step,
    /// The caller's own name for the message: enough to find it again.
    pub token: u64,
    /// Sent on this connection, so it takes a place in the window.
    pub sent: bool,
}

/// A QoS 2 message from the client whose id has not been released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) packet_id: NonZeroU16,
    /// Of the ticket that may commit it, and later of the one that may release it. An older ticket
    /// with the same id is about another message, or about a step that was asked for again.
    pub(crate) generation: Generation,
    pub(crate) committed: bool,
    /// It is being written down that the client knows.
    pub(crate) releasing: bool,
    /// Published on this connection, so PUBREC and PUBCOMP are owed on it.
    pub(crate) current: bool,
}

/// The part of a session that goes from one connection of a client to its next. The caller keeps
/// it, and the `Lane` with the session's tickets beside it, while the client is away.
#[derive(Debug, Default)]
pub struct Inflight {
    /// In the order of sending.
    outbound: VecDeque<Outbound>,
    /// Sorted by packet id.
    held: Vec<Held>,
    /// Whether some of `outbound` may have to be sent again. Found out once, so that a confirmation
    /// costs no search.
    resends: bool,
    last_id: u16,
    /// How many ids after `last_id` are known to be free. Looked up again when it is 0, so that
    /// a packet id costs no search as a rule.
    free_run: u16,
}

impl Inflight {
    /// A session as it was stored. `released` are the QoS 2 packet ids of the client that were
    /// committed and wait for PUBREL.
    pub fn restore(
        outbound: impl IntoIterator<Item = (NonZeroU16, Step, u64)>,
        released: impl IntoIterator<Item = NonZeroU16>,
    ) -> Self {
        let mut inflight = Self::default();
        for (packet_id, step, token) in outbound {
            inflight.outbound.push_back(Outbound { packet_id, step, token, sent: false });
            inflight.last_id = packet_id.get();
        }
        for packet_id in released {
            inflight.hold(packet_id, Generation::default()).committed = true;
        }
        inflight.rest();
        inflight
    }

    /// Messages to the client, in the order in which they have to be sent again.
    pub fn outbound(&self) -> impl Iterator<Item = &Outbound> {
        self.outbound.iter()
    }

    /// The QoS 2 packet ids of the client that are committed and not released.
    pub fn committed(&self) -> impl Iterator<Item = NonZeroU16> {
        self.held.iter().filter(|held| held.committed).map(|held| held.packet_id)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outbound.is_empty() && self.held.is_empty()
    }

    /// Gives back memory that is not in use.
    pub fn shrink(&mut self) {
        self.outbound.shrink_to_fit();
        self.held.shrink_to_fit();
    }

    /// The connection is over: nothing counts as sent any more.
    pub(crate) fn rest(&mut self) {
        self.outbound.iter_mut().for_each(|message| message.sent = false);
        self.resends = !self.outbound.is_empty();
        self.held.iter_mut().for_each(|held| held.current = false);
    }

    pub(crate) fn push(&mut self, step: Step, token: u64) -> NonZeroU16 {
        let packet_id = self.next_id();
        self.outbound.push_back(Outbound { packet_id, step, token, sent: true });
        packet_id
    }

    /// The first message that has to be sent again.
    pub(crate) fn next_to_resend(&mut self) -> Option<&Outbound> {
        if !self.resends {
            return None;
        }
        let due = |message: &&Outbound| !message.sent && message.step != Step::PubComp;
        let found = self.outbound.iter().find(due);
        self.resends = found.is_some();
        found
    }

    pub(crate) fn outbound_len(&self) -> usize {
        self.outbound.len()
    }

    /// The acknowledged message is the oldest as a rule, so the search ends at once.
    pub(crate) fn find(&mut self, packet_id: NonZeroU16) -> Option<(usize, &mut Outbound)> {
        self.outbound.iter_mut().enumerate().find(|(_, message)| message.packet_id == packet_id)
    }

    pub(crate) fn remove(&mut self, index: usize) {
        self.outbound.remove(index);
    }

    pub(crate) fn held_mut(&mut self, packet_id: NonZeroU16) -> Option<&mut Held> {
        let index = self.held.binary_search_by_key(&packet_id, |held| held.packet_id).ok()?;
        self.held.get_mut(index)
    }

    pub(crate) fn held_len(&self) -> usize {
        self.held.len()
    }

    /// The entry of a packet id that is not held yet.
    pub(crate) fn hold(&mut self, packet_id: NonZeroU16, generation: Generation) -> &mut Held {
        let index = self.held.partition_point(|held| held.packet_id < packet_id);
        let (committed, releasing, current) = (false, false, true);
        let held = Held { packet_id, generation, committed, releasing, current };
        self.held.insert_mut(index, held)
    }

    pub(crate) fn release(&mut self, packet_id: NonZeroU16) {
        self.held.retain(|held| held.packet_id != packet_id);
    }

    /// The next id that no message in flight has. The window is far smaller than the range.
    fn next_id(&mut self) -> NonZeroU16 {
        while self.free_run == 0 {
            self.free_run = self.run_after(self.last_id);
            if self.free_run == 0 {
                self.last_id = self.last_id.wrapping_add(1);
            }
        }
        self.free_run -= 1;
        self.last_id = self.last_id.wrapping_add(1);
        NonZeroU16::new(self.last_id).unwrap_or(NonZeroU16::MIN)
    }

    /// Free ids that follow `id`, up to the next one in use or to 0, which is none.
    fn run_after(&self, id: u16) -> u16 {
        let first = id.wrapping_add(1);
        let distance = |used: u16| used.wrapping_sub(first);
        self.outbound
            .iter()
            .map(|message| distance(message.packet_id.get()))
            .chain([distance(0)])
            .min()
            .unwrap_or_default()
    }
}
