//! The connections of one shard, without their sockets: bytes and time come in, bytes, journal
//! records and letters for other shards come out. The event loop carries them; the simulation
//! carries them too.

mod authenticating;
mod backlog;
mod claims;
mod connection;
mod diary;
mod doors;
mod expiry;
mod frames;
mod greetings;
mod inbound;
mod inquiry;
mod kept;
mod lifecycle;
mod operator;
mod orphans;
mod outbound;
mod restore;
mod retained;
mod settling;
mod subscribing;
mod sweep;
mod sys;
mod throttle;
mod tracer;
mod traffic;
mod waiting;
mod wills;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hub::{
    ConnectionKey, Publication, Retained, Route, Routes, SessionKey, Sessions, Subscriptions,
};
use journal::Pending;
use model::{Lane, Meter, Moment, Position, Timestamp};
use mqtt::Ticket;
use slab::Slab;

use crate::Limits;
use crate::authentication::Methods;
use crate::mailbox::Adopted;
use crate::output::Output;
use crate::wheel::Wheel;
use authenticating::Parties;
use backlog::Backlog;
pub use claims::{Claim, Verdict};
use connection::Connection;
pub use diary::{Found, Want};
use diary::{Later, Unplaced, Waiting};
use doors::Door;
use frames::Frames;
pub(crate) use inquiry::Asked;
use inquiry::Inquiry;
use kept::Kept;
use orphans::Orphans;
use retained::RetainedRun;
use sweep::Sweep;
use sys::Sys;
use throttle::Throttle;
use tracer::Trace;
use wills::PendingWill;

/// Connections of one shard. A process has 20,000 file descriptors by default where it is limited;
/// where it is not, a million of about 500 bytes are 500 MB.
const CONNECTIONS_MAX: usize = 1_000_000;

/// Records of one turn before sockets wait for the next: larger turns only add latency.
const TURN_BYTES_MAX: usize = 4 << 20;

/// Tickets that wait for a commit: at 500,000 messages a second and a disk that takes a second.
const TICKETS_MAX: usize = 500_000;

/// A connection that no listener accepted.
const NO_DOOR: u16 = u16::MAX;

/// What all shards of a site share.
#[derive(Clone, Debug)]
pub struct Common {
    pub subscriptions: Arc<Subscriptions>,
    pub retained: Arc<Retained>,
    pub meter: Arc<Meter>,
    pub limits: Limits,
    pub methods: Methods,
}

/// An entry of the wheel. It counts if the connection is still the one that was opened then, and
/// has no later timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    key: ConnectionKey,
    opened: u32,
    at: Moment,
}

/// A connection whose client lives on another shard.
#[derive(Debug)]
pub struct Handover {
    pub key: ConnectionKey,
    pub home: u16,
    pub adopted: Adopted,
}

/// A message for sessions of another shard.
#[derive(Clone, Debug)]
pub struct Remote {
    pub home: u16,
    /// Of its record.
    pub position: Position,
    pub publication: Arc<Publication>,
    pub routes: Vec<Route>,
}

