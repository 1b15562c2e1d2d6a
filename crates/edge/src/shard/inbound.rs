//! Bytes from a connection: packets, and what each of them asks for.

use hub::{ConnectionKey, Grant, SessionKey, home_shard};
use model::record::encode_message;
use model::{Event, Message, TopicFilter};
use mqtt::{
    Action, Packet, Publish, Reason, RetainHandling, Subscribe, Subscription, Ticket, Topic,
    Unsubscribe, decode,
};

use super::connection::Phase;
use super::expiry::Left;
use super::outbound::AtHand;
use super::{Handover, Shard};
use crate::clock::Now;
use crate::mailbox::Adopted;

/// Filters of one client. A gateway that subscribes for each of 10,000 devices is the largest we
/// know of.
const FILTERS_PER_CLIENT_MAX: usize = 10_000;

impl Shard {
    /// Takes bytes as they came from the socket of a connection.
    //= mqtt-v5 MQTT-4.2.0-1
    //= mqtt-v311 MQTT-7.1.1-1
    pub fn receive(&mut self, key: ConnectionKey, bytes: &[u8], now: Now) {
        self.clock = now.timestamp;
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
            if !connection.listens() {
                return bytes.len();
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
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return false };
        if connect.client_id.is_empty() || home == self.index || connection.phase != Phase::Greeting
        {
            return false;
        }
        connection.phase = Phase::Gone;
        let adopted = Adopted { bytes: bytes.to_vec(), peer: connection.peer };
        self.handovers.push(Handover { key, home, adopted });
        true
    }

    fn packet(&mut self, key: ConnectionKey, packet: Packet<'_>, now: Now) {
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
        if let Action::Connect(connect) = action {
            return self.connect(key, &connect, now);
        }
        let Some(session_key) = self.session_key(key) else { return };
        match action {
            Action::Connect(_) => {}
            Action::Publish { publish, topic, ticket } => {
                self.publish(key, session_key, (&publish, &topic, ticket), now);
            }
            Action::Subscribe(subscribe) => self.subscribe(key, session_key, &subscribe, now),
            Action::Unsubscribe(unsubscribe) => {
                self.unsubscribe(key, session_key, &unsubscribe, now)
            }
            Action::Received { token } => {
                if let Some(session) = self.sessions.get_mut(session_key) {
                    session.protocol.forget(token);
                }
            }
            Action::Delivered { token, reason: _ } => {
                if let Some(session) = self.sessions.get_mut(session_key) {
                    session.protocol.forget(token);
                }
                self.send_waiting(key, session_key);
            }
            Action::Disconnect { reason: _ } => self.end(key, now),
        }
    }

    fn publish(
        &mut self,
        key: ConnectionKey,
        from: SessionKey,
        (publish, topic, ticket): (&Publish<'_>, &Topic<'_>, Option<Ticket>),
        now: Now,
    ) {
        let Some(session) = self.sessions.get(from) else { return };
        let client = std::sync::Arc::clone(session.client());
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
        if let Some(ticket) = refused.flatten() {
            self.reject(key, ticket, now);
        }
    }

    /// Tells a client that its message was not taken: it is larger than a record may be.
    fn reject(&mut self, key: ConnectionKey, ticket: Ticket, now: Now) {
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        connection.session.reject(ticket, Reason::QuotaExceeded, connection.output.buffer());
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
        self.common.meter.count(Event::MessageReceived);
        if self.records.push_with(|out| encode_message(message, out)).is_err() {
            self.common.meter.count(Event::MessageRefused);
            return Err(ticket);
        }
        self.waiting.push(from.zip(ticket));
        //= mqtt-v5 MQTT-3.3.1-8
        //= mqtt-v311 MQTT-3.3.1-12
        if message.retain {
            self.retain(message);
        }
        self.route(message, from);
        Ok(())
    }

