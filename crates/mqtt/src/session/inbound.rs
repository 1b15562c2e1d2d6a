//! Messages of the client: aliases, windows, and the one way to acknowledge them.

use std::num::NonZeroU16;

use model::{Qos, Settled, TopicBuf, TopicName};

use super::{Action, HELD_MAX, Publish, Reason, Session, State, Topic, Version, Violation};
use crate::Kind;
use crate::ack::{Ack, encode_short};
use crate::inflight::{Generation, Held};

/// The right to acknowledge one message, once it is settled. There is one for each message, and
/// it is used up.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket {
    packet_id: NonZeroU16,
    generation: Generation,
    qos: Qos,
}

impl Session {
    /// Acknowledges a message whose record is committed: PUBACK, or PUBREC for QoS 2. The only
    /// way to one. A ticket of an earlier connection writes no PUBACK, because the client sends
    /// the message again; it writes a PUBREC if the client has sent its message again.
    //= mqtt-v5 MQTT-2.2.1-5, MQTT-3.3.4-1, MQTT-4.3.2-4, MQTT-4.3.3-8
    //= mqtt-v311 MQTT-2.3.1-6, MQTT-3.3.4-1, MQTT-4.3.2-2, MQTT-4.3.3-2
    pub fn acknowledge(&mut self, ticket: Settled<Ticket>, out: &mut Vec<u8>) {
        let ticket = ticket.into_ticket();
        if ticket.qos == Qos::ExactlyOnce {
            if self.commit_held(&ticket) {
                encode_short(Kind::PubRec, ticket.packet_id, Reason::Success, out);
            }
        } else if self.is_current(&ticket) {
            self.owed = self.owed.saturating_sub(1);
            encode_short(Kind::PubAck, ticket.packet_id, Reason::Success, out);
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
        let step = if ticket.qos == Qos::ExactlyOnce { Kind::PubRec } else { Kind::PubAck };
        let due = match ticket.qos {
            Qos::ExactlyOnce => self.drop_held(&ticket),
            Qos::AtMostOnce | Qos::AtLeastOnce => self.is_current(&ticket),
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
                Some(Ticket { packet_id, generation: self.generation, qos: publish.qos })
            }
        };
        Ok(Some(Action::Publish { publish, topic, ticket }))
    }

    /// The client knows that we have its message: its id is free.
    //= mqtt-v5 MQTT-4.3.3-11
    //= mqtt-v311 MQTT-4.3.3-2
    pub(super) fn on_pubrel(&mut self, ack: &Ack<'_>, out: &mut Vec<u8>) -> Result<(), Violation> {
        let packet_id = ack.packet_id;
        let reason = match self.inflight.held_mut(packet_id).copied() {
            None => self.unknown_id(),
            // PUBREL answers a PUBREC, and there was none.
            Some(Held { committed: false, .. }) => {
                return Err(Violation::HandshakeStep {
                    kind: Kind::PubRel,
                    packet_id: packet_id.get(),
                });
            }
            Some(held) => {
                self.owed = self.owed.saturating_sub(u16::from(held.current));
                self.inflight.release(packet_id);
                Reason::Success
            }
        };
        encode_short(Kind::PubComp, packet_id, reason, out);
        Ok(())
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
            return Ok(Some(Ticket { packet_id, generation, qos: Qos::ExactlyOnce }));
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
            let known = self.aliases.as_ref().and_then(|aliases| aliases.get(index)?.clone());
            return known.map(Topic::Aliased).ok_or(Violation::TopicAliasUnknown(alias));
        }
        let name = TopicName::parse(publish.topic).map_err(Violation::TopicName)?;
        self.remember(index, name.to_buf());
        Ok(Topic::Sent(name))
    }

    fn remember(&mut self, index: usize, topic: TopicBuf) {
        let aliases = self.aliases.get_or_insert_default();
        if aliases.len() <= index {
            aliases.resize(index + 1, None);
        }
        if let Some(place) = aliases.get_mut(index) {
            *place = Some(topic);
        }
    }
}
