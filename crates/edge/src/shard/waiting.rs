//! What waits for a client: sent in its order as far as the client takes it, and again after a cut.

use std::num::NonZeroU16;

use hub::{ConnectionKey, Queued, SessionKey};
use model::{Event, Qos, SessionEvent};
use mqtt::Delivered;

use super::Shard;
use super::connection::Phase;
use super::diary::Told;
use super::expiry::Left;
use super::outbound::{Sent, seen};

impl Shard {
    /// Sends what waits for a session, as far as its client takes it: first what an earlier
    /// connection left unconfirmed, then the queue, without what has expired in it.
    //= mqtt-v5 MQTT-3.3.2-5, MQTT-3.3.2-6
    pub(super) fn send_waiting(&mut self, key: ConnectionKey, session_key: SessionKey) {
        if !self.may_send(session_key) || !self.send_again(key, session_key) {
            return;
        }
        while let Some(session) = self.sessions.get(session_key) {
            let Some(queued) = session.queue.front().cloned() else {
                return self.go_on_retained(session_key);
            };
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
                self.backlog.shrank(session.queue.pop().map_or(0, |popped| popped.cost()));
            }
            match outcome {
                Sent::Yes if (booked || queued.shared) && queued.qos != Qos::AtMostOnce => {
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

    /// Whether something waits for the client of a session.
    pub(super) fn waits(&self, session_key: SessionKey) -> bool {
        self.sessions
            .get(session_key)
            .is_some_and(|session| !session.queue.is_empty() || session.protocol.has_sent())
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
        let most = self.output_room();
        let connection = self.connections.get_mut(key.0 as usize)?;
        let full = connection.output.len() > most;
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
        if self.count(key, delivered) == Sent::Dropped {
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
        self.bytes_out += connection.output.taken().saturating_sub(self.taken);
        if !connection.output.is_empty() {
            return;
        }
        let Some(session_key) = connection.session_key else { return };
        if self.waits(session_key) {
            self.send_waiting(key, session_key);
        }
        self.go_on_retained(session_key);
    }
}
