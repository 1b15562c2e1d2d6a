//! How a client comes, is taken over, goes, and what it leaves behind.

use std::sync::Arc;
use std::time::Duration;

use hub::{ConnectionKey, Opened, Publication, SessionKey, home_shard};
use model::{Event, Message, SessionEvent};
use mqtt::{Accept, Finished, Inflight, Reason, Session, Violation};

use super::connection::{Connection, Phase};
use super::diary::{Told, Waiting};
use super::wills::PendingWill;
use super::{Shard, Timer, traffic};
use crate::clock::Now;

/// How long a connection that is over may take to read what it is still sent.
const LINGER: Duration = Duration::from_secs(5);

/// A client that may come in.
pub(super) struct Newcomer<'a> {
    pub(super) client_id: &'a str,
    pub(super) clean_start: bool,
    /// What its method of authentication says last.
    pub(super) auth_data: Option<&'a [u8]>,
}

/// What a client that connects had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    None,
    /// A session that is taken up again.
    Resumed,
    /// A session that is written down, and that it does not want.
    Discarded,
}

impl Shard {
    //= mqtt-v5 MQTT-3.1.3-5, MQTT-3.1.3-6, MQTT-3.1.3-7, MQTT-3.1.4-2, MQTT-3.1.4-4
    //= mqtt-v311 MQTT-3.1.3-5, MQTT-3.1.3-6, MQTT-3.1.4-3
    pub(super) fn admit(&mut self, key: ConnectionKey, newcomer: &Newcomer<'_>, now: Now) {
        let &Newcomer { client_id, clean_start, auth_data } = newcomer;
        if self.wills_to_broker(key) {
            return self.refuse(key, Reason::NotAuthorized, now);
        }
        let assigned = client_id.is_empty().then(|| self.new_client_id(now));
        let client = assigned.as_deref().unwrap_or(client_id);
        let subscriptions = Arc::clone(&self.common.subscriptions);
        if self.sessions.end_if_over(client, now.moment, &subscriptions) {
            self.note_of(client, SessionEvent::Ended, Waiting::Nobody);
        }
        let before = self.sessions.of(client).map(|session| session.protocol.booked);
        // A session that was not to outlive its connection ends with it, also when it is taken over.
        //= mqtt-v311 MQTT-3.1.2-6
        let current = self.sessions.of(client).and_then(|session| session.connection);
        let ends = current.is_some_and(|current| !self.outlives(current));
        let clean = clean_start || ends;
        let Ok(opened) = self.sessions.open(client, clean, key, &subscriptions) else {
            return self.refuse(key, Reason::QuotaExceeded, now);
        };
        let displaced = self.displace(&opened, (client, before == Some(true)), now);
        let kept = self.sessions.get_mut(opened.key).filter(|_| opened.present);
        let kept = kept.map(|session| std::mem::take(&mut session.protocol.inflight));
        let resumed = if opened.present { displaced.or(kept) } else { None };
        self.settle_wills(opened.present, client, now);
        let expiry = self.grant_expiry(key);
        let past = if opened.present {
            Past::Resumed
        } else if before == Some(true) {
            Past::Discarded
        } else {
            Past::None
        };
        let kept = self.book(key, opened.key, (past, expiry));
        let accept = Accept {
            resumed,
            kept,
            assigned_client_id: assigned.as_deref(),
            session_expiry: Some(expiry),
            keep_alive: None,
            auth_data,
        };
        self.let_in(key, opened.key, accept, now);
    }

    /// Seconds for which the session of a connection outlives it: what the client asks for, as far
    /// as the site grants it.
    fn grant_expiry(&self, key: ConnectionKey) -> u32 {
        let most = self.limits_of(key).session_expiry_max.as_secs();
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let connection = self.connections.get(key.0 as usize);
        connection.map_or(0, |connection| connection.session.expiry().min(most))
    }

