//! One thread: an event loop that owns its sockets, and the shard whose bytes they carry.
//!
//! A turn reads every socket that has something, hands the records of all of them to the journal at
//! once, tells the shard how far the horizon has come, and writes every socket that has something
//! to say: one system call per socket and direction and turn.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hub::ConnectionKey;
use journal::Journal;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use model::{Event, Horizon, Meter};

use crate::clock::{Clock, Now};
use crate::librarian::Librarian;
use crate::mailbox::{Adopted, Letter, Mailbox};
use crate::shard::{Remote, Shard, Want};

pub(crate) const WAKER: Token = Token(usize::MAX);
const LISTENER: Token = Token(usize::MAX - 1);

/// Events taken from the kernel at once.
const EVENTS_MAX: usize = 1_024;

/// One buffer for all sockets of a shard: what a socket's kernel buffer holds at most by default.
const SCRATCH_BYTES: usize = 256 << 10;

/// New connections taken in one turn, so that a flood of them does not starve the others.
const ACCEPTS_PER_TURN: usize = 256;

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
    pub(crate) stop: Arc<AtomicBool>,
}

pub(crate) struct Reactor {
    poll: Poll,
    listener: TcpListener,
    shard: Shard,
    shared: Shared,
    /// By connection key; a slot is empty when the shard has closed the connection.
    sockets: Vec<Option<TcpStream>>,
    /// Connections that may have more to read.
    ready: VecDeque<ConnectionKey>,
    scratch: Box<[u8]>,
    outgoing: Vec<Vec<Letter>>,
    /// Questions that the librarian had no room for.
    unasked: VecDeque<Want>,
    /// The journal had no room: no socket is read until it has.
    paused: bool,
}

impl Reactor {
    pub(crate) fn new(
        poll: Poll,
        mut listener: TcpListener,
        shard: Shard,
        shared: Shared,
    ) -> io::Result<Self> {
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let outgoing = shared.mailboxes.iter().map(|_| Vec::new()).collect();
        Ok(Self {
            poll,
            listener,
            shard,
            shared,
            sockets: Vec::new(),
            ready: VecDeque::new(),
            scratch: vec![0; SCRATCH_BYTES].into(),
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
        } else if self.ready.is_empty() && !self.shard.has_records() {
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
                LISTENER => self.accept(now),
                Token(slot) => {
                    let key = ConnectionKey(u32::try_from(slot).unwrap_or(u32::MAX));
                    if event.is_readable() || event.is_read_closed() || event.is_error() {
                        self.ready.push_back(key);
                    }
                    if event.is_writable() {
                        self.shard.mark_dirty(key);
                    }
                }
            }
        }
    }

    fn accept(&mut self, now: Now) {
        for _ in 0..ACCEPTS_PER_TURN {
            match self.listener.accept() {
                Ok((socket, peer)) => {
                    if self.adopt(socket, peer, now).is_some() {
                        self.shared.meter.count(Event::ConnectionOpened);
                    }
                }
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => return,
                Err(fault) => {
                    // Out of file descriptors, or a peer that left at once: the others go on.
                    self.shared.meter.count(Event::ConnectionRefused);
                    tracing::debug!(%fault, "a connection could not be accepted");
                    return;
                }
            }
        }
        // Edge-triggered: nobody will say again that there are more.
        let _woken =
            self.poll.registry().reregister(&mut self.listener, LISTENER, Interest::READABLE);
    }

    /// Registers a socket and opens its connection.
    fn adopt(
        &mut self,
        mut socket: TcpStream,
        peer: SocketAddr,
        now: Now,
    ) -> Option<ConnectionKey> {
        let Some(key) = self.shard.open(peer, now.moment) else {
            self.shared.meter.count(Event::ConnectionRefused);
            return None;
        };
        let slot = key.0 as usize;
        let interest = Interest::READABLE.add(Interest::WRITABLE);
        let registered = socket
            .set_nodelay(true)
            .and_then(|()| self.poll.registry().register(&mut socket, Token(slot), interest));
        if let Err(fault) = registered {
            tracing::debug!(%fault, "a connection could not be registered");
            self.shard.release(key);
            return None;
        }
        if self.sockets.len() <= slot {
            self.sockets.resize_with(slot + 1, || None);
        }
        if let Some(place) = self.sockets.get_mut(slot) {
            *place = Some(socket);
        }
        Some(key)
    }

    /// One read of each ready socket, in turn, so that a busy one does not starve the others.
    fn read_ready(&mut self, now: Now) {
        for _ in 0..self.ready.len() {
            if self.shard.is_congested() {
                return;
            }
            if let Some(key) = self.ready.pop_front() {
                self.read_one(key, now);
            }
        }
    }

    fn read_one(&mut self, key: ConnectionKey, now: Now) {
        let Some(Some(socket)) = self.sockets.get_mut(key.0 as usize) else { return };
        match socket.read(&mut self.scratch) {
            Ok(0) => self.shard.lost(key, now),
            Ok(read) => {
                let bytes = self.scratch.get(..read).unwrap_or_default();
                self.shard.receive(key, bytes, now);
                // A full buffer means there may be more. Anything less drained the socket, and the
                // kernel will say when there is more.
                if read == SCRATCH_BYTES {
                    self.ready.push_back(key);
                }
            }
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => {}
            Err(fault) if fault.kind() == ErrorKind::Interrupted => self.ready.push_back(key),
            Err(_reset) => self.shard.lost(key, now),
        }
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
                Letter::Fetched(session, found) => self.shard.fetched(session, found),
                Letter::Adopt(socket, Adopted { bytes, peer }) => {
                    if let Some(key) = self.adopt(socket, peer, now) {
                        self.shard.receive(key, &bytes, now);
                        self.ready.push_back(key);
                    }
                }
            }
        }
    }

    /// Moves the sockets of clients that live elsewhere to where they live.
    fn hand_over(&mut self) {
        while let Some(handover) = self.shard.next_handover() {
            let slot = self.sockets.get_mut(handover.key.0 as usize);
            let Some(mut socket) = slot.and_then(Option::take) else { continue };
            self.shard.release(handover.key);
            if let Err(fault) = self.poll.registry().deregister(&mut socket) {
                tracing::debug!(%fault, "a connection could not move to its shard");
                continue;
            }
            if let Some(letters) = self.outgoing.get_mut(usize::from(handover.home)) {
                letters.push(Letter::Adopt(socket, handover.adopted));
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
        let Some(place) = self.sockets.get_mut(key.0 as usize) else { return };
        if let Some(socket) = place.as_mut() {
            match write_out(socket, self.shard.output_mut(key)) {
                Ok(()) => self.shard.wrote(key),
                Err(_reset) => self.shard.lost(key, self.shared.clock.now()),
            }
        }
        if self.shard.is_finished(key) {
            // Dropping the socket closes it, which also takes it out of the poll.
            drop(place.take());
            self.shard.release(key);
            self.shared.meter.count(Event::ConnectionClosed);
        }
    }
}

/// Writes until everything is gone or the kernel takes no more.
fn write_out(socket: &mut TcpStream, output: Option<&mut crate::output::Output>) -> io::Result<()> {
    let Some(output) = output else { return Ok(()) };
    while !output.is_empty() {
        match socket.write(output.pending()) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => output.advance(written),
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}
