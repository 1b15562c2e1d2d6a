//! The client's half of an MQTT session: what is in flight, what came, what has to be written.
//! Pure: packets in, bytes and events out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroU16;

use model::Qos;
use mqtt::{
    Ack, ConnAck, Disconnect, FilterAck, Packet, Properties, Property, Publish, PublishProperties,
    Reason, Subscription, SubscriptionOptions, Version, encode_subscribe,
};

use crate::Fault;

/// The user property in which a server says at which position of its journal a message is durable.
const POSITION: &str = "position";
const DUP: u8 = 0b1000;
/// Of 65,535 packet ids some stay free for subscriptions.
const WINDOW_MAX: u16 = 65_000;

/// Number of a message of this client, in the order of `publish`. The first is 1.
pub type Token = u64;

/// Something the caller may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message above QoS 0 has been answered. A failure in `reason` means: not taken.
    Answered {
        token: Token,
        reason: Reason,
        position: Option<u64>,
    },
    Message {
        topic: Box<str>,
        payload: Box<[u8]>,
        qos: Qos,
        retain: bool,
    },
    /// One reason for each filter that was asked for at once.
    Subscribed {
        reasons: Vec<Reason>,
    },
    /// Connected again after a cut; what was in flight has been sent again.
    Back {
        in_flight: usize,
    },
}

