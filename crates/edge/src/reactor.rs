//! One thread: an event loop that owns its sockets, and the shard whose bytes they carry.
//!
//! A turn reads every socket that has something, hands the records of all of them to the journal at
//! once, tells the shard how far the horizon has come, and writes every socket that has something
//! to say: one system call per socket and direction and turn.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hub::ConnectionKey;
use journal::Journal;
use mio::{Events, Poll, Token};
use model::{Event, Horizon, Meter};

use crate::clock::{Clock, Now};
use crate::door::{Door, LISTENERS_MAX};
use crate::librarian::Librarian;
use crate::listener::Listening;
use crate::mailbox::{Adopted, Letter, Mailbox};
use crate::shard::{Remote, Shard, Want};
use crate::transport::{End, Scratch, Wire};

pub(crate) const WAKER: Token = Token(usize::MAX);
/// Listener number n is this and n more; connections are far below.
const LISTENERS: usize = usize::MAX - LISTENERS_MAX;

/// Events taken from the kernel at once.
const EVENTS_MAX: usize = 1_024;

/// New connections a listener takes in one turn, so that a flood of them does not starve the others.
const ACCEPTS_PER_TURN: usize = 256;

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
    pub(crate) meter: Arc<Meter>,
    pub(crate) doors: Arc<[Door]>,
    pub(crate) stop: Arc<AtomicBool>,
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
        while !self.shared.stop.load(Ordering::Acquire) {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            let now = self.shared.clock.now();
            self.note_events(&events, now);
            self.turn(now)?;
        }
        self.shard.shut_down(self.shared.clock.now());
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
            self.shard.until_timer(self.shared.clock.now().moment)
        } else {
            Duration::ZERO
        }
    }

    fn turn(&mut self, now: Now) -> io::Result<()> {
        self.read_mail(now);
        if !self.paused {
            self.read_ready(now);
        }
        self.submit();
        self.shard.settle(self.shared.horizon.committed(), now);
        self.shard.look_into_inquiries(now);
        self.shard.run_timers(now);
        self.submit();
        self.fetch();
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
                    let hung_up = event.is_read_closed() || event.is_error();
                    if let Some(Some(wire)) = self.wires.get_mut(slot) {
                        wire.hung_up |= hung_up;
                    }
                    if event.is_readable() || hung_up {
                        self.enqueue(key);
                    }
                    if event.is_writable() {
                        self.shard.mark_dirty(key);
                    }
                }
            }
        }
    }

    /// Puts a connection into the list of those that may have more to read, once.
    fn enqueue(&mut self, key: ConnectionKey) {
        let Some(Some(wire)) = self.wires.get_mut(key.0 as usize) else { return };
        if !std::mem::replace(&mut wire.queued, true) {
            self.ready.push_back(key);
        }
    }

    fn accept(&mut self, index: usize, now: Now) {
        for _ in 0..ACCEPTS_PER_TURN {
            let Some(listener) = self.listeners.get(index) else { return };
            match listener.accept() {
                Ok((socket, peer)) => self.welcome(index, socket, peer, now),
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => return,
                // A peer that left at once; the next one is behind it.
                Err(fault) if fault.kind() == ErrorKind::ConnectionAborted => {}
                Err(fault) => {
                    // Out of file descriptors: the connections that are open go on.
                    self.shared.meter.count(Event::ConnectionRefused);
                    tracing::debug!(%fault, "a connection could not be accepted");
                    return;
                }
            }
        }
        // Edge-triggered: nobody will say again that there are more.
        if let Some(listener) = self.listeners.get_mut(index) {
            let _woken = listener.rearm(self.poll.registry(), Token(LISTENERS + index));
        }
    }

    fn welcome(&mut self, index: usize, socket: OwnedFd, peer: SocketAddr, now: Now) {
        let Some(door) = self.shared.doors.get(index) else { return };
        if !door.enter() {
            return self.shared.meter.count(Event::ConnectionRefused);
        }
        match door.wire(socket, u16::try_from(index).unwrap_or(u16::MAX)) {
            Ok(wire) => {
                if self.adopt(wire, peer, now).is_some() {
                    self.shared.meter.count(Event::ConnectionOpened);
                }
            }
            Err(fault) => {
                door.leave();
                self.shared.meter.count(Event::TransportFailed);
                tracing::warn!(%fault, "a connection could not be prepared");
            }
        }
    }

    /// Registers a socket and opens its connection.
    fn adopt(&mut self, wire: Wire, peer: SocketAddr, now: Now) -> Option<ConnectionKey> {
        let door = self.shared.doors.get(usize::from(wire.door))?;
        let (packet_bytes_max, within) = (door.packet_bytes_max, door.within);
        let Some(key) = self.shard.open_with((peer, wire.door), packet_bytes_max, now.moment)
        else {
            self.shared.meter.count(Event::ConnectionRefused);
            self.close(wire);
            return None;
        };
        if within {
            self.shard.trust(key);
        }
        let slot = key.0 as usize;
        if let Err(fault) = wire.register(self.poll.registry(), Token(slot)) {
            tracing::debug!(%fault, "a connection could not be registered");
            self.shard.release(key);
            self.close(wire);
            return None;
        }
        if self.wires.len() <= slot {
            self.wires.resize_with(slot + 1, || None);
        }
        if let Some(place) = self.wires.get_mut(slot) {
            *place = Some(wire);
        }
        Some(key)
    }

    /// Dropping the socket closes it, which also takes it out of the poll.
    fn close(&self, wire: Wire) {
        if let Some(door) = self.shared.doors.get(usize::from(wire.door)) {
            door.leave();
        }
        drop(wire);
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
            wire.queued = false;
            handshakes -= usize::from(shaking);
            self.read_one(key, now);
        }
    }

    fn read_one(&mut self, key: ConnectionKey, now: Now) {
        let Some(Some(wire)) = self.wires.get_mut(key.0 as usize) else { return };
        match wire.read(&mut self.scratch) {
            Ok(heard) => {
                if wire.wants_write() {
                    self.shard.mark_dirty(key);
                }
                if let Some(peer) = heard.peer {
                    self.shard.set_peer(key, peer);
                }
                if !heard.bytes.is_empty() {
                    self.shard.receive(key, heard.bytes, now);
                }
                // The end lies behind the last bytes, and the kernel does not tell of it again.
                let more = heard.more || wire.hung_up;
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

    fn fetch(&mut self) {
        self.unasked.extend(self.shard.drain_wants());
        while let Some(want) = self.unasked.pop_front() {
            if let Some(want) = self.shared.librarian.ask(want) {
                self.unasked.push_front(want);
                return;
            }
        }
    }

    fn read_mail(&mut self, now: Now) {
        let index = usize::from(self.shard.index());
        let Some(mailbox) = self.shared.mailboxes.get(index) else { return };
        for letter in mailbox.take() {
            match letter {
                Letter::Deliver(Remote { position, publication, routes, home: _ }) => {
                    self.shard.deliver_all(position, &publication, &routes);
                }
                Letter::Asked(asked) => self.shard.asked(*asked, now),
                Letter::Fetched(session, found) => self.shard.fetched(session, found),
                Letter::Adopt(wire, Adopted { bytes, peer }) => {
                    if let Some(key) = self.adopt(wire, peer, now) {
                        self.shard.receive(key, &bytes, now);
                        self.enqueue(key);
                    }
                }
            }
        }
    }

    /// Moves the sockets of clients that live elsewhere to where they live.
    fn hand_over(&mut self) {
        while let Some(handover) = self.shard.next_handover() {
            let slot = self.wires.get_mut(handover.key.0 as usize);
            let Some(mut wire) = slot.and_then(Option::take) else { continue };
            wire.queued = false;
            self.shard.release(handover.key);
            if let Err(fault) = wire.deregister(self.poll.registry()) {
                tracing::debug!(%fault, "a connection could not move to its shard");
                self.close(wire);
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
        match wire.write(self.shard.output_mut(key), &mut self.scratch) {
            Ok(()) => self.shard.wrote(key),
            Err(_reset) => self.shard.lost(key, self.shared.clock.now()),
        }
        if self.shard.is_finished(key)
            && wire.part()
            && let Some(wire) = place.take()
        {
            self.shared.meter.count(Event::ConnectionClosed);
            self.shard.release(key);
            self.close(wire);
        }
    }
}