#[derive(Debug)]
pub struct Shard {
    index: u16,
    shards: u16,
    common: Common,
    connections: Slab<Connection>,
    opened: u32,
    parties: Parties,
    /// Passwords to be checked, of this turn.
    claims: Vec<Claim>,
    sessions: Sessions<Kept>,
    routes: Routes,
    frames: Frames,
    /// Records of this turn, and for each of them who waits for its commit.
    records: Pending,
    waiting: Vec<Waiting>,
    lane: Lane<(SessionKey, Ticket)>,
    /// What connections are told or sent after a commit, other than the steps in `lane`.
    later: Lane<(SessionKey, Later)>,
    /// Messages of this turn that sessions keep, and those for other shards: they go when the
    /// journal has given them positions.
    unplaced: Vec<Unplaced>,
    unposted: Vec<(u32, u16, Arc<Publication>, Vec<Route>)>,
    /// What clients of booked sessions are done with, to be written down.
    delivered: Vec<(SessionKey, Position)>,
    wants: Vec<Want>,
    /// Messages of this turn: what all shards share is written to once a turn.
    received: u64,
    sent: u64,
    packets_in: u64,
    bytes_in: u64,
    bytes_out: u64,
    /// What the output that is being written had been rid of before.
    taken: u64,
    /// Clients that are connected; and both gauges as all shards were last told.
    connected: u64,
    told: (u64, u64),
    sys: Sys,
    timers: Wheel<Timer>,
    /// By client.
    wills: BTreeMap<Arc<str>, PendingWill>,
    /// When the first of them is due.
    next_will: Moment,
    dirty: Vec<ConnectionKey>,
    handovers: Vec<Handover>,
    remote: Vec<Remote>,
    /// Retained messages that subscribers take a part at a time.
    retained_runs: BTreeMap<SessionKey, VecDeque<RetainedRun>>,
    /// Messages for shared groups whose chosen member is no more.
    orphans: Vec<Orphans>,
    /// Where the properties of a message are put together when some of them do not travel.
    properties: Vec<u8>,
    /// Which member of a shared group is next.
    turn: usize,
    /// Clients that were given a name.
    named: u32,
    congested: bool,
    /// Questions of operators that are being answered, a part a turn.
    inquiries: Vec<Inquiry>,
    /// Clients that operators look at, packet by packet.
    traces: Vec<Trace>,
    /// The listeners, by the numbers of their doors.
    doors: Box<[Door]>,
    backlog: Backlog,
    throttle: Throttle,
    sweep: Sweep,
    /// Of the bytes or the timers at hand.
    now: Timestamp,
    /// The same on the steady clock, as far as rates tell times apart.
    window: u32,
}

impl Shard {
    #[must_use]
    pub fn new(index: u16, shards: u16, common: Common) -> Self {
        Self {
            index,
            shards,
            connections: Slab::new(),
            opened: 0,
            parties: Parties::new(),
            claims: Vec::new(),
            sessions: Sessions::new(index),
            routes: Routes::new(Arc::clone(&common.subscriptions)),
            frames: Frames::default(),
            records: Pending::default(),
            waiting: Vec::new(),
            lane: Lane::default(),
            later: Lane::default(),
            unplaced: Vec::new(),
            unposted: Vec::new(),
            delivered: Vec::new(),
            wants: Vec::new(),
            received: 0,
            sent: 0,
            packets_in: 0,
            bytes_in: 0,
            bytes_out: 0,
            taken: 0,
            connected: 0,
            told: (0, 0),
            sys: Sys::new(common.limits.sys_interval),
            timers: Wheel::new(),
            wills: BTreeMap::new(),
            next_will: wills::NEVER,
            dirty: Vec::new(),
            handovers: Vec::new(),
            remote: Vec::new(),
            retained_runs: BTreeMap::new(),
            orphans: Vec::new(),
            properties: Vec::new(),
            turn: 0,
            named: 0,
            congested: false,
            inquiries: Vec::new(),
            traces: Vec::new(),
            doors: Box::default(),
            backlog: Backlog::new(common.limits.backlog_bytes_max / usize::from(shards.max(1))),
            throttle: Throttle::default(),
            sweep: Sweep::default(),
            now: Timestamp::from_micros(0),
            window: 0,
            common,
        }
    }

    #[must_use]
    pub fn index(&self) -> u16 {
        self.index
    }

    /// A peer connected. `None` at the limit of connections.
    pub fn open(&mut self, peer: SocketAddr, now: Moment) -> Option<ConnectionKey> {
        self.open_at((peer, NO_DOOR), now)
    }

    /// The same by a listener, whose limits count.
    pub(crate) fn open_at(
        &mut self,
        from: (SocketAddr, u16),
        now: Moment,
    ) -> Option<ConnectionKey> {
        if self.connections.len() >= CONNECTIONS_MAX {
            return None;
        }
        self.opened = self.opened.wrapping_add(1);
        let limits = *self.limits_at(from.1);
        let slot = self.connections.insert(Connection::new(from, self.opened, &limits, now));
        let key = ConnectionKey(u32::try_from(slot).ok()?);
        self.throttle.opened(key);
        if let Some(door) = self.doors.get_mut(usize::from(from.1)) {
            door.greetings.arrived(key, self.opened);
        }
        self.set_timer(key);
        Some(key)
    }

