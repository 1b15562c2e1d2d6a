//! Messages on their way to the sessions of this shard.

use std::num::NonZeroU16;
use std::sync::Arc;

use hub::{ConnectionKey, Publication, Queued, Route, SessionKey};
use model::{Event, Message, Position, Qos};
use mqtt::Delivered;

use super::connection::Phase;
use super::diary::{Fate, Unplaced};
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
pub(super) struct Seen<'a> {
    pub(super) shown: Shown<'a>,
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

pub(super) fn seen<'a>(queued: &'a Queued, body: &'a Publication, left: Left) -> Seen<'a> {
    Seen {
        shown: shown(body, left.seconds()),
        qos: queued.qos,
        retain: queued.retain,
        identifiers: &queued.identifiers,
    }
}

/// What became of an attempt to send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
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
            let Some(route) = route.hears(from == Some(route.session)) else { continue };
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
                Sent::Yes if (booked || route.shared) && qos != Qos::AtMostOnce => {
                    let queued = self.queued(message, route, (token, qos, retain));
                    self.keep(route.session, queued, None);
                    return;
                }
                Sent::Dropped if booked => return self.drop_for(message, route),
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
        let room = self.queue_room();
        let Some(session) = self.sessions.get_mut(route.session) else { return };
        //= mqtt-v5 MQTT-4.5.0-1
        //= mqtt-v311 MQTT-3.1.2-5, MQTT-4.5.0-1
        let cost = queued.cost();
        if session.queue.push(queued, room).is_err() {
            self.common.meter.count(Event::MessageDropped);
            return self.drop_for(message, route);
        }
        self.backlog.grew(cost);
        match (session.connection, message.origin) {
            // The first of a booked session: nothing else would get it going.
            (Some(key), Origin::At(_) | Origin::Retained) if session.queue.len() == 1 => {
                self.send_waiting(key, route.session);
            }
            (None, Origin::At(_)) => session.queue.shed_one(token),
            (Some(_), _) | (None, Origin::ThisTurn(_) | Origin::Retained) => {}
        }
    }

    /// A session does without a message: if it is written down what it is owed, this is not.
    fn drop_for(&mut self, message: &AtHand<'_>, route: &Route) {
        let session = route.session;
        if !self.is_booked(session) {
            return;
        }
        match message.origin {
            Origin::At(position) => self.delivered.push((session, position)),
            Origin::ThisTurn(number) => {
                self.unplaced.push(Unplaced { number, session, fate: Fate::Dropped });
            }
            Origin::Retained => {}
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
                let fate = if route.shared { Fate::Chosen(token) } else { Fate::Kept(token) };
                self.unplaced.push(Unplaced { number, session: route.session, fate });
                None
            }
        };
        let identifiers = route.identifiers.clone();
        let body = Some(message.publication());
        let shared = route.shared;
        let queued = Queued { token, position, body, qos, retain, shared, identifiers };
        if route.shared && queued.is_recorded() {
            self.note_queued(route.session, &queued);
        }
        queued
    }

    /// Puts a message into the output of a connection.
    pub(super) fn send(&mut self, key: ConnectionKey, seen: Seen<'_>, token: u64) -> Sent {
        let most = self.output_room();
        let Some(connection) = self.connections.get_mut(key.0 as usize) else {
            return Sent::NotNow;
        };
        let before = connection.output.len();
        let full = before > most;
        if connection.phase != Phase::Open || full {
            return Sent::NotNow;
        }
        let shape = seen.shape(connection.session.version());
        let Ok(frame) = self.frames.get(seen.shown, shape) else { return Sent::Dropped };
        let delivered = connection.session.deliver(frame, token, connection.output.warm_buffer());
        connection.output.rest();
        self.backlog.grew(connection.output.len() - before);
        self.count(key, delivered)
    }

    /// Counts what became of a message.
    pub(super) fn count(&mut self, key: ConnectionKey, delivered: Delivered) -> Sent {
        match delivered {
            Delivered::Sent(_) => {
                self.sent += 1;
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

    /// Whether the session of a connection is kept when the connection ends.
    pub(super) fn outlives(&self, key: ConnectionKey) -> bool {
        self.connections.get(key.0 as usize).is_some_and(|found| found.session.expiry() > 0)
    }

    pub(super) fn keep(
        &mut self,
        session: SessionKey,
        queued: Queued,
        packet_id: Option<NonZeroU16>,
    ) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.protocol.keep(queued, packet_id);
        }
    }
}

impl<'a> Seen<'a> {
    pub(super) fn shape(&self, version: mqtt::Version) -> Shape<'a> {
        let (qos, retain, identifiers) = (self.qos, self.retain, self.identifiers);
        Shape { version, qos, retain, identifiers }
    }
}
