//! Bytes from a connection: packets, and what each of them asks for.

use std::num::NonZeroU16;

use hub::{ConnectionKey, SessionKey, home_shard};
use model::record::encode_message;
use model::{Event, Message, Qos, SessionEvent};
use mqtt::{Action, Packet, Publish, Reason, Ticket, Topic, decode};

use super::connection::Phase;
use super::diary::Waiting;
use super::{Handover, Shard, sys, traffic};
use crate::clock::Now;
use crate::mailbox::Adopted;

impl Shard {
    /// Takes bytes as they came from the socket of a connection.
    //= mqtt-v5 MQTT-4.2.0-1
    //= mqtt-v311 MQTT-7.1.1-1
    pub fn receive(&mut self, key: ConnectionKey, bytes: &[u8], now: Now) {
        self.now = now.timestamp;
        self.window = traffic::window_of(now.moment);
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        connection.counters.heard(bytes.len());
        self.bytes_in += bytes.len() as u64;
        let before = connection.counters.messages_in();
        let door = connection.door;
        self.receive_packets(key, bytes, now);
        self.spend(key, (door, before, bytes.len()), now.moment);
    }

    fn receive_packets(&mut self, key: ConnectionKey, bytes: &[u8], now: Now) {
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        if connection.partial.is_empty() {
            let used = self.packets(key, bytes, now);
            let rest = bytes.get(used..).unwrap_or_default();
            if let Some(connection) = self.connections.get_mut(key.0 as usize) {
                connection.partial.extend_from_slice(rest);
            }
            return;
        }
        let mut whole = std::mem::take(&mut connection.partial);
        whole.extend_from_slice(bytes);
        let used = self.packets(key, &whole, now);
        if used < whole.len() {
            whole.drain(..used);
            if let Some(connection) = self.connections.get_mut(key.0 as usize) {
                connection.partial = whole;
            }
        }
    }

    /// Takes all whole packets; says how many bytes they were.
    fn packets(&mut self, key: ConnectionKey, bytes: &[u8], now: Now) -> usize {
        let mut used = 0;
        while let Some(connection) = self.connections.get_mut(key.0 as usize) {
            //= mqtt-v5 MQTT-3.1.4-6, MQTT-3.14.4-1
            //= mqtt-v311 MQTT-3.1.4-5
            match connection.phase {
                Phase::Greeting | Phase::Open => {}
                Phase::Claiming => return used,
                Phase::Closing | Phase::Gone => return bytes.len(),
            }
            let rest = bytes.get(used..).unwrap_or_default();
            let session = &mut connection.session;
            match decode(rest, session.version(), session.packet_max()) {
                Ok(None) => return used,
                Ok(Some((packet, length))) => {
                    if self.lives_elsewhere(key, &packet, rest) {
                        return bytes.len();
                    }
                    used += length;
                    self.packets_in += 1;
                    self.packet(key, packet, now);
                }
                Err(malformed) => {
                    let violation = session.on_malformed(malformed, connection.output.buffer());
                    tracing::debug!(%malformed, "a client sent no packet");
                    self.violated(key, violation, now);
                    return bytes.len();
                }
            }
        }
        bytes.len()
    }

