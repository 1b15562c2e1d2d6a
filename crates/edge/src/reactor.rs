//! One thread: an event loop that owns its sockets, and the shard whose bytes they carry.
//!
//! A turn reads every socket that has something, hands the records of all of them to the journal at
//! once, tells the shard how far the horizon has come, and writes every socket that has something
//! to say: one system call per socket and direction and turn.

mod accept;
mod mail;

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use hub::ConnectionKey;
use journal::Journal;
use mio::{Events, Poll, Token};
use model::{Event, Horizon, Meter, Moment};

use crate::Stop;
use crate::clock::{Clock, Now};
use crate::door::{Door, LISTENERS_MAX};
use crate::doorkeeper::Doorkeeper;
use crate::librarian::Librarian;
use crate::listener::Listening;
use crate::mailbox::{Letter, Mailbox};
use crate::shard::{Shard, Want};
use crate::transport::{End, Mark, Scratch, Wire};

pub(crate) const WAKER: Token = Token(usize::MAX);
/// Listener number n is this and n more; connections are far below.
const LISTENERS: usize = usize::MAX - LISTENERS_MAX;

/// Events taken from the kernel at once.
const EVENTS_MAX: usize = 1_024;

/// Reads of connections that are in a TLS handshake, in one turn: a signature with RSA takes about
/// a millisecond, and the others wait no longer than for four.
const HANDSHAKES_PER_TURN: usize = 4;

/// How long a turn waits when the journal or a mailbox had no room.
const PAUSE: Duration = Duration::from_millis(1);

/// What all shards share with the rest of the process.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    pub(crate) horizon: Arc<Horizon>,
    pub(crate) mailboxes: Arc<[Mailbox]>,
    pub(crate) librarian: Librarian,
    /// Of a site that knows passwords.
    pub(crate) doorkeeper: Option<Doorkeeper>,
    pub(crate) meter: Arc<Meter>,
    /// At all listeners together.
    pub(crate) connections_max: usize,
    pub(crate) doors: Arc<[Door]>,
    pub(crate) stop: Arc<Stop>,
}

pub(crate) struct Reactor {
    poll: Poll,
    /// By the number of their door.
    listeners: Vec<Listening>,
    shard: Shard,
    shared: Shared,
    /// By connection key; a slot is empty when the shard has closed the connection.
    wires: Vec<Option<Wire>>,
    /// Connections that may have more to read.
    ready: VecDeque<ConnectionKey>,
    /// Connections that are over their rate, and when they are read again.
    throttled: BTreeSet<(Moment, ConnectionKey)>,
    /// There was no file descriptor for a connection: when to try again.
    starved: Option<Moment>,
    scratch: Scratch,
    outgoing: Vec<Vec<Letter>>,
    /// Questions that the librarian had no room for.
    unasked: VecDeque<Want>,
    /// The journal had no room: no socket is read until it has.
    paused: bool,
}

