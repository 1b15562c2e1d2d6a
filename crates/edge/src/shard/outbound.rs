//! Messages on their way to the sessions of this shard.

use std::sync::Arc;

use hub::{ConnectionKey, Publication, Queued, Route, SessionKey};
use model::{Event, Message, Qos};
use mqtt::Delivered;

use super::Shard;
use super::connection::Phase;
use super::expiry::Left;
use super::frames::{Shape, Shown};

/// A message at hand, borrowed until somebody has to keep it.
pub(super) struct AtHand<'a> {
    shown: Shown<'a>,
    qos: Qos,
    retain: bool,
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
    pub(super) fn of_message(message: &'a Message<'a>) -> Self {
        let shown = Shown {
            topic: message.topic.as_str(),
            properties: message.properties,
            payload: message.payload,
            expiry_left: None,
        };
        let keep = Keep::Message(message, None);
        Self { shown, qos: message.qos, retain: message.retain, keep }
    }

    /// With what is left of its expiry, if it has waited.
    pub(super) fn of_publication(publication: &'a Arc<Publication>, left: Option<u32>) -> Self {
        Self {
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

fn seen(queued: &Queued, left: Left) -> Seen<'_> {
    Seen {
        shown: shown(&queued.publication, left.seconds()),
        qos: queued.qos,
        retain: queued.retain,
        identifiers: &queued.identifiers,
    }
}

impl Shard {
    /// A message from another shard, for sessions of this one.
    pub fn deliver_all(&mut self, publication: &Arc<Publication>, routes: &[Route]) {
        self.frames.begin();
        let mut message = AtHand::of_publication(publication, None);
        for route in routes {
            self.deliver(&mut message, route);
        }
    }

    /// Sends a message to everyone who hears its topic, here and on other shards.
    pub(super) fn route(&mut self, message: &Message<'_>, from: Option<SessionKey>) {
        let matches = self.routes.of(message.topic);
        if matches.routes.is_empty() && matches.groups.is_empty() {
            return;
        }
        self.frames.begin();
        self.turn = self.turn.wrapping_add(1);
        let turn = self.turn;
        let mut at_hand = AtHand::of_message(message);
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
                self.remote.push((home, at_hand.publication(), routes));
            }
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
        let next = qos == Qos::AtMostOnce || session.queue.is_empty();
        let seen = Seen { shown: message.shown, qos, retain, identifiers: &route.identifiers };
        if next && let Some(key) = connection {
            let token = if qos == Qos::AtMostOnce { 0 } else { session.protocol.next_token() };
            if self.send(key, seen, token) {
                if qos != Qos::AtMostOnce && self.outlives(key) {
                    let queued = queued(message, route, qos, retain);
                    self.keep(route.session, token, queued);
                }
                return;
            }
        }
        if qos == Qos::AtMostOnce {
            // Nobody promised it: a subscriber who is away or slow does without.
            self.common.meter.add(Event::MessageDropped, u64::from(connection.is_some()));
            return;
        }
        let queued = queued(message, route, qos, retain);
        let Some(session) = self.sessions.get_mut(route.session) else { return };
        //= mqtt-v5 MQTT-4.5.0-1
        //= mqtt-v311 MQTT-3.1.2-5, MQTT-4.5.0-1
        if session.queue.push(queued).is_err() {
            self.common.meter.count(Event::MessageDropped);
        }
    }

    /// Puts a message into the output of a connection. Says whether it is done with: sent, or
    /// impossible to send ever.
    fn send(&mut self, key: ConnectionKey, seen: Seen<'_>, token: u64) -> bool {
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return false };
        let full = connection.output.len() > self.common.limits.output_bytes_max;
        if connection.phase != Phase::Open || full {
            return false;
        }
        let shape = Shape {
            version: connection.session.version(),
            qos: seen.qos,
            retain: seen.retain,
            identifiers: seen.identifiers,
        };
        let Ok(frame) = self.frames.get(seen.shown, shape) else { return true };
        match connection.session.deliver(frame, token, connection.output.buffer()) {
            Delivered::Sent(_) => {
                self.common.meter.count(Event::MessageSent);
                if connection.mark_dirty() {
                    self.dirty.push(key);
                }
                true
            }
            Delivered::WindowFull | Delivered::Gone => false,
            //= mqtt-v5 MQTT-3.1.2-25
            Delivered::TooLarge => {
                self.common.meter.count(Event::MessageDropped);
                true
            }
        }
    }

    /// Whether the session of a connection is kept when the connection ends, so that its messages
    /// may have to be sent again.
    pub(super) fn outlives(&self, key: ConnectionKey) -> bool {
        self.connections.get(key.0 as usize).is_some_and(|found| found.session.expiry() > 0)
    }

    fn keep(&mut self, session: SessionKey, token: u64, queued: Queued) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.protocol.keep(token, queued);
        }
    }

    /// Sends what waits for a session, as far as its client takes it: first what an earlier
    /// connection left unconfirmed, then the queue, without what has expired in it.
    //= mqtt-v5 MQTT-3.3.2-5, MQTT-3.3.2-6
    pub(super) fn send_waiting(&mut self, key: ConnectionKey, session_key: SessionKey) {
        if !self.send_again(key, session_key) {
            return;
        }
        loop {
            let Some(session) = self.sessions.get_mut(session_key) else { return };
            let Some(queued) = session.queue.front().cloned() else { return };
            let token = session.protocol.next_token();
            let left = Left::of(&queued.publication, self.clock);
            if left == Left::Nothing {
                drop(session.queue.pop());
                self.common.meter.count(Event::MessageDropped);
                continue;
            }
            self.frames.begin();
            if !self.send(key, seen(&queued, left), token) {
                return;
            }
            if let Some(session) = self.sessions.get_mut(session_key) {
                drop(session.queue.pop());
            }
            if self.outlives(key) {
                self.keep(session_key, token, queued);
            }
        }
    }

    /// Says whether everything was sent again; what has expired too, because it was sent before.
    //= mqtt-v5 MQTT-4.3.3-7, MQTT-4.4.0-1
    fn send_again(&mut self, key: ConnectionKey, session_key: SessionKey) -> bool {
        while let Some(connection) = self.connections.get_mut(key.0 as usize) {
            let Some((packet_id, token)) = connection.session.next_to_resend() else { return true };
            let kept = self.sessions.get(session_key);
            let queued = kept.and_then(|session| session.protocol.find(token)).cloned();
            let Some(queued) = queued else {
                connection.session.forget(packet_id);
                continue;
            };
            self.frames.begin();
            let shape = Shape {
                version: connection.session.version(),
                qos: queued.qos,
                retain: queued.retain,
                identifiers: &queued.identifiers,
            };
            let left = Left::of(&queued.publication, self.clock).seconds();
            let Ok(frame) = self.frames.get(shown(&queued.publication, left), shape) else {
                connection.session.forget(packet_id);
                continue;
            };
            let out = connection.output.buffer();
            if connection.session.redeliver(packet_id, frame, out) == Delivered::WindowFull {
                return false;
            }
            self.mark_dirty(key);
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

fn queued(message: &mut AtHand<'_>, route: &Route, qos: Qos, retain: bool) -> Queued {
    let identifiers = route.identifiers.clone();
    Queued { publication: message.publication(), qos, retain, identifiers }
}
