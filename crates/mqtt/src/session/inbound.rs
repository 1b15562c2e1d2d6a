//! Messages of the client: aliases, windows, and the one way to acknowledge them.

use std::num::NonZeroU16;

use model::{Qos, Settled, TopicBuf, TopicName};

use super::{Action, HELD_MAX, Publish, Reason, Session, State, Topic, Version, Violation};
use crate::Kind;
use crate::ack::{Ack, encode_short};
use crate::inflight::{Generation, Held};

/// The right to take one step of a handshake, once it is settled. There is one for each step, and
/// it is used up.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket {
    packet_id: NonZeroU16,
    generation: Generation,
    step: Answer,
}

/// The packet that a commit earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "the standard's own names")]
enum Answer {
    /// A QoS 1 message of the client is taken in.
    PubAck,
    /// A QoS 2 message of the client is taken in.
    PubRec,
    /// It is written down that the client may use an id again.
    PubComp,
    /// It is written down that the client has a QoS 2 message.
    PubRel,
}

impl Session {
    /// Takes a step of a handshake whose record is committed. The only way to a PUBACK or PUBREC,
    /// and in a kept session to a PUBCOMP or PUBREL. A ticket of an earlier connection writes none
    /// of them, because the client asks again; only a PUBREC, if it has already done so.
    //= mqtt-v5 MQTT-2.2.1-5, MQTT-3.3.4-1, MQTT-4.3.2-4, MQTT-4.3.3-8
    //= mqtt-v311 MQTT-2.3.1-6, MQTT-3.3.4-1, MQTT-4.3.2-2, MQTT-4.3.3-2
    pub fn acknowledge(&mut self, ticket: Settled<Ticket>, out: &mut Vec<u8>) {
        let ticket = ticket.into_ticket();
        let current = self.is_current(&ticket);
        let (kind, due) = match ticket.step {
            Answer::PubAck => {
                self.owed = self.owed.saturating_sub(u16::from(current));
                (Kind::PubAck, current)
            }
            Answer::PubRec => (Kind::PubRec, self.commit_held(&ticket)),
            Answer::PubComp => (Kind::PubComp, self.release_by(&ticket) && current),
            Answer::PubRel => (Kind::PubRel, current),
        };
        if due {
            encode_short(kind, ticket.packet_id, Reason::Success, out);
        }
    }

    /// Refuses a message that was not taken. MQTT 3.1.1 has no word for it, so that the
    /// connection closes and the client may try again: see `is_closed`.
    ///
    /// # Panics
    /// When `reason` is no failure.
    //= mqtt-v5 MQTT-4.3.3-9
    //= mqtt-v311 MQTT-3.3.5-2, MQTT-4.8.0-2
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is used up")]
    pub fn reject(&mut self, ticket: Ticket, reason: Reason, out: &mut Vec<u8>) {
        assert!(reason.is_failure(), "only a commit earns an acknowledgement");
        let (step, due) = match ticket.step {
            Answer::PubRec => (Kind::PubRec, self.drop_held(&ticket)),
            Answer::PubAck => (Kind::PubAck, self.is_current(&ticket)),
            // Nothing of a message is in them that could be refused.
            Answer::PubComp | Answer::PubRel => return,
        };
        match self.version {
            _ if !due => {}
            Version::V311 => self.state = State::Closed,
            Version::V5 => {
                self.owed = self.owed.saturating_sub(1);
                encode_short(step, ticket.packet_id, reason.told_in(step), out);
            }
        }
    }

    pub(super) fn on_publish<'p>(
        &mut self,
        publish: Publish<'p>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Action<'p>>, Violation> {
        //= mqtt-v5 MQTT-3.3.4-6
        if publish.properties.has_subscription_ids() {
            return Err(Violation::SubscriptionId);
        }
        let topic = self.topic_of(&publish)?;
        let ticket = match publish.packet_id {
            None => None,
            Some(packet_id) if publish.qos == Qos::ExactlyOnce => {
                match self.hold(packet_id, out)? {
                    None => return Ok(None),
                    ticket => ticket,
                }
            }
            Some(packet_id) => {
                //= mqtt-v5 MQTT-4.3.2-5
                //= mqtt-v311 MQTT-4.3.2-2
                self.owe()?;
                Some(self.ticket(packet_id, Answer::PubAck))
            }
        };
        Ok(Some(Action::Publish { publish, topic, ticket }))
    }

    /// The client knows that we have its message: its id is free. In a kept session that is written
    /// down before the client hears of it, or a restart would take its next message for this one.
    //= mqtt-v5 MQTT-4.3.3-11
    //= mqtt-v311 MQTT-4.3.3-2
    pub(super) fn on_pubrel(
        &mut self,
        ack: &Ack<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Action<'static>>, Violation> {
        let packet_id = ack.packet_id;
        let generation = self.generation;
        let reason = match self.inflight.held_mut(packet_id) {
            None => self.unknown_id(),
            // PUBREL answers a PUBREC, and there was none.
            Some(Held { committed: false, .. }) => {
                return Err(Violation::HandshakeStep {
                    kind: Kind::PubRel,
                    packet_id: packet_id.get(),
                });
            }
            // Said twice: the first will be answered, and the id may be in use again by then.
            Some(held) if held.releasing && held.generation == generation => return Ok(None),
            Some(held) if self.kept => {
                held.releasing = true;
                held.generation = generation;
                let ticket = self.ticket(packet_id, Answer::PubComp);
                return Ok(Some(Action::Released { packet_id, ticket }));
            }
            Some(_) => {
                self.release(packet_id);
                Reason::Success
            }
        };
        encode_short(Kind::PubComp, packet_id, reason, out);
        Ok(None)
    }