    /// A proxy told for whom it speaks.
    pub(crate) fn set_peer(&mut self, key: ConnectionKey, peer: SocketAddr) {
        if let Some(connection) = self.connections.get_mut(key.0 as usize) {
            connection.peer = peer;
        }
    }

    /// Forgets a connection that is finished, never came to life, or moved to another shard; its
    /// slot is free for the next.
    pub fn release(&mut self, key: ConnectionKey) {
        self.greeted(key);
        if !self.traces.is_empty() {
            self.trace_end(key);
        }
        drop(self.connections.try_remove(key.0 as usize));
    }

    /// Whether a connection has been closed and everything said.
    #[must_use]
    pub fn is_finished(&self, key: ConnectionKey) -> bool {
        self.connections.get(key.0 as usize).is_some_and(Connection::is_finished)
    }

    /// Whether no socket should be read: this turn is full, tickets wait, or other shards do not
    /// keep up.
    #[must_use]
    pub fn is_congested(&self) -> bool {
        self.congested
            || self.records.bytes() > TURN_BYTES_MAX
            || self.lane.len() + self.later.len() + self.waiting.len() > TICKETS_MAX
    }

    pub fn set_congested(&mut self, congested: bool) {
        self.congested = congested;
    }

    /// Whether there are records for the journal.
    pub fn has_records(&mut self) -> bool {
        self.note_delivered();
        !self.waiting.is_empty()
    }

    /// The records of this turn, for the journal to take.
    pub fn records_mut(&mut self) -> &mut Pending {
        &mut self.records
    }

    /// The journal took the records; the first of them is at `first`.
    pub fn submitted(&mut self, first: Position) {
        for (offset, waiting) in (0_u64..).zip(self.waiting.drain(..)) {
            match waiting {
                Waiting::Nobody => {}
                Waiting::Step(session, ticket) => {
                    self.lane.push(first.after(offset), (session, ticket));
                }
                Waiting::Later(session, later) => {
                    self.later.push(first.after(offset), (session, later));
                }
            }
        }
        self.post(first);
        self.place(first);
    }

    /// How long until a timer may be due.
    #[must_use]
    pub fn until_timer(&self, now: Moment) -> Duration {
        self.timers.until_next(now)
    }

    /// A message was put into the output of a connection.
    fn mark_sent(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.connections.get_mut(key.0 as usize) {
            connection.counters.sent(self.window);
        }
        self.mark_dirty(key);
    }

    pub fn mark_dirty(&mut self, key: ConnectionKey) {
        if self.connections.get_mut(key.0 as usize).is_some_and(Connection::mark_dirty) {
            self.dirty.push(key);
        }
    }

    /// A connection that has something to write, or to be closed.
    pub fn next_dirty(&mut self) -> Option<ConnectionKey> {
        let key = self.dirty.pop()?;
        if !self.traces.is_empty() {
            self.trace_out(key);
        }
        if let Some(connection) = self.connections.get_mut(key.0 as usize) {
            connection.dirty = false;
        }
        Some(key)
    }

    pub(crate) fn output_len(&self, key: ConnectionKey) -> usize {
        self.connections.get(key.0 as usize).map_or(0, |connection| connection.output.len())
    }

    pub(crate) fn output_mut(&mut self, key: ConnectionKey) -> Option<&mut Output> {
        let output = &mut self.connections.get_mut(key.0 as usize)?.output;
        self.taken = output.taken();
        Some(output)
    }

    /// Takes up to `most` bytes of what a connection is sent, for those who have no socket.
    /// `None` without such a connection.
    pub fn take_output(&mut self, key: ConnectionKey, most: usize) -> Option<Vec<u8>> {
        let output = self.output_mut(key)?;
        let pending = output.pending();
        let bytes = pending.get(..most.min(pending.len())).unwrap_or_default().to_vec();
        output.advance(bytes.len());
        self.wrote(key);
        Some(bytes)
    }

    pub fn next_handover(&mut self) -> Option<Handover> {
        self.handovers.pop()
    }

    pub fn drain_remote(&mut self) -> impl Iterator<Item = Remote> {
        self.remote.drain(..)
    }

    fn session_key(&self, key: ConnectionKey) -> Option<SessionKey> {
        self.connections.get(key.0 as usize)?.session_key
    }
}

#[cfg(test)]
mod tests;
