//! What happens to sessions that outlive this process, as records in the journal; and the messages
//! they are owed, read from it again.
//!
//! A step of which the client hears is written down first: it waits for the commit of its record as
//! a message waits for its own. What the client is done with is written down behind its back: if
//! that is lost, it gets a QoS 1 message once more, which QoS 1 allows.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use hub::{ConnectionKey, Publication, Queued, SessionKey};
use model::session::{Identifiers, Positions, encode_session};
use model::{Event, Position, SessionEvent, SessionRecord};
use mqtt::{Generation, Reason, Ticket};

use super::Shard;
use crate::clock::Now;

/// Messages that are read for a session at once, as far as they fit into one answer: each question
/// looks for its place in a segment anew.
const FETCH_MAX: usize = 1_024;

/// Positions in one record, so that it stays far below the largest: 4,096 of 8 bytes are 32 KiB.
const POSITIONS_PER_RECORD: usize = 4_096;

/// Who waits for the commit of a record.
#[derive(Debug)]
pub(super) enum Waiting {
    Nobody,
    /// A step of a handshake.
    Step(SessionKey, Ticket),
    Later(SessionKey, Later),
}

/// What a connection is told or sent once a record is committed.
#[derive(Debug)]
pub(super) struct Later {
    /// Of the connection it is for. A later one of the client asks again.
    pub(super) generation: Generation,
    pub(super) what: Told,
}

#[derive(Debug)]
pub(super) enum Told {
    Subscribed {
        packet_id: NonZeroU16,
        reasons: Vec<Reason>,
    },
    Unsubscribed {
        packet_id: NonZeroU16,
        reasons: Vec<Reason>,
    },
    /// A QoS 2 message whose packet id is written down.
    Message {
        packet_id: NonZeroU16,
        token: u64,
    },
    /// Everything from before the client came back is durable.
    Resumed,
}

/// What a session has to do with a message of this turn, whose position is not known yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unplaced {
    /// Of its record within the turn.
    pub(super) number: u32,
    pub(super) session: SessionKey,
    pub(super) fate: Fate,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// It waits or is under way under this token.
    Kept(u64),
    /// The same; the session was chosen among a shared group, which only this shard knows.
    Chosen(u64),
    /// The session does without, and is not owed it.
    Dropped,
}

/// Messages that a session needs from the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    pub session: SessionKey,
    /// By token, in the order of their positions.
    pub messages: Vec<(u64, Position)>,
}

/// A message that was looked for; `None` when the journal does not hold it any more.
pub type Found = (u64, Option<Arc<Publication>>);

impl Shard {
    /// Writes down what happens to a session.
    pub(super) fn note(&mut self, session: SessionKey, event: SessionEvent<'_>, waiting: Waiting) {
        let Some(client) = self.sessions.get(session).map(|found| Arc::clone(found.client()))
        else {
            return;
        };
        self.note_of(&client, event, waiting);
    }

    /// The same for a client whose session may have ended.
    pub(super) fn note_of(&mut self, client: &str, event: SessionEvent<'_>, waiting: Waiting) {
        let record = SessionRecord { at: self.now, client, event };
        if self.records.push_with(|out| encode_session(&record, out)).is_err() {
            // Only a will can be as large as that.
            self.common.meter.count(Event::MessageRefused);
            return;
        }
        self.waiting.push(waiting);
    }

    pub(super) fn is_booked(&self, session: SessionKey) -> bool {
        self.sessions.get(session).is_some_and(|found| found.protocol.booked)
    }

    /// Something to tell the connection of a session later, unless it is another one by then.
    pub(super) fn later(&self, key: ConnectionKey, session: SessionKey, what: Told) -> Waiting {
        match self.connections.get(key.0 as usize) {
            Some(connection) => {
                let generation = connection.session.generation();
                Waiting::Later(session, Later { generation, what })
            }
            None => Waiting::Nobody,
        }
    }

    /// The client is done with a message.
    pub(super) fn done(
        &mut self,
        session: SessionKey,
        queued: &Queued,
        packet_id: Option<NonZeroU16>,
    ) {
        if !self.is_booked(session) {
            return;
        }
        if let Some(position) = queued.position.filter(|_| queued.is_recorded()) {
            self.delivered.push((session, position));
        } else if let Some(packet_id) = packet_id.map(NonZeroU16::get) {
            self.note(session, SessionEvent::Completed { packet_id }, Waiting::Nobody);
        }
    }

    /// Writes down what clients are done with, one record for each session.
    pub(super) fn note_delivered(&mut self) {
        if self.delivered.is_empty() {
            return;
        }
        let mut by_session: BTreeMap<SessionKey, Vec<[u8; 8]>> = BTreeMap::new();
        for (session, position) in self.delivered.drain(..) {
            by_session.entry(session).or_default().push(Positions::bytes_of(position));
        }
        for (session, positions) in by_session {
            for some in positions.chunks(POSITIONS_PER_RECORD) {
                let event = SessionEvent::Delivered { positions: Positions::new(some) };
                self.note(session, event, Waiting::Nobody);
            }
        }
    }

