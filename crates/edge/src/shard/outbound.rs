//! Messages on their way to the sessions of this shard.

use std::num::NonZeroU16;
use std::sync::Arc;

use hub::{ConnectionKey, Publication, Queued, Route, SessionKey};
use model::{Event, Message, Position, Qos, SessionEvent};
use mqtt::Delivered;

use super::connection::Phase;
use super::diary::{Told, Unplaced};
use super::expiry::Left;
use super::frames::{Shape, Shown};
use super::{Remote, Shard};

/// Where a message is in the journal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// It will be: the record of this turn with that number.
    ThisTurn(u32),
    At(Position),
    /// Nowhere of its own: it was retained.
    Retained,
}

/// A message at hand, borrowed until somebody has to keep it.
pub(super) struct AtHand<'a> {
    shown: Shown<'a>,
    qos: Qos,
    retain: bool,
    origin: Origin,
    keep: Keep<'a>,
}

enum Keep<'a> {
    Message(&'a Message<'a>, Option<Arc<Publication>>),
    Publication(&'a Arc<Publication>),
}

/// How one subscriber sees a message.
#[derive(Clone, Copy)]
struct Seen<'a> {
    shown: Shown<'a>,
    qos: Qos,
    retain: bool,
    identifiers: &'a [u32],
}

impl<'a> AtHand<'a> {
    pub(super) fn of_message(message: &'a Message<'a>, origin: Origin) -> Self {
        let shown = Shown {
            topic: message.topic.as_str(),
            properties: message.properties,
            payload: message.payload,
            expiry_left: None,
        };
        let keep = Keep::Message(message, None);
        Self { shown, qos: message.qos, retain: message.retain, origin, keep }
    }

    /// With what is left of its expiry, if it has waited.
    pub(super) fn of_publication(
        publication: &'a Arc<Publication>,
        origin: Origin,
        left: Option<u32>,
    ) -> Self {
        Self {
            origin,
            shown: shown(publication, left),
            qos: publication.qos,
            retain: publication.retain,
            keep: Keep::Publication(publication),
        }
    }

    /// The message as something to keep: made once, however many keep it.
    fn publication(&mut self) -> Arc<Publication> {
        match &mut self.keep {
            Keep::Publication(publication) => Arc::clone(publication),
            Keep::Message(message, made) => {
                Arc::clone(made.get_or_insert_with(|| Arc::new(Publication::of(message))))
            }
        }
    }
}

fn shown(publication: &Publication, expiry_left: Option<u32>) -> Shown<'_> {
    Shown {
        topic: publication.topic.as_str(),
        properties: &publication.properties,
        payload: &publication.payload,
        expiry_left,
    }
}

fn seen<'a>(queued: &'a Queued, body: &'a Publication, left: Left) -> Seen<'a> {
    Seen {
        shown: shown(body, left.seconds()),
        qos: queued.qos,
        retain: queued.retain,
        identifiers: &queued.identifiers,
    }
}

/// What became of an attempt to send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Yes,
    /// The client can never take it.
    Dropped,
    NotNow,
}

impl Shard {
    /// A message from another shard, for sessions of this one.
    pub fn deliver_all(
        &mut self,
        position: Position,
        publication: &Arc<Publication>,
        routes: &[Route],
    ) {
        self.frames.begin();
        let mut message = AtHand::of_publication(publication, Origin::At(position), None);
        for route in routes {
            self.deliver(&mut message, route);
        }
    }

