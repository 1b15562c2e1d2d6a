//! The messages above QoS 0 that are on their way in one direction, from the session they came from
//! to the acknowledgement of the other side.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher as _};
use std::num::NonZeroU16;

use mqtt::{Frame, Publish};

/// A message that the other side has not acknowledged.
#[derive(Debug)]
pub(crate) struct Passing {
    /// What its source waits for. `None` once the source has forgotten it.
    source: Option<Origin>,
    /// The id under which the other side has it, or had it on an earlier connection.
    pub(crate) packet_id: Option<NonZeroU16>,
    /// The packet for the other side, with room for the id.
    bytes: Vec<u8>,
    id_at: Option<usize>,
}

/// How the source knows a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) packet_id: NonZeroU16,
    /// Of topic and payload: a broker that lost its memory may use an id for another message.
    print: u64,
    /// The connection on which it came last.
    pub(crate) epoch: u64,
}

impl Origin {
    pub(crate) fn of(publish: &Publish<'_>, packet_id: NonZeroU16, epoch: u64) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(publish.topic.as_bytes());
        hasher.write_u8(0);
        hasher.write(publish.payload);
        Self { packet_id, print: hasher.finish(), epoch }
    }

    fn is(&self, other: &Self) -> bool {
        self.packet_id == other.packet_id && self.print == other.print
    }
}

/// What a message is that came with DUP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Never,
    /// It is on its way already.
    Passing,
    /// The other side has it; the source could not be told.
    Settled,
}

/// One direction.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    /// In the order in which they came.
    passing: VecDeque<Passing>,
    /// So many of them, at the front, are said on this connection of the other side.
    sent: usize,
    /// Messages that the other side has, whose source was away when it said so. At most those that
    /// were passing when it went: the source sends no others before these.
    settled: Vec<Origin>,
}

impl Pipe {
    pub(crate) fn len(&self) -> usize {
        self.passing.len()
    }

    pub(crate) const fn in_flight(&self) -> usize {
        self.sent
    }

    pub(crate) fn uses(&self, packet_id: NonZeroU16) -> bool {
        self.passing.iter().any(|message| message.packet_id == Some(packet_id))
    }

    /// Whether the source repeats what is known. A source repeats in order and before anything
    /// new, so the first new message shows that nothing else will be repeated.
    //= mqtt-v5 MQTT-4.4.0-1, MQTT-4.6.0-1
    pub(crate) fn look(&mut self, origin: Origin, dup: bool) -> Seen {
        if !dup {
            self.settled.clear();
            return Seen::Never;
        }
        if let Some(at) = self.settled.iter().position(|known| known.is(&origin)) {
            self.settled.swap_remove(at);
            return Seen::Settled;
        }
        let mut known = self.passing.iter_mut().filter_map(|message| message.source.as_mut());
        match known.find(|known| known.is(&origin)) {
            Some(known) => {
                known.epoch = origin.epoch;
                Seen::Passing
            }
            None => Seen::Never,
        }
    }

    pub(crate) fn push(&mut self, origin: Origin, bytes: Vec<u8>, id_at: Option<usize>) {
        let message = Passing { source: Some(origin), packet_id: None, bytes, id_at };
        self.passing.push_back(message);
    }

    /// The next message that has to be said.
    pub(crate) fn due(&self) -> Option<&Passing> {
        self.passing.get(self.sent)
    }

    /// Says it.
    pub(crate) fn send(&mut self, packet_id: NonZeroU16, out: &mut Vec<u8>) {
        if let Some(message) = self.passing.get_mut(self.sent) {
            let again = message.packet_id.replace(packet_id).is_some();
            Frame::new(&message.bytes, message.id_at).write(packet_id.get(), again, out);
            self.sent += 1;
        }
    }

    /// The next message that has to be said cannot be.
    pub(crate) fn drop_due(&mut self) -> Option<Origin> {
        self.passing.remove(self.sent).and_then(|message| message.source)
    }

    /// The other side has answered. The outer `None`: nobody asked.
    #[expect(clippy::option_option, reason = "a message whose source forgot it is still a message")]
    pub(crate) fn answered(&mut self, packet_id: NonZeroU16) -> Option<Option<Origin>> {
        let said = self.passing.iter().take(self.sent);
        let at = said.into_iter().position(|message| message.packet_id == Some(packet_id))?;
        self.sent -= 1;
        self.passing.remove(at).map(|message| message.source)
    }

    /// The other side has a message whose source is away: to be told when it asks.
    pub(crate) fn settle_later(&mut self, origin: Origin) {
        self.settled.push(origin);
    }

    /// The connection to the other side is gone: everything is due again.
    pub(crate) const fn target_lost(&mut self) {
        self.sent = 0;
    }

    /// The other side knows none of the ids any more.
    pub(crate) fn target_forgot(&mut self) {
        self.passing.iter_mut().for_each(|message| message.packet_id = None);
    }

    /// The source waits for no acknowledgement any more. What it sent goes on.
    pub(crate) fn source_forgot(&mut self) {
        self.passing.iter_mut().for_each(|message| message.source = None);
        self.settled.clear();
    }
}

impl Passing {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }
}
