//! A broker with next to nothing to decide: the physical limit of the same traffic. It answers
//! CONNECT and SUBSCRIBE, and passes every PUBLISH on, bytes as they came: of each packet it looks
//! at the length and the topic only.

mod audiences;
mod client;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use mio::event::Source as _;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use audiences::Audiences;
use client::Client;

const LISTENER: Token = Token(usize::MAX);
const SCRATCH_BYTES: usize = 256 * 1024;

/// Publishers are not read while a subscriber has more than this unsent.
const UNSENT_BYTES_MAX: usize = 4 << 20;

/// Runs until it is killed. Tells `ready` where it listens.
///
/// # Errors
/// When it cannot listen.
pub fn forward(listen: SocketAddr, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(listen)?;
    listener.register(poll.registry(), LISTENER, Interest::READABLE)?;
    ready(listener.local_addr()?);
    let mut forwarder = Forwarder {
        clients: Slab::new(),
        audiences: Audiences::default(),
        readable: Vec::new(),
        unsent: Vec::new(),
        scratch: vec![0; SCRATCH_BYTES],
    };
    let mut events = Events::with_capacity(1024);
    loop {
        let wait = forwarder.has_work().then_some(Duration::ZERO);
        poll.poll(&mut events, wait)?;
        for event in &events {
            if event.token() == LISTENER {
                forwarder.accept(&listener, poll.registry())?;
                continue;
            }
            if event.is_readable() {
                forwarder.note_readable(event.token().0);
            }
            if event.is_writable() {
                forwarder.note_unsent(event.token().0);
            }
        }
        forwarder.turn();
    }
}

struct Forwarder {
    clients: Slab<Client>,
    audiences: Audiences,
    /// Clients whose socket may have something to read, each once.
    readable: Vec<usize>,
    /// Clients with something to write, each once.
    unsent: Vec<usize>,
    scratch: Vec<u8>,
}

impl Forwarder {
    fn accept(&mut self, listener: &TcpListener, registry: &mio::Registry) -> Result<()> {
        while let Ok((mut stream, _)) = listener.accept() {
            stream.set_nodelay(true)?;
            let entry = self.clients.vacant_entry();
            let place = entry.key();
            stream.register(registry, Token(place), Interest::READABLE | Interest::WRITABLE)?;
            entry.insert(Client::new(stream));
            self.note_readable(place);
        }
        Ok(())
    }

    fn note_readable(&mut self, place: usize) {
        let Some(client) = self.clients.get_mut(place) else { return };
        if !std::mem::replace(&mut client.listed_readable, true) {
            self.readable.push(place);
        }
    }

    fn note_unsent(&mut self, place: usize) {
        let Some(client) = self.clients.get_mut(place) else { return };
        if !client.out.is_empty() && !std::mem::replace(&mut client.listed_unsent, true) {
            self.unsent.push(place);
        }
    }

    fn is_crowded(&self) -> bool {
        let of = |place: &usize| self.clients.get(*place).map_or(0, |client| client.out.len());
        self.unsent.iter().any(|place| of(place) > UNSENT_BYTES_MAX)
    }

    fn has_work(&self) -> bool {
        !self.readable.is_empty() && !self.is_crowded()
    }

    fn turn(&mut self) {
        let crowded = self.is_crowded();
        for place in std::mem::take(&mut self.readable) {
            let Some(client) = self.clients.get_mut(place) else { continue };
            client.listed_readable = false;
            let waits = crowded && !client.subscribed;
            let alive = waits || self.read(place);
            if !alive {
                self.close(place);
            } else if self.clients.get(place).is_some_and(|it| waits || it.has_more) {
                self.note_readable(place);
            }
        }
        self.pass_on();
        for place in std::mem::take(&mut self.unsent) {
            let Some(client) = self.clients.get_mut(place) else { continue };
            client.listed_unsent = false;
            if client.flush().is_err() {
                self.close(place);
            } else {
                self.note_unsent(place);
            }
        }
    }

    fn read(&mut self, place: usize) -> bool {
        let Some(client) = self.clients.get_mut(place) else { return false };
        let done = client.read(place, &mut self.scratch, &mut self.audiences);
        self.note_unsent(place);
        done.is_ok()
    }

    fn pass_on(&mut self) {
        let Self { audiences, clients, .. } = self;
        let mut touched = Vec::new();
        audiences.deliver(|place, bytes| {
            if let Some(client) = clients.get_mut(place) {
                client.out.extend_from_slice(bytes);
                touched.push(place);
            }
        });
        touched.into_iter().for_each(|place| self.note_unsent(place));
    }

    fn close(&mut self, place: usize) {
        if let Some(client) = self.clients.try_remove(place)
            && client.subscribed
        {
            self.audiences.forget(place);
        }
    }
}