    /// Sends the message of the newest record to everyone who hears its topic, here and on other
    /// shards.
    pub(super) fn route(&mut self, message: &Message<'_>, from: Option<SessionKey>) {
        let matches = self.routes.of(message.topic);
        if matches.routes.is_empty() && matches.groups.is_empty() {
            return;
        }
        self.frames.begin();
        self.turn = self.turn.wrapping_add(1);
        let turn = self.turn;
        let number = u32::try_from(self.waiting.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let mut at_hand = AtHand::of_message(message, Origin::ThisTurn(number));
        let mut elsewhere: Vec<Vec<Route>> = Vec::new();
        //= mqtt-v5 MQTT-4.8.2-4, MQTT-4.8.2-5
        let chosen = matches.groups.iter().filter_map(|group| group.get(turn % group.len().max(1)));
        for route in matches.routes.iter().chain(chosen) {
            //= mqtt-v5 MQTT-3.8.3-3
            if route.no_local && from == Some(route.session) {
                continue;
            }
            if route.session.shard == self.index {
                self.deliver(&mut at_hand, route);
                continue;
            }
            elsewhere.resize_with(usize::from(self.shards), Vec::new);
            if let Some(routes) = elsewhere.get_mut(usize::from(route.session.shard)) {
                routes.push(route.clone());
            }
        }
        for (home, routes) in (0_u16..).zip(elsewhere) {
            if !routes.is_empty() {
                self.unposted.push((number, home, at_hand.publication(), routes));
            }
        }
    }

    /// The messages of this turn have positions: other shards may have them.
    pub(super) fn post(&mut self, first: Position) {
        for (number, home, publication, routes) in self.unposted.drain(..) {
            let position = first.after(u64::from(number));
            self.remote.push(Remote { home, position, publication, routes });
        }
    }

    /// A fresh message for one session: at once if it can be sent, else queued or dropped.
    pub(super) fn deliver(&mut self, message: &mut AtHand<'_>, route: &Route) {
        //= mqtt-v5 MQTT-3.8.4-8, MQTT-4.8.2-3
        //= mqtt-v311 MQTT-3.8.4-6
        let qos = message.qos.min(route.qos);
        //= mqtt-v5 MQTT-3.3.1-12, MQTT-3.3.1-13
        //= mqtt-v311 MQTT-3.3.1-9
        let retain = message.retain && route.retain_as_published;
        let Some(session) = self.sessions.get_mut(route.session) else { return };
        let connection = session.connection;
        let booked = session.protocol.booked;
        let next = session.queue.is_empty() && session.protocol.flows();
        // Of a booked session the packet id of a QoS 2 message is written down first.
        let at_once = match qos {
            Qos::AtMostOnce => true,
            Qos::AtLeastOnce => next,
            Qos::ExactlyOnce => next && !booked,
        };
        let seen = Seen { shown: message.shown, qos, retain, identifiers: &route.identifiers };
        if at_once && let Some(key) = connection {
            let token = if qos == Qos::AtMostOnce { 0 } else { session.protocol.next_token() };
            match self.send(key, seen, token) {
                Sent::Yes if booked && qos != Qos::AtMostOnce => {
                    let queued = self.queued(message, route, (token, qos, retain));
                    self.keep(route.session, queued, None);
                    return;
                }
                Sent::Yes | Sent::Dropped => return,
                Sent::NotNow => {}
            }
        }
        if qos == Qos::AtMostOnce {
            // Nobody promised it: a subscriber who is away or slow does without.
            self.common.meter.add(Event::MessageDropped, u64::from(connection.is_some()));
            return;
        }
        self.queue(message, route, (qos, retain));
    }

    fn queue(&mut self, message: &mut AtHand<'_>, route: &Route, (qos, retain): (Qos, bool)) {
        let Some(session) = self.sessions.get_mut(route.session) else { return };
        let token = session.protocol.next_token();
        let queued = self.queued(message, route, (token, qos, retain));
        let Some(session) = self.sessions.get_mut(route.session) else { return };
        //= mqtt-v5 MQTT-4.5.0-1
        //= mqtt-v311 MQTT-3.1.2-5, MQTT-4.5.0-1
        if session.queue.push(queued).is_err() {
            self.common.meter.count(Event::MessageDropped);
            return;
        }
        match (session.connection, message.origin) {
            // The first of a booked session: nothing else would get it going.
            (Some(key), Origin::At(_) | Origin::Retained) if session.queue.len() == 1 => {
                self.send_waiting(key, route.session);
            }
            (None, Origin::At(_)) => session.queue.shed_last(),
            (Some(_), _) | (None, Origin::ThisTurn(_) | Origin::Retained) => {}
        }
    }

    /// A message to keep. One of this turn gets its position when the journal has taken it.
    fn queued(
        &mut self,
        message: &mut AtHand<'_>,
        route: &Route,
        (token, qos, retain): (u64, Qos, bool),
    ) -> Queued {
        let position = match message.origin {
            Origin::At(position) => Some(position),
            Origin::Retained => Some(Position::ZERO),
            Origin::ThisTurn(number) => {
                let (session, shared) = (route.session, route.shared);
                self.unplaced.push(Unplaced { number, session, token, shared });
                None
            }
        };
        let identifiers = route.identifiers.clone();
        let body = Some(message.publication());
        let queued = Queued { token, position, body, qos, retain, identifiers };
        if route.shared && queued.is_recorded() {
            self.note_queued(route.session, &queued);
        }
        queued
    }

    /// Puts a message into the output of a connection.
    fn send(&mut self, key: ConnectionKey, seen: Seen<'_>, token: u64) -> Sent {
        let Some(connection) = self.connections.get_mut(key.0 as usize) else {
            return Sent::NotNow;
        };
        let full = connection.output.len() > self.common.limits.output_bytes_max;
        if connection.phase != Phase::Open || full {
            return Sent::NotNow;
        }
        let shape = seen.shape(connection.session.version());
        let Ok(frame) = self.frames.get(seen.shown, shape) else { return Sent::Dropped };
        let delivered = connection.session.deliver(frame, token, connection.output.buffer());
        self.sent(key, delivered)
    }

    /// Counts what became of a message.
    fn sent(&mut self, key: ConnectionKey, delivered: Delivered) -> Sent {
        match delivered {
            Delivered::Sent(_) => {
                self.common.meter.count(Event::MessageSent);
                self.mark_sent(key);
                Sent::Yes
            }
            Delivered::WindowFull | Delivered::Gone => Sent::NotNow,
            //= mqtt-v5 MQTT-3.1.2-25
            Delivered::TooLarge => {
                self.common.meter.count(Event::MessageDropped);
                Sent::Dropped
            }
        }
    }

    fn keep(&mut self, session: SessionKey, queued: Queued, packet_id: Option<NonZeroU16>) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.protocol.keep(queued, packet_id);
        }
    }

    /// Sends what waits for a session, as far as its client takes it: first what an earlier
    /// connection left unconfirmed, then the queue, without what has expired in it.
    //= mqtt-v5 MQTT-3.3.2-5, MQTT-3.3.2-6
    pub(super) fn send_waiting(&mut self, key: ConnectionKey, session_key: SessionKey) {
        if !self.may_send(session_key) || !self.send_again(key, session_key) {
            return;
        }
        while let Some(session) = self.sessions.get(session_key) {
            let Some(queued) = session.queue.front().cloned() else { return };
            let Some(body) = queued.body.clone() else { return self.want(session_key) };
            let left = Left::of(&body, self.now);
            if left == Left::Nothing {
                self.drop_first(session_key);
                continue;
            }
            let booked = session.protocol.booked;
            let mut packet_id = None;
            let outcome = if booked && queued.qos == Qos::ExactlyOnce {
                packet_id = self.reserve((key, session_key), &queued);
                if packet_id.is_some() { Sent::Yes } else { Sent::NotNow }
            } else if session.protocol.flows() {
                self.frames.begin();
                self.send(key, seen(&queued, &body, left), queued.token)
            } else {
                Sent::NotNow
            };
            if outcome == Sent::NotNow {
                return;
            }
            if let Some(session) = self.sessions.get_mut(session_key) {
                drop(session.queue.pop());
            }
            match outcome {
                Sent::Yes if booked && queued.qos != Qos::AtMostOnce => {
                    self.keep(session_key, queued, packet_id);
                }
                Sent::Dropped => self.done(session_key, &queued, None),
                Sent::Yes | Sent::NotNow => {}
            }
        }
    }

    /// What waits first has lost its worth.
    fn drop_first(&mut self, session_key: SessionKey) {
        let session = self.sessions.get_mut(session_key);
        if let Some(queued) = session.and_then(|session| session.queue.pop()) {
            self.common.meter.count(Event::MessageDropped);
            self.done(session_key, &queued, None);
        }
    }

    fn may_send(&self, session_key: SessionKey) -> bool {
        self.sessions.get(session_key).is_some_and(|session| !session.protocol.resuming)
    }

    /// Takes a packet id for a QoS 2 message and writes it down; it is sent after that.
    fn reserve(
        &mut self,
        (key, session): (ConnectionKey, SessionKey),
        queued: &Queued,
    ) -> Option<NonZeroU16> {
        let connection = self.connections.get_mut(key.0 as usize)?;
        let full = connection.output.len() > self.common.limits.output_bytes_max;
        let position = queued.position.filter(|_| connection.phase == Phase::Open && !full)?;
        let id = connection.session.reserve(queued.token)?;
        let told = Told::Message { packet_id: id, token: queued.token };
        let waiting = self.later(key, session, told);
        self.note(session, SessionEvent::Sent { position, packet_id: id.get() }, waiting);
        if let Some(session) = self.sessions.get_mut(session) {
            session.protocol.reserved += 1;
        }
        Some(id)
    }

    /// Sends a QoS 2 message whose packet id is written down.
    pub(super) fn send_reserved(
        &mut self,
        (key, session_key): (ConnectionKey, SessionKey),
        packet_id: NonZeroU16,
        token: u64,
    ) {
        let Some(session) = self.sessions.get_mut(session_key) else { return };
        session.protocol.reserved = session.protocol.reserved.saturating_sub(1);
        let Some(queued) = session.protocol.find(token).cloned() else { return };
        let Some(body) = &queued.body else { return };
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        self.frames.begin();
        let seen = seen(&queued, body, Left::of(body, self.now));
        let shape = seen.shape(connection.session.version());
        let delivered = match self.frames.get(seen.shown, shape) {
            Ok(frame) => {
                let out = connection.output.buffer();
                connection.session.send_reserved(packet_id, frame, out)
            }
            Err(_too_long) => Delivered::TooLarge,
        };
        if self.sent(key, delivered) == Sent::Dropped {
            self.delivered_to(session_key, token);
        }
        self.send_waiting(key, session_key);
    }

    /// The client is done with a message, or can never take it.
    pub(super) fn delivered_to(&mut self, session_key: SessionKey, token: u64) {
        let session = self.sessions.get_mut(session_key);
        let forgotten = session.and_then(|session| session.protocol.forget(token));
        if let Some((queued, packet_id)) = forgotten {
            self.done(session_key, &queued, packet_id);
        }
    }

    /// Says whether everything was sent again.
    //= mqtt-v5 MQTT-4.4.0-1
    fn send_again(&mut self, key: ConnectionKey, session_key: SessionKey) -> bool {
        while let Some(connection) = self.connections.get_mut(key.0 as usize) {
            let Some((packet_id, token)) = connection.session.next_to_resend() else { return true };
            let kept = self.sessions.get(session_key);
            let queued = kept.and_then(|session| session.protocol.find(token)).cloned();
            let Some(queued) = queued else {
                connection.session.forget(packet_id);
                continue;
            };
            let Some(body) = &queued.body else {
                self.want(session_key);
                return false;
            };
            self.frames.begin();
            let seen = seen(&queued, body, Left::of(body, self.now));
            let shape = seen.shape(connection.session.version());
            let Ok(frame) = self.frames.get(seen.shown, shape) else {
                connection.session.forget(packet_id);
                self.delivered_to(session_key, token);
                continue;
            };
            let out = connection.output.buffer();
            match connection.session.redeliver(packet_id, frame, out) {
                Delivered::WindowFull => return false,
                Delivered::TooLarge => self.delivered_to(session_key, token),
                Delivered::Sent(_) | Delivered::Gone => self.mark_dirty(key),
            }
        }
        false
    }

    /// The output of a connection was written: what had no room goes on.
    pub fn wrote(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get(key.0 as usize) else { return };
        if !connection.output.is_empty() {
            return;
        }
        let Some(session_key) = connection.session_key else { return };
        let waits = self.sessions.get(session_key).is_some_and(|found| !found.queue.is_empty());
        if waits {
            self.send_waiting(key, session_key);
        }
    }
}

impl<'a> Seen<'a> {
    fn shape(&self, version: mqtt::Version) -> Shape<'a> {
        let (qos, retain, identifiers) = (self.qos, self.retain, self.identifiers);
        Shape { version, qos, retain, identifiers }
    }
}
