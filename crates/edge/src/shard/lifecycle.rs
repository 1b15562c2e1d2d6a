//! How a client comes, is taken over, goes, and what it leaves behind.

use std::sync::Arc;
use std::time::Duration;

use hub::{ConnectionKey, Opened, Publication, SessionKey, home_shard};
use model::{Committed, Event, Message, Moment};
use mqtt::{Accept, Connect, Finished, Inflight, Reason, Session, StoredWill, Violation};

use super::connection::{Connection, Phase};
use super::{Shard, Timer};
use crate::clock::Now;

/// Wills that wait for their delay to pass: 100,000 of about 300 bytes are 30 MB. More are
/// published at once.
const WILLS_MAX: usize = 100_000;

/// Sessions are looked at for expiry this often: nobody counts on the second.
const EXPIRY_EVERY: Duration = Duration::from_secs(5);

/// A will whose client may still come back.
#[derive(Debug)]
pub(super) struct PendingWill {
    due: Moment,
    session: SessionKey,
    client: Arc<str>,
    will: Box<StoredWill>,
}

impl Shard {
    //= mqtt-v5 MQTT-3.1.3-5, MQTT-3.1.3-6, MQTT-3.1.3-7, MQTT-3.1.4-2, MQTT-3.1.4-4
    //= mqtt-v311 MQTT-3.1.3-5, MQTT-3.1.3-6, MQTT-3.1.4-3
    pub(super) fn connect(&mut self, key: ConnectionKey, connect: &Connect<'_>, now: Now) {
        if !self.common.limits.anonymous {
            return self.refuse(key, Reason::NotAuthorized, now);
        }
        let assigned = connect.client_id.is_empty().then(|| self.new_client_id(now));
        let client = assigned.as_deref().unwrap_or(connect.client_id);
        let subscriptions = Arc::clone(&self.common.subscriptions);
        self.sessions.end_if_over(client, now.moment, &subscriptions);
        //= mqtt-v311 MQTT-3.1.2-6
        let before = self.sessions.connection_of(client);
        let ends = before.is_some_and(|before| !self.outlives(before));
        let clean = connect.clean_start || ends;
        let Ok(opened) = self.sessions.open(client, clean, key, &subscriptions) else {
            return self.refuse(key, Reason::QuotaExceeded, now);
        };
        let displaced = self.displace(&opened, client, now);
        let kept = self.sessions.get_mut(opened.key).filter(|_| opened.present);
        let kept = kept.map(|session| std::mem::take(&mut session.protocol.inflight));
        let resumed = if opened.present { displaced.or(kept) } else { None };
        self.settle_wills(&opened, client, now);
        let accept =
            Accept { resumed, assigned_client_id: assigned.as_deref(), ..Accept::default() };
        self.let_in(key, opened.key, accept, now);
    }