    //= mqtt-v5 MQTT-3.8.4-3, MQTT-3.8.4-4, MQTT-3.8.4-7
    //= mqtt-v311 MQTT-3.8.4-3, MQTT-3.8.4-4, MQTT-3.8.4-5
    fn subscribe(
        &mut self,
        key: ConnectionKey,
        session_key: SessionKey,
        subscribe: &Subscribe<'_>,
        now: Now,
    ) {
        let identifier = subscribe.subscription_id().map(std::num::NonZeroU32::get);
        let mut reasons = Vec::new();
        let mut retained = Vec::new();
        for subscription in subscribe.subscriptions() {
            let options = subscription.options;
            let grant = Grant {
                session: session_key,
                qos: options.qos,
                no_local: options.no_local,
                retain_as_published: options.retain_as_published,
                identifier,
            };
            match self.grant(&subscription, &grant) {
                Ok((filter, existed)) => {
                    reasons.push(granted(&grant));
                    if wants_retained(options.retain_handling, existed) && filter.group().is_none()
                    {
                        retained.push((filter, grant));
                    }
                }
                Err(reason) => reasons.push(reason),
            }
        }
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        let out = connection.output.buffer();
        match connection.session.suback(subscribe.packet_id(), reasons, out) {
            Ok(()) => self.mark_dirty(key),
            Err(violation) => return self.violated(key, violation, now),
        }
        for (filter, grant) in retained {
            self.send_retained(&filter, &grant);
        }
    }

    fn grant(
        &mut self,
        subscription: &Subscription<'_>,
        grant: &Grant,
    ) -> Result<(TopicFilter, bool), Reason> {
        let filter =
            TopicFilter::parse(subscription.filter).map_err(|_fault| Reason::TopicFilterInvalid)?;
        let Some(session) = self.sessions.get_mut(grant.session) else {
            return Err(Reason::Unspecified);
        };
        if session.filters().len() >= FILTERS_PER_CLIENT_MAX {
            return Err(Reason::QuotaExceeded);
        }
        let existed = self
            .common
            .subscriptions
            .subscribe(&filter, grant.clone())
            .map_err(|_full| Reason::QuotaExceeded)?;
        session.remember(filter.clone());
        Ok((filter, existed))
    }

    //= mqtt-v5 MQTT-3.3.1-9, MQTT-3.3.2-5, MQTT-3.3.2-6
    //= mqtt-v311 MQTT-3.3.1-6, MQTT-3.3.1-8
    fn send_retained(&mut self, filter: &TopicFilter, grant: &Grant) {
        for publication in self.common.retained.matching(filter) {
            let left = Left::of(&publication, self.clock);
            if left == Left::Nothing {
                continue;
            }
            self.frames.begin();
            let mut message = AtHand::of_publication(&publication, left.seconds());
            let route = hub::Route {
                session: grant.session,
                qos: grant.qos,
                no_local: false,
                // What was retained is shown as such, whatever the subscription says.
                retain_as_published: true,
                identifiers: grant.identifier.into_iter().collect(),
            };
            self.deliver(&mut message, &route);
        }
    }

    //= mqtt-v5 MQTT-3.10.4-1, MQTT-3.10.4-2, MQTT-3.10.4-3, MQTT-3.10.4-5, MQTT-3.10.4-6
    //= mqtt-v311 MQTT-3.10.4-1, MQTT-3.10.4-2, MQTT-3.10.4-3, MQTT-3.10.4-5, MQTT-3.10.4-6
    fn unsubscribe(
        &mut self,
        key: ConnectionKey,
        session_key: SessionKey,
        unsubscribe: &Unsubscribe<'_>,
        now: Now,
    ) {
        let mut reasons = Vec::new();
        for text in unsubscribe.filters() {
            let Ok(filter) = TopicFilter::parse(text) else {
                reasons.push(Reason::TopicFilterInvalid);
                continue;
            };
            let existed = self.common.subscriptions.unsubscribe(&filter, session_key);
            if let Some(session) = self.sessions.get_mut(session_key) {
                session.forget(&filter);
            }
            reasons.push(if existed { Reason::Success } else { Reason::NoSubscriptionExisted });
        }
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        let out = connection.output.buffer();
        match connection.session.unsuback(unsubscribe.packet_id(), reasons, out) {
            Ok(()) => self.mark_dirty(key),
            Err(violation) => self.violated(key, violation, now),
        }
    }
}

fn granted(grant: &Grant) -> Reason {
    match grant.qos {
        model::Qos::AtMostOnce => Reason::Success,
        model::Qos::AtLeastOnce => Reason::GrantedQos1,
        model::Qos::ExactlyOnce => Reason::GrantedQos2,
    }
}

//= mqtt-v5 MQTT-3.3.1-9, MQTT-3.3.1-10, MQTT-3.3.1-11
fn wants_retained(handling: RetainHandling, existed: bool) -> bool {
    match handling {
        RetainHandling::Send => true,
        RetainHandling::SendIfNew => !existed,
        RetainHandling::DoNotSend => false,
    }
}