    fn release(&mut self, packet_id: NonZeroU16) {
        if let Some(held) = self.inflight.held_mut(packet_id).copied() {
            self.owed = self.owed.saturating_sub(u16::from(held.current));
            self.inflight.release(packet_id);
        }
    }

    fn release_by(&mut self, ticket: &Ticket) -> bool {
        let held = self.inflight.held_mut(ticket.packet_id);
        let due = held.is_some_and(|held| held.releasing && held.generation == ticket.generation);
        if due {
            self.release(ticket.packet_id);
        }
        due
    }

    /// The right to a PUBREL, once it is written down that the client has the message.
    pub(super) fn ticket_to_release(&self, packet_id: NonZeroU16) -> Ticket {
        self.ticket(packet_id, Answer::PubRel)
    }

    const fn ticket(&self, packet_id: NonZeroU16, step: Answer) -> Ticket {
        Ticket { packet_id, generation: self.generation, step }
    }

    pub(super) fn unknown_id(&self) -> Reason {
        match self.version {
            Version::V311 => Reason::Success,
            Version::V5 => Reason::PacketIdNotFound,
        }
    }

    /// `None` when the message is known: then it is not handed out twice, and it is confirmed
    /// only if it is committed.
    //= mqtt-v5 MQTT-4.3.3-9, MQTT-4.3.3-10, MQTT-4.3.3-12
    //= mqtt-v311 MQTT-4.3.3-2
    fn hold(
        &mut self,
        packet_id: NonZeroU16,
        out: &mut Vec<u8>,
    ) -> Result<Option<Ticket>, Violation> {
        let Some(held) = self.inflight.held_mut(packet_id) else {
            let max = HELD_MAX.max(self.limits.receive_maximum);
            if self.inflight.held_len() >= usize::from(max) {
                return Err(Violation::ReceiveMaximum { max });
            }
            self.owe()?;
            let generation = self.generation;
            self.inflight.hold(packet_id, generation);
            return Ok(Some(self.ticket(packet_id, Answer::PubRec)));
        };
        let (committed, current) = (held.committed, held.current);
        held.current = true;
        if !current {
            self.owe()?;
        }
        if committed {
            encode_short(Kind::PubRec, packet_id, Reason::Success, out);
        }
        Ok(None)
    }

    /// Counts a message that will have to be acknowledged on this connection.
    //= mqtt-v5 MQTT-3.3.4-7, MQTT-3.3.4-8
    fn owe(&mut self) -> Result<(), Violation> {
        let max = self.limits.receive_maximum;
        if self.version == Version::V5 && self.owed >= max {
            return Err(Violation::ReceiveMaximum { max });
        }
        self.owed = self.owed.saturating_add(1);
        Ok(())
    }

    /// Whether a PUBREC is due now.
    fn commit_held(&mut self, ticket: &Ticket) -> bool {
        let connected = self.state == State::Connected;
        match self.inflight.held_mut(ticket.packet_id) {
            Some(held) if held.generation == ticket.generation => {
                held.committed = true;
                held.current && connected
            }
            Some(_) | None => false,
        }
    }

    /// Whether the client waits for an answer about the message on this connection.
    fn drop_held(&mut self, ticket: &Ticket) -> bool {
        let connected = self.state == State::Connected;
        match self.inflight.held_mut(ticket.packet_id).copied() {
            Some(held) if held.generation == ticket.generation => {
                self.inflight.release(ticket.packet_id);
                held.current && connected
            }
            Some(_) | None => false,
        }
    }

    fn is_current(&self, ticket: &Ticket) -> bool {
        ticket.generation == self.generation && self.state == State::Connected
    }

    //= mqtt-v5 MQTT-3.3.2-1, MQTT-3.3.2-2, MQTT-3.3.2-7, MQTT-3.3.2-8, MQTT-3.3.2-12
    //= mqtt-v311 MQTT-3.3.2-1, MQTT-3.3.2-2
    fn topic_of<'p>(&mut self, publish: &Publish<'p>) -> Result<Topic<'p>, Violation> {
        let Some(alias) = publish.properties.alias() else {
            return TopicName::parse(publish.topic).map(Topic::Sent).map_err(Violation::TopicName);
        };
        let (alias, max) = (alias.get(), self.limits.topic_alias_maximum);
        if alias > max {
            return Err(Violation::TopicAliasRange { alias, max });
        }
        let index = usize::from(alias) - 1;
        if publish.topic.is_empty() {
            let known = self.extras.as_ref();
            let known = known.and_then(|it| it.aliases.from_client.get(index)?.clone());
            return known.map(Topic::Aliased).ok_or(Violation::TopicAliasUnknown(alias));
        }
        let name = TopicName::parse(publish.topic).map_err(Violation::TopicName)?;
        self.remember(index, name.to_buf());
        Ok(Topic::Sent(name))
    }

    fn remember(&mut self, index: usize, topic: TopicBuf) {
        let aliases = &mut self.extras.get_or_insert_default().aliases.from_client;
        if aliases.len() <= index {
            aliases.resize(index + 1, None);
        }
        if let Some(place) = aliases.get_mut(index) {
            *place = Some(topic);
        }
    }
}