    /// Writes down that a session begins or goes on, if it is one that outlives its connection.
    fn book(
        &mut self,
        key: ConnectionKey,
        session_key: SessionKey,
        (past, expiry): (Past, u32),
    ) -> bool {
        let booked = past == Past::Resumed || expiry > 0;
        match past {
            Past::Resumed => {
                let waiting = self.later(key, session_key, Told::Resumed);
                self.note(session_key, SessionEvent::Resumed { expiry }, waiting);
            }
            Past::Discarded if !booked => {
                self.note(session_key, SessionEvent::Ended, Waiting::Nobody);
            }
            Past::Discarded | Past::None if booked => {
                self.note(session_key, SessionEvent::Opened { expiry }, Waiting::Nobody);
            }
            Past::Discarded | Past::None => {}
        }
        if let Some(session) = self.sessions.get_mut(session_key) {
            session.protocol.booked = booked;
            session.protocol.resuming = past == Past::Resumed;
            session.protocol.reserved = 0;
        }
        if booked {
            self.note_will(key, session_key);
        }
        booked
    }

    fn let_in(
        &mut self,
        key: ConnectionKey,
        session_key: SessionKey,
        accept: Accept<'_>,
        now: Now,
    ) {
        self.greeted(key);
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        connection.phase = Phase::Open;
        self.connected += 1;
        connection.session_key = Some(session_key);
        if let Err(violation) = connection.session.accept(accept, connection.output.buffer()) {
            return self.violated(key, violation, now);
        }
        let settled = self.sessions.get_mut(session_key);
        let settled = settled.map(|session| std::mem::take(&mut session.protocol.settled));
        for ticket in settled.into_iter().flatten() {
            connection.session.acknowledge(ticket, connection.output.buffer());
        }
        self.set_timer(key);
        self.mark_dirty(key);
        self.send_waiting(key, session_key);
    }

    /// The old connection of a client that has a new one. Gives back what it had under way.
    //= mqtt-v5 MQTT-3.1.4-3
    //= mqtt-v311 MQTT-3.1.4-2
    fn displace(
        &mut self,
        opened: &Opened,
        (client, booked): (&str, bool),
        now: Now,
    ) -> Option<Inflight> {
        let old = opened.displaced?;
        let connection = self.connections.get_mut(old.0 as usize)?;
        connection.session.close(Reason::SessionTakenOver, connection.output.buffer());
        connection.session_key = None;
        let finished = finish(connection, now);
        self.farewell(old, now);
        //= mqtt-v5 MQTT-3.1.2-8, MQTT-3.1.3-9
        //= mqtt-v311 MQTT-3.1.2-8
        if let Some(will) = finished.will
            && (will.delay == 0 || !opened.present)
        {
            self.publish_will(client, &will, booked, now);
        }
        Some(finished.inflight)
    }

    pub(super) fn refuse(&mut self, key: ConnectionKey, reason: Reason, now: Now) {
        if let Some(connection) = self.connections.get_mut(key.0 as usize) {
            connection.session.refuse(reason, connection.output.buffer());
        }
        self.end(key, now);
    }

    pub(super) fn violated(&mut self, key: ConnectionKey, violation: Violation, now: Now) {
        tracing::debug!(%violation, "a client broke the protocol");
        let silent = matches!(violation, Violation::KeepAlive | Violation::ConnectTimeout);
        let event = if silent { Event::KeepAliveExpired } else { Event::ProtocolViolated };
        self.common.meter.count(event);
        self.end(key, now);
    }

    /// The socket is gone.
    pub fn lost(&mut self, key: ConnectionKey, now: Now) {
        self.end(key, now);
        if let Some(connection) = self.connections.get_mut(key.0 as usize) {
            connection.phase = Phase::Gone;
        }
        self.mark_dirty(key);
    }

    /// The connection is over: what is in its output is still sent, its session stays or ends.
    pub(super) fn end(&mut self, key: ConnectionKey, now: Now) {
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        if !connection.listens() {
            return;
        }
        connection.partial = Vec::new();
        let session_key = connection.session_key.take();
        let finished = finish(connection, now);
        self.farewell(key, now);
        let Some(session_key) = session_key else { return };
        let Some(client) = self.client_of(session_key) else { return };
        if let Some(session) = self.sessions.get_mut(session_key) {
            session.protocol.inflight = finished.inflight;
        }
        let noted = self.is_booked(session_key);
        if noted {
            self.note_closed(session_key, finished.expiry, finished.will.is_some());
        }
        let expiry = Duration::from_secs(u64::from(finished.expiry));
        self.sessions.close(session_key, expiry, now.moment, &self.common.subscriptions);
        self.shed(session_key);
        //= mqtt-v5 MQTT-3.1.2-7, MQTT-3.1.2-10
        //= mqtt-v311 MQTT-3.1.2-8, MQTT-3.1.2-10, MQTT-3.1.2-12
        if let Some(will) = finished.will {
            let delay = Duration::from_secs(u64::from(will.delay)).min(expiry);
            let due = now.moment.saturating_add(delay);
            self.bequeath(PendingWill { due, client, will, noted }, now);
        }
    }