impl Reactor {
    pub(crate) fn new(
        poll: Poll,
        mut listeners: Vec<Listening>,
        shard: Shard,
        shared: Shared,
    ) -> io::Result<Self> {
        for (token, listener) in (LISTENERS..).map(Token).zip(&mut listeners) {
            listener.register(poll.registry(), token)?;
        }
        let outgoing = shared.mailboxes.iter().map(|_| Vec::new()).collect();
        Ok(Self {
            poll,
            listeners,
            shard,
            shared,
            wires: Vec::new(),
            ready: VecDeque::new(),
            throttled: BTreeSet::new(),
            starved: None,
            scratch: Scratch::new(),
            outgoing,
            unasked: VecDeque::new(),
            paused: false,
        })
    }

    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// When the kernel refuses to be polled; the process cannot go on then.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.shared.stop.is_set() {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            let now = self.shared.clock.now();
            self.note_events(&events, now);
            self.turn(now)?;
        }
        let elsewhere = self.shared.stop.elsewhere();
        self.shard.shut_down(elsewhere, self.shared.clock.now());
        self.submit();
        self.flush_all();
        Ok(())
    }

    fn timeout(&mut self) -> Duration {
        if self.paused
            || self.shard.is_congested()
            || !self.unasked.is_empty()
            || self.outgoing.iter().any(|letters| !letters.is_empty())
        {
            PAUSE
        } else if self.ready.is_empty() && !self.shard.has_records() && !self.shard.has_inquiries()
        {
            let now = self.shared.clock.now().moment;
            let throttled = self.throttled.first().map(|(at, _)| *at);
            let again = throttled.into_iter().chain(self.starved).map(|at| at.since(now)).min();
            let timer = self.shard.until_timer(now);
            again.map_or(timer, |again| timer.min(again))
        } else {
            Duration::ZERO
        }
    }

    fn turn(&mut self, now: Now) -> io::Result<()> {
        self.read_mail(now);
        self.accept_again(now);
        self.release_throttled(now.moment);
        if !self.paused {
            self.read_ready(now);
        }
        self.submit();
        self.shard.settle(self.shared.horizon.committed(), now);
        self.shard.look_into_inquiries(now);
        self.shard.run_timers(now);
        self.submit();
        self.fetch();
        self.ask_doorkeeper(now);
        self.hand_over();
        self.post()?;
        self.flush_all();
        Ok(())
    }

    fn note_events(&mut self, events: &Events, now: Now) {
        for event in events {
            match event.token() {
                WAKER => {}
                Token(token) if token >= LISTENERS => self.accept(token - LISTENERS, now),
                Token(slot) => {
                    let key = ConnectionKey(u32::try_from(slot).unwrap_or(u32::MAX));
                    self.note_event(event, key);
                }
            }
        }
    }

    fn note_event(&mut self, event: &mio::event::Event, key: ConnectionKey) {
        let Some(Some(wire)) = self.wires.get_mut(key.0 as usize) else { return };
        let hung_up = event.is_read_closed() || event.is_error();
        wire.set(Mark::HungUp, hung_up || wire.is(Mark::HungUp));
        if event.is_writable() {
            wire.set(Mark::Blocked, false);
            self.shard.mark_dirty(key);
        }
        if event.is_readable() || hung_up {
            self.enqueue(key);
        }
    }

    /// Puts a connection into the list of those that may have more to read, once.
    fn enqueue(&mut self, key: ConnectionKey) {
        let Some(Some(wire)) = self.wires.get_mut(key.0 as usize) else { return };
        if !wire.is(Mark::Queued) {
            wire.set(Mark::Queued, true);
            self.ready.push_back(key);
        }
    }

    /// One read of each ready socket, in turn, so that a busy one does not starve the others.
    fn read_ready(&mut self, now: Now) {
        let mut handshakes = HANDSHAKES_PER_TURN;
        for _ in 0..self.ready.len() {
            if self.shard.is_congested() {
                return;
            }
            let Some(key) = self.ready.pop_front() else { return };
            let Some(Some(wire)) = self.wires.get_mut(key.0 as usize) else { continue };
            let shaking = wire.is_shaking();
            if shaking && handshakes == 0 {
                self.ready.push_back(key);
                continue;
            }
            // It stays marked as queued, so that its events do not bring it back before.
            if let Some(at) = self.shard.throttled(key, now.moment) {
                self.throttled.insert((at, key));
                continue;
            }
            wire.set(Mark::Queued, false);
            handshakes -= usize::from(shaking);
            self.read_one(key, now);
        }
    }

    /// Those that may be read again.
    fn release_throttled(&mut self, now: Moment) {
        while let Some((at, key)) = self.throttled.pop_first() {
            if at > now {
                self.throttled.insert((at, key));
                return;
            }
            // A later tenant of the slot is not marked, or in the list already.
            if matches!(self.wires.get(key.0 as usize), Some(Some(wire)) if wire.is(Mark::Queued)) {
                self.ready.push_back(key);
            }
        }
    }

    fn read_one(&mut self, key: ConnectionKey, now: Now) {
        let Some(Some(wire)) = self.wires.get_mut(key.0 as usize) else { return };
        let most = self.shard.read_bytes_max(key);
        if most == 0 {
            return;
        }
        match wire.read(&mut self.scratch, most) {
            Ok(heard) => {
                if wire.wants_write() {
                    self.shard.mark_dirty(key);
                }
                if let Some(peer) = heard.peer {
                    self.shard.set_peer(key, peer);
                    let door = self.shared.doors.get(usize::from(wire.door));
                    let entered = door.map_or(Ok(()), |door| {
                        door.gate.enter_from(&door.limits(), peer.ip(), now.moment)
                    });
                    if let Err(refusal) = entered {
                        self.shared.meter.count(refusal.event());
                        return self.shard.lost(key, now);
                    }
                    wire.set(Mark::Counted, true);
                }
                if !heard.bytes.is_empty() {
                    self.shard.receive(key, heard.bytes, now);
                }
                // The end lies behind the last bytes, and the kernel does not tell of it again.
                let more = heard.more || wire.is(Mark::HungUp);
                match heard.end {
                    Some(end) => self.ended(key, &end, now),
                    None if more => self.enqueue(key),
                    None => {}
                }
                // At once: what it says next is for the shard where it lives.
                self.hand_over();
            }
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => {}
            Err(fault) if fault.kind() == ErrorKind::Interrupted => self.enqueue(key),
            Err(_reset) => self.shard.lost(key, now),
        }
    }

    fn ended(&mut self, key: ConnectionKey, end: &End, now: Now) {
        if let End::Fault(fault) = end {
            self.shared.meter.count(Event::TransportFailed);
            tracing::debug!(%fault, "a connection broke its transport");
        }
        self.shard.lost(key, now);
    }

    /// Hands the records of this turn to the journal; when it is full, no socket is read until the
    /// journal has taken them.
    fn submit(&mut self) {
        if self.shard.has_records() {
            let submitted = self.shared.journal.submit(self.shard.records_mut());
            self.paused = submitted.is_err();
            match submitted {
                Ok(first) => self.shard.submitted(first),
                Err(_full) => self.shared.meter.count(Event::PublisherPaused),
            }
        } else {
            self.paused = false;
        }
    }

    /// Moves the sockets of clients that live elsewhere to where they live.
    fn hand_over(&mut self) {
        while let Some(handover) = self.shard.next_handover() {
            let slot = self.wires.get_mut(handover.key.0 as usize);
            let Some(mut wire) = slot.and_then(Option::take) else { continue };
            wire.set(Mark::Queued, false);
            // The other shard is told anew what the socket takes.
            wire.set(Mark::Blocked, false);
            self.shard.release(handover.key);
            if let Err(fault) = wire.deregister(self.poll.registry()) {
                tracing::debug!(%fault, "a connection could not move to its shard");
                self.close(wire, handover.adopted.peer);
                continue;
            }
            if let Some(letters) = self.outgoing.get_mut(usize::from(handover.home)) {
                letters.push(Letter::Adopt(wire, handover.adopted));
            }
        }
    }

    fn post(&mut self) -> io::Result<()> {
        for remote in self.shard.drain_remote() {
            if let Some(letters) = self.outgoing.get_mut(usize::from(remote.home)) {
                letters.push(Letter::Deliver(remote));
            }
        }
        for (mailbox, letters) in self.shared.mailboxes.iter().zip(&mut self.outgoing) {
            mailbox.post(letters)?;
        }
        self.shard.set_congested(self.outgoing.iter().any(|letters| !letters.is_empty()));
        Ok(())
    }

    fn flush_all(&mut self) {
        while let Some(key) = self.shard.next_dirty() {
            self.flush(key);
        }
    }

    fn flush(&mut self, key: ConnectionKey) {
        let Some(place) = self.wires.get_mut(key.0 as usize) else { return };
        let Some(wire) = place.as_mut() else { return };
        // Nobody who does not read costs a call a turn.
        if !wire.is(Mark::Blocked) {
            let before = self.shard.output_len(key);
            let written = wire.write(self.shard.output_mut(key), &mut self.scratch);
            let after = self.shard.output_len(key);
            wire.set(Mark::Blocked, after > 0 || wire.wants_write());
            self.shard.drained(before.saturating_sub(after));
            match written {
                Ok(()) => self.shard.wrote(key),
                Err(_reset) => self.shard.lost(key, self.shared.clock.now()),
            }
        }
        if self.shard.is_finished(key)
            && wire.part()
            && let Some(wire) = place.take()
        {
            self.shared.meter.count(Event::ConnectionClosed);
            let peer = self.shard.peer(key);
            self.shard.release(key);
            self.close(wire, peer);
        }
    }
}