    fn let_in(
        &mut self,
        key: ConnectionKey,
        session_key: SessionKey,
        mut accept: Accept<'_>,
        now: Now,
    ) {
        let expiry_max = self.common.limits.session_expiry_max.as_secs();
        let expiry_max = u32::try_from(expiry_max).unwrap_or(u32::MAX);
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        connection.phase = Phase::Open;
        connection.session_key = Some(session_key);
        accept.session_expiry = (connection.session.expiry() > expiry_max).then_some(expiry_max);
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
    fn displace(&mut self, opened: &Opened, client: &str, now: Now) -> Option<Inflight> {
        let old = opened.displaced?;
        let connection = self.connections.get_mut(old.0 as usize)?;
        connection.session.close(Reason::SessionTakenOver, connection.output.buffer());
        connection.session_key = None;
        let finished = finish(connection, now);
        connection.phase = Phase::Closing;
        self.mark_dirty(old);
        //= mqtt-v5 MQTT-3.1.2-8, MQTT-3.1.3-9
        //= mqtt-v311 MQTT-3.1.2-8
        if let Some(will) = finished.will
            && (will.delay == 0 || !opened.present)
        {
            self.publish_will(client, &will, now);
        }
        Some(finished.inflight)
    }

    /// Wills of a client that is back: void if its session goes on, due if a clean start ended it.
    //= mqtt-v5 MQTT-3.1.2-8, MQTT-3.1.3-9
    fn settle_wills(&mut self, opened: &Opened, client: &str, now: Now) {
        let waiting = self.wills.extract_if(.., |will| *will.client == *client);
        let due: Vec<PendingWill> = waiting.filter(|will| will.session != opened.key).collect();
        for will in due {
            self.publish_will(client, &will.will, now);
        }
    }

    fn refuse(&mut self, key: ConnectionKey, reason: Reason, now: Now) {
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
        connection.phase = Phase::Closing;
        connection.partial = Vec::new();
        let session_key = connection.session_key.take();
        let finished = finish(connection, now);
        self.mark_dirty(key);
        let Some(session_key) = session_key else { return };
        let Some(client) = self.client_of(session_key) else { return };
        if let Some(session) = self.sessions.get_mut(session_key) {
            session.protocol.inflight = finished.inflight;
        }
        let expiry = Duration::from_secs(u64::from(finished.expiry));
        self.sessions.close(session_key, expiry, now.moment, &self.common.subscriptions);
        //= mqtt-v5 MQTT-3.1.2-7, MQTT-3.1.2-10
        //= mqtt-v311 MQTT-3.1.2-8, MQTT-3.1.2-10, MQTT-3.1.2-12
        if let Some(will) = finished.will {
            let delay = Duration::from_secs(u64::from(will.delay)).min(expiry);
            let due = now.moment.saturating_add(delay);
            self.bequeath(PendingWill { due, session: session_key, client, will }, now);
        }
    }

    //= mqtt-v5 MQTT-3.1.2-8, MQTT-3.1.3-9
    fn bequeath(&mut self, will: PendingWill, now: Now) {
        if will.due <= now.moment || self.wills.len() >= WILLS_MAX {
            return self.publish_will(&will.client, &will.will, now);
        }
        self.wills.push(will);
    }

    fn publish_will(&mut self, client: &str, will: &StoredWill, now: Now) {
        let message = Message {
            received_at: now.timestamp,
            client,
            credential: None,
            topic: will.topic.as_name(),
            payload: &will.payload,
            properties: &will.properties,
            qos: will.qos,
            //= mqtt-v5 MQTT-3.1.2-14, MQTT-3.1.2-15
            //= mqtt-v311 MQTT-3.1.2-16, MQTT-3.1.2-17
            retain: will.retain,
        };
        if self.take_in(&message, None, None).is_err() {
            tracing::warn!("a will was larger than a journal record may be");
        }
    }

    /// Retains a message, or clears its topic.
    pub(super) fn retain(&mut self, message: &Message<'_>) {
        if self.common.retained.keep(Arc::new(Publication::of(message))).is_err() {
            tracing::warn!("the retained messages are at their limit; one was not retained");
        }
    }

    /// Acknowledges everything that `committed` covers.
    //= mqtt-v311 MQTT-4.6.0-2, MQTT-4.6.0-3
    pub fn settle(&mut self, committed: Committed) {
        if self.lane.oldest().is_none_or(|oldest| oldest > committed.position()) {
            return;
        }
        let mut acknowledged = 0;
        for settled in self.lane.settle(committed) {
            let (session_key, ticket) = settled.split();
            let Some(session) = self.sessions.get_mut(session_key) else { continue };
            let Some(key) = session.connection else {
                session.protocol.settled.push(ticket);
                continue;
            };
            let Some(connection) = self.connections.get_mut(key.0 as usize) else { continue };
            connection.session.acknowledge(ticket, connection.output.buffer());
            acknowledged += 1;
            if connection.mark_dirty() {
                self.dirty.push(key);
            }
        }
        self.lane.shrink();
        self.common.meter.add(Event::Acknowledged, acknowledged);
    }

    /// Keep-alive, sessions that end, wills that are due.
    pub fn run_timers(&mut self, now: Now) {
        self.clock = now.timestamp;
        for timer in self.timers.due(now.moment) {
            self.run_timer(&timer, now);
        }
        if now.moment.since(self.expired_at) >= EXPIRY_EVERY {
            self.expired_at = now.moment;
            self.sessions.expire(now.moment, &self.common.subscriptions);
        }
        if self.wills.iter().any(|will| will.due <= now.moment) {
            let (due, later) = std::mem::take(&mut self.wills)
                .into_iter()
                .partition(|will| will.due <= now.moment);
            self.wills = later;
            let due: Vec<PendingWill> = due;
            for will in due {
                self.publish_will(&will.client, &will.will, now);
            }
        }
    }

    fn run_timer(&mut self, timer: &Timer, now: Now) {
        let Some(connection) = self.connections.get_mut(timer.key.0 as usize) else { return };
        let counts = connection.opened == timer.opened && connection.timer == timer.at;
        if !counts || !connection.listens() {
            return;
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

    /// The process stops: every client is told.
    pub fn shut_down(&mut self, now: Now) {
        let open: Vec<ConnectionKey> = self
            .connections
            .iter()
            .filter_map(|(slot, _)| u32::try_from(slot).ok().map(ConnectionKey))
            .collect();
        for key in open {
            if let Some(connection) = self.connections.get_mut(key.0 as usize) {
                connection.session.close(Reason::ServerShuttingDown, connection.output.buffer());
            }
            self.end(key, now);
        }
    }

    fn client_of(&self, session: SessionKey) -> Option<Arc<str>> {
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