    /// Nothing more is read from a connection. What is in its output is sent, unless its peer does
    /// not take it: nobody keeps a socket by not reading.
    fn farewell(&mut self, key: ConnectionKey, now: Now) {
        self.greeted(key);
        self.forget_party(key);
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        self.connected -= u64::from(connection.phase == Phase::Open);
        connection.phase = Phase::Closing;
        let at = now.moment.saturating_add(LINGER);
        connection.timer = at;
        if !connection.output.is_empty() {
            self.timers.insert(Timer { key, opened: connection.opened, at }, at);
        }
        self.mark_dirty(key);
    }

    fn note_closed(&mut self, session_key: SessionKey, expiry: u32, leaves_will: bool) {
        if expiry == 0 {
            return self.note(session_key, SessionEvent::Ended, Waiting::Nobody);
        }
        if !leaves_will {
            self.note(session_key, SessionEvent::WillGone, Waiting::Nobody);
        }
        self.note(session_key, SessionEvent::Closed { expiry }, Waiting::Nobody);
    }

    /// Retains a message, or clears its topic.
    pub(super) fn retain(&mut self, message: &Message<'_>) {
        if self.common.retained.keep(Arc::new(Publication::of(message))).is_err() {
            tracing::warn!("the retained messages are at their limit; one was not retained");
        }
    }

    /// Keep-alive, what is over, wills that are due.
    pub fn run_timers(&mut self, now: Now) {
        self.now = now.timestamp;
        self.window = traffic::window_of(now.moment);
        for timer in self.timers.due(now.moment) {
            self.run_timer(&timer, now);
        }
        self.sweep(now);
        self.publish_due_wills(now);
        self.tell_sys(now);
        self.end_traces(now.moment);
    }

    fn run_timer(&mut self, timer: &Timer, now: Now) {
        let Some(connection) = self.connections.get_mut(timer.key.0 as usize) else { return };
        if connection.opened != timer.opened || connection.timer != timer.at {
            return;
        }
        if !connection.listens() {
            connection.phase = Phase::Gone;
            return self.mark_dirty(timer.key);
        }
        match connection.session.on_timeout(now.moment, connection.output.buffer()) {
            Ok(()) => self.set_timer(timer.key),
            Err(violation) => self.violated(timer.key, violation, now),
        }
    }

    /// Puts the connection's next deadline into the wheel.
    pub(super) fn set_timer(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        if let Some(at) = connection.session.poll_timeout() {
            connection.timer = at;
            self.timers.insert(Timer { key, opened: connection.opened, at }, at);
        }
    }

    /// The process stops: every client is told, and where it is to go if that is `elsewhere`.
    pub fn shut_down(&mut self, elsewhere: Option<&str>, now: Now) {
        self.report();
        let open: Vec<ConnectionKey> = self
            .connections
            .iter()
            .filter_map(|(slot, _)| u32::try_from(slot).ok().map(ConnectionKey))
            .collect();
        for key in open {
            if let Some(connection) = self.connections.get_mut(key.0 as usize) {
                let out = connection.output.buffer();
                match elsewhere {
                    Some(server) => connection.session.refer(server, out),
                    None => connection.session.close(Reason::ServerShuttingDown, out),
                }
            }
            self.end(key, now);
        }
    }

    pub(super) fn client_of(&self, session: SessionKey) -> Option<Arc<str>> {
        self.sessions.get(session).map(|found| Arc::clone(found.client()))
    }

    /// A name for a client that gave none. It lives here, so that the connection need not move.
    fn new_client_id(&mut self, now: Now) -> String {
        loop {
            self.named = self.named.wrapping_add(1);
            let seed = now.timestamp.micros().unsigned_abs();
            let client = format!("auto-{seed:x}-{:x}-{:x}", self.index, self.named);
            if home_shard(&client, self.shards) == self.index {
                return client;
            }
        }
    }
}

/// Takes the session out of a connection that is over.
fn finish(connection: &mut Connection, now: Now) -> Finished {
    let generation = connection.session.generation();
    let empty = Session::new(mqtt::Limits::default(), generation, now.moment);
    std::mem::replace(&mut connection.session, empty).finish()
}