    /// A record is committed for which a connection waited.
    pub(super) fn tell(&mut self, session_key: SessionKey, later: Later, now: Now) {
        let Some(session) = self.sessions.get(session_key) else { return };
        let Some(key) = session.connection else { return };
        let Some(connection) = self.connections.get_mut(key.0 as usize) else { return };
        if connection.session.generation() != later.generation {
            return;
        }
        let out = connection.output.buffer();
        match later.what {
            Told::Subscribed { packet_id, reasons } => {
                match connection.session.suback(packet_id, reasons, out) {
                    Ok(()) => self.mark_dirty(key),
                    Err(violation) => self.violated(key, violation, now),
                }
            }
            Told::Unsubscribed { packet_id, reasons } => {
                match connection.session.unsuback(packet_id, reasons, out) {
                    Ok(()) => self.mark_dirty(key),
                    Err(violation) => self.violated(key, violation, now),
                }
            }
            Told::Message { packet_id, token } => {
                self.send_reserved((key, session_key), packet_id, token);
            }
            Told::Resumed => {
                connection.session.release_received(out);
                self.mark_dirty(key);
                if let Some(session) = self.sessions.get_mut(session_key) {
                    session.protocol.resuming = false;
                }
                self.send_waiting(key, session_key);
            }
        }
    }

    /// The messages of this turn have positions now.
    pub(super) fn place(&mut self, first: Position) {
        let mut waits = Vec::new();
        for Unplaced { number, session, fate } in std::mem::take(&mut self.unplaced) {
            let position = first.after(u64::from(number));
            match fate {
                Fate::Kept(token) => waits.extend(self.place_one(session, token, position)),
                Fate::Chosen(token) => {
                    waits.extend(self.place_one(session, token, position));
                    self.note_chosen(session, token);
                }
                Fate::Dropped => self.delivered.push((session, position)),
            }
        }
        waits.dedup();
        for (connection, session) in waits {
            self.send_waiting(connection, session);
        }
    }

    /// Says whose queue may go on with it.
    fn place_one(
        &mut self,
        key: SessionKey,
        token: u64,
        position: Position,
    ) -> Option<(ConnectionKey, SessionKey)> {
        let Some(session) = self.sessions.get_mut(key) else {
            self.place_orphan(key, token, position);
            return None;
        };
        if session.protocol.place(token, position) {
            return None;
        }
        let is_first = session.queue.place(token, position);
        if session.connection.is_none() {
            session.queue.shed_one(token);
        }
        session.connection.filter(|_| is_first).map(|connection| (connection, key))
    }

    fn note_chosen(&mut self, session_key: SessionKey, token: u64) {
        let Some(session) = self.sessions.get(session_key) else { return };
        let queued = session.protocol.find(token).or_else(|| session.queue.find(token));
        if let Some(queued) = queued.cloned() {
            self.note_queued(session_key, &queued);
        }
    }

    /// Writes down that a booked session was chosen for a message.
    pub(super) fn note_queued(&mut self, session: SessionKey, queued: &Queued) {
        let Some(position) = queued.position.filter(|_| self.is_booked(session)) else { return };
        let raw: Vec<[u8; 4]> =
            queued.identifiers.iter().map(|id| Identifiers::bytes_of(*id)).collect();
        let identifiers = Identifiers::new(&raw);
        let (qos, retain) = (queued.qos, queued.retain);
        let event = SessionEvent::Queued { position, qos, retain, identifiers };
        self.note(session, event, Waiting::Nobody);
    }

    /// Asks for the messages that a session has to be sent next.
    pub(super) fn want(&mut self, session_key: SessionKey) {
        let Some(session) = self.sessions.get_mut(session_key) else { return };
        if session.protocol.fetching {
            return;
        }
        let messages = session.protocol.missing(&session.queue, FETCH_MAX);
        if !messages.is_empty() {
            session.protocol.fetching = true;
            self.wants.push(Want { session: session_key, messages });
        }
    }

    /// What sessions need from the journal. Each is answered by `fetched`, as far as it can be.
    pub fn drain_wants(&mut self) -> impl Iterator<Item = Want> {
        self.wants.drain(..)
    }

    /// Messages that were read from the journal.
    pub fn fetched(&mut self, session_key: SessionKey, found: Vec<Found>) {
        let Some(session) = self.sessions.get_mut(session_key) else {
            return self.fetched_orphans(session_key, found);
        };
        session.protocol.fetching = false;
        let mut gone = Vec::new();
        for (token, body) in found {
            match body {
                Some(body) => {
                    session.protocol.fill(token, &body);
                    session.queue.fill(token, body);
                }
                None => gone.push(token),
            }
        }
        let connection = session.connection;
        for token in gone {
            self.give_up(session_key, token);
        }
        match connection {
            Some(key) => self.send_waiting(key, session_key),
            None => self.shed(session_key),
        }
    }

    /// The journal does not hold a message any more: it is older than what the site keeps.
    fn give_up(&mut self, session_key: SessionKey, token: u64) {
        let Some(session) = self.sessions.get_mut(session_key) else { return };
        let waiting = session.queue.remove(token).map(|queued| (queued, None));
        if let Some((queued, packet_id)) = waiting.or_else(|| session.protocol.forget(token)) {
            self.common.meter.count(Event::MessageDropped);
            self.done(session_key, &queued, packet_id);
        }
    }

    /// The client of a session is away: what the journal has need not be in memory.
    pub(super) fn shed(&mut self, session_key: SessionKey) {
        if let Some(session) = self.sessions.get_mut(session_key) {
            session.protocol.shed();
            session.queue.shed();
        }
    }
}