/// A message that is not fully acknowledged, ready to be sent again.
#[derive(Debug)]
struct Flight {
    packet_id: NonZeroU16,
    packet: Vec<u8>,
    /// PUBREC came: the message is the server's, only the handshake goes on.
    released: bool,
    position: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Flights {
    version: Version,
    window: usize,
    /// The window may shrink to what the server allows and grow back to this.
    window_wanted: usize,
    last_token: Token,
    last_id: u16,
    flights: BTreeMap<Token, Flight>,
    tokens: BTreeMap<NonZeroU16, Token>,
    /// QoS 2 messages that were handed over and not released yet: the server's window bounds it.
    taken: BTreeSet<NonZeroU16>,
    outbox: Vec<u8>,
    events: VecDeque<Event>,
    was_connected: bool,
}

impl Flights {
    pub(super) fn new(version: Version, window: u16) -> Self {
        let window = usize::from(window.clamp(1, WINDOW_MAX));
        Self {
            version,
            window,
            window_wanted: window,
            last_token: 0,
            last_id: 0,
            flights: BTreeMap::new(),
            tokens: BTreeMap::new(),
            taken: BTreeSet::new(),
            outbox: Vec::new(),
            events: VecDeque::new(),
            was_connected: false,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.flights.len() >= self.window
    }

    pub(super) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    pub(super) fn events(&self) -> usize {
        self.events.len()
    }

    pub(super) fn unsent(&self) -> usize {
        self.outbox.len()
    }

    pub(super) fn outbox(&self) -> &[u8] {
        &self.outbox
    }

    pub(super) fn sent(&mut self) {
        self.outbox.clear();
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn publish(
        &mut self,
        topic: &str,
        payload: &[u8],
        qos: Qos,
        retain: bool,
    ) -> Result<Token, Fault> {
        let packet_id = (qos != Qos::AtMostOnce).then(|| self.free_id());
        let publish = Publish {
            dup: false,
            qos,
            retain,
            topic,
            packet_id,
            properties: PublishProperties::NONE,
            payload,
        };
        let start = self.outbox.len();
        publish.encode(self.version, &mut self.outbox)?;
        self.last_token += 1;
        if let Some(packet_id) = packet_id {
            let packet = self.outbox.get(start..).unwrap_or_default().to_vec();
            let flight = Flight { packet_id, packet, released: false, position: None };
            self.flights.insert(self.last_token, flight);
            self.tokens.insert(packet_id, self.last_token);
        }
        Ok(self.last_token)
    }

    pub(super) fn subscribe(&mut self, filter: &str, qos: Qos) -> Result<(), Fault> {
        let packet_id = self.free_id();
        let line = Subscription { filter, options: SubscriptionOptions::with_qos(qos) };
        encode_subscribe(self.version, packet_id, Properties::NONE, [line], &mut self.outbox)?;
        Ok(())
    }

    pub(super) fn write_ping(&mut self) {
        self.write(&Packet::PingReq);
    }

    pub(super) fn write_disconnect(&mut self) {
        self.write(&Packet::Disconnect(Disconnect::new(Reason::Success)));
    }

    /// What was written is gone with the line; what is in flight is written again later.
    pub(super) fn lost(&mut self) {
        self.outbox.clear();
    }

    /// Everything in flight is due again, in its old order. A server that kept the session gets
    /// the old packets marked as repeated; one that did not gets them as new ones.
    //= mqtt-v5 MQTT-4.4.0-1, MQTT-4.6.0-1
    pub(super) fn connected(&mut self, answer: &ConnAck<'_>) {
        self.outbox.clear();
        self.window = allowed_window(answer).map_or(self.window_wanted, |allowed| {
            usize::from(allowed.get()).min(self.window_wanted)
        });
        if !answer.session_present {
            self.taken.clear();
            self.settle_released();
        }
        let again = self.flights.values().map(|flight| (flight.packet_id, flight.released));
        for (packet_id, released) in again.collect::<Vec<_>>() {
            if released {
                self.write(&Packet::PubRel(Ack::new(packet_id, Reason::Success)));
            } else {
                self.write_again(packet_id, answer.session_present);
            }
        }
        if self.was_connected {
            self.events.push_back(Event::Back { in_flight: self.flights.len() });
        }
        self.was_connected = true;
    }

    /// The server took these over with its PUBREC and forgot the handshake: nothing is left to do.
    fn settle_released(&mut self) {
        let released: Vec<NonZeroU16> = self
            .flights
            .values()
            .filter(|flight| flight.released)
            .map(|flight| flight.packet_id)
            .collect();
        for packet_id in released {
            self.finish(packet_id, Reason::Success, None);
        }
    }

    fn write_again(&mut self, packet_id: NonZeroU16, dup: bool) {
        let token = self.tokens.get(&packet_id);
        let Some(flight) = token.and_then(|token| self.flights.get(token)) else { return };
        let start = self.outbox.len();
        self.outbox.extend_from_slice(&flight.packet);
        if let Some(first) = self.outbox.get_mut(start).filter(|_| dup) {
            *first |= DUP;
        }
    }

    pub(super) fn handle(&mut self, packet: Packet<'_>) -> Result<(), Fault> {
        match packet {
            Packet::PubAck(ack) => self.finish(ack.packet_id, ack.reason, position_in(&ack)),
            Packet::PubRec(ack) => self.on_received(&ack),
            Packet::PubComp(ack) => self.finish(ack.packet_id, Reason::Success, None),
            Packet::PubRel(ack) => {
                self.taken.remove(&ack.packet_id);
                self.write(&Packet::PubComp(Ack::new(ack.packet_id, Reason::Success)));
            }
            Packet::Publish(publish) => self.on_publish(&publish),
            Packet::SubAck(answer) => self.on_subscribed(&answer),
            Packet::UnsubAck(_) | Packet::PingResp | Packet::Disconnect(_) => {}
            Packet::Connect(_)
            | Packet::ConnAck(_)
            | Packet::Subscribe(_)
            | Packet::Unsubscribe(_)
            | Packet::PingReq
            | Packet::Auth(_) => return Err(Fault::Unexpected(packet.kind())),
        }
        Ok(())
    }

    //= mqtt-v5 MQTT-4.3.3-4
    fn on_received(&mut self, ack: &Ack<'_>) {
        if ack.reason.is_failure() {
            self.finish(ack.packet_id, ack.reason, None);
            return;
        }
        let token = self.tokens.get(&ack.packet_id);
        if let Some(flight) = token.and_then(|token| self.flights.get_mut(token)) {
            flight.released = true;
            flight.position = position_in(ack);
        }
        self.write(&Packet::PubRel(Ack::new(ack.packet_id, Reason::Success)));
    }

    //= mqtt-v5 MQTT-4.3.2-4, MQTT-4.3.3-10
    fn on_publish(&mut self, publish: &Publish<'_>) {
        let fresh = match (publish.qos, publish.packet_id) {
            (Qos::AtLeastOnce, Some(id)) => {
                self.write(&Packet::PubAck(Ack::new(id, Reason::Success)));
                true
            }
            (Qos::ExactlyOnce, Some(id)) => {
                self.write(&Packet::PubRec(Ack::new(id, Reason::Success)));
                self.taken.insert(id)
            }
            (Qos::AtMostOnce | Qos::AtLeastOnce | Qos::ExactlyOnce, _) => true,
        };
        if fresh {
            self.events.push_back(Event::Message {
                topic: publish.topic.into(),
                payload: publish.payload.into(),
                qos: publish.qos,
                retain: publish.retain,
            });
        }
    }

    fn on_subscribed(&mut self, answer: &FilterAck<'_>) {
        self.events.push_back(Event::Subscribed { reasons: answer.reasons().collect() });
    }

    fn finish(&mut self, packet_id: NonZeroU16, reason: Reason, position: Option<u64>) {
        let Some(token) = self.tokens.remove(&packet_id) else { return };
        let known = self.flights.remove(&token).and_then(|flight| flight.position);
        self.events.push_back(Event::Answered { token, reason, position: position.or(known) });
    }

    /// The next id that no flight uses; there is one, since a window is smaller than 65,535.
    fn free_id(&mut self) -> NonZeroU16 {
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            match NonZeroU16::new(self.last_id) {
                Some(id) if !self.tokens.contains_key(&id) => return id,
                Some(_) | None => {}
            }
        }
    }

    /// # Panics
    /// Never: none of these packets holds a text.
    fn write(&mut self, packet: &Packet<'_>) {
        let written = packet.encode(self.version, &mut self.outbox);
        assert_eq!(written, Ok(()), "a packet without texts always fits");
    }
}

fn allowed_window(answer: &ConnAck<'_>) -> Option<NonZeroU16> {
    answer.properties.iter().find_map(|property| {
        if let Property::ReceiveMaximum(most) = property { Some(most) } else { None }
    })
}

fn position_in(ack: &Ack<'_>) -> Option<u64> {
    let mut named = ack.properties.user().filter(|(name, _)| *name == POSITION);
    named.next().and_then(|(_, value)| value.parse().ok())
}