    /// A client that lives on another shard goes there with all it has said.
    fn lives_elsewhere(&mut self, key: ConnectionKey, packet: &Packet<'_>, bytes: &[u8]) -> bool {
        let Packet::Connect(connect) = packet else { return false };
        let home = home_shard(connect.client_id, self.shards);
        let Some(connection) = self.connections.get(key.0 as usize) else { return false };
        if connect.client_id.is_empty() || home == self.index || connection.phase != Phase::Greeting
        {
            return false;
        }
        self.greeted(key);
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return false };
        connection.phase = Phase::Gone;
        let adopted = Adopted { bytes: bytes.to_vec(), peer: connection.peer };
        self.handovers.push(Handover { key, home, adopted });
        true
    }

    fn packet(&mut self, key: ConnectionKey, packet: Packet<'_>, now: Now) {
        if !self.traces.is_empty() {
            self.trace_in(key, &packet);
        }
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        let out = connection.output.buffer();
        match connection.session.on_packet(packet, now.moment, out) {
            Ok(action) => {
                if !connection.output.is_empty() {
                    self.mark_dirty(key);
                }
                if let Some(action) = action {
                    self.act(key, action, now);
                }
            }
            Err(violation) => self.violated(key, violation, now),
        }
    }

    fn act(&mut self, key: ConnectionKey, action: Action<'_>, now: Now) {
        let Some(session_key) = self.session_key(key) else {
            return self.act_outside(key, &action, now);
        };
        match action {
            Action::Connect(_) => {}
            Action::Authenticate { again, data } => self.prove(key, (again, data.0), now),
            Action::Publish { publish, topic, ticket } => {
                self.publish(key, session_key, (&publish, &topic, ticket), now);
            }
            Action::Subscribe(subscribe) => self.subscribe(key, session_key, &subscribe, now),
            Action::Unsubscribe(unsubscribe) => {
                self.unsubscribe(key, session_key, &unsubscribe, now)
            }
            Action::Received { packet_id, token, ticket } => {
                if let Some(session) = self.sessions.get_mut(session_key) {
                    session.protocol.received(token);
                }
                if let Some(ticket) = ticket {
                    let event = SessionEvent::Received { packet_id: packet_id.get() };
                    self.note(session_key, event, Waiting::Step(session_key, ticket));
                }
            }
            Action::Released { packet_id, ticket } => {
                let event = SessionEvent::Released { packet_id: packet_id.get() };
                self.note(session_key, event, Waiting::Step(session_key, ticket));
            }
            Action::Delivered { token, reason: _ } => {
                self.delivered_to(session_key, token);
                if self.waits(session_key) {
                    self.send_waiting(key, session_key);
                }
            }
            Action::Disconnect { reason: _ } => self.end(key, now),
        }
    }

    /// Of a client that is not in.
    fn act_outside(&mut self, key: ConnectionKey, action: &Action<'_>, now: Now) {
        if let Action::Connect(connect) = action {
            self.connect(key, connect, now);
        } else if let Action::Authenticate { again, data } = action {
            self.prove(key, (*again, data.0), now);
        } else if let Action::Disconnect { reason: _ } = action {
            self.end(key, now);
        }
    }

    fn publish(
        &mut self,
        key: ConnectionKey,
        from: SessionKey,
        (publish, topic, ticket): (&Publish<'_>, &Topic<'_>, Option<Ticket>),
        now: Now,
    ) {
        if let Some(connection) = self.connections.get_mut(key.0 as usize) {
            connection.counters.received(self.window);
        }
        if sys::is_own(topic.as_name()) {
            return self.forbid(key, ticket, now);
        }
        let Some(session) = self.sessions.get(from) else { return };
        let client = std::sync::Arc::clone(session.client());
        let held = publish.packet_id.filter(|_| publish.qos == Qos::ExactlyOnce);
        let held = held.filter(|_| session.protocol.booked).map(NonZeroU16::get);
        if let Some(packet_id) = held {
            // In one frame with the message: there is never one without the other.
            self.note(from, SessionEvent::Held { packet_id }, Waiting::Nobody);
        }
        let mut scratch = std::mem::take(&mut self.properties);
        let message = Message {
            received_at: now.timestamp,
            client: &client,
            credential: None,
            topic: topic.as_name(),
            payload: publish.payload,
            properties: publish.properties.travelling(&mut scratch),
            qos: publish.qos,
            retain: publish.retain,
        };
        let refused = self.take_in(&message, Some(from), ticket).err();
        self.properties = scratch;
        let Some(refused) = refused else { return };
        if let Some(packet_id) = held {
            self.note(from, SessionEvent::Released { packet_id }, Waiting::Nobody);
        }
        if let Some(ticket) = refused {
            self.reject(key, ticket, Reason::QuotaExceeded, now);
        }
    }

    /// Tells a client that its message was not taken.
    pub(super) fn reject(&mut self, key: ConnectionKey, ticket: Ticket, reason: Reason, now: Now) {
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        connection.session.reject(ticket, reason, connection.output.buffer());
        let closed = connection.session.is_closed();
        self.mark_dirty(key);
        if closed {
            self.end(key, now);
        }
    }

    /// Delivers a message to whoever hears it, at once, and puts it on its way into the journal.
    ///
    /// # Errors
    /// Gives the ticket back when the message does not fit into the journal.
    pub(super) fn take_in(
        &mut self,
        message: &Message<'_>,
        from: Option<SessionKey>,
        ticket: Option<Ticket>,
    ) -> Result<(), Option<Ticket>> {
        self.received += 1;
        if self.records.push_with(|out| encode_message(message, out)).is_err() {
            self.common.meter.count(Event::MessageRefused);
            return Err(ticket);
        }
        self.waiting.push(match from.zip(ticket) {
            Some((session, ticket)) => Waiting::Step(session, ticket),
            None => Waiting::Nobody,
        });
        //= mqtt-v5 MQTT-3.3.1-8
        //= mqtt-v311 MQTT-3.3.1-12
        if message.retain {
            self.retain(message);
        }
        self.route(message, from);
        Ok(())
    }
}
