//! A broker with nothing to decide: the physical limit of the same traffic. It answers CONNECT and
//! SUBSCRIBE, and passes every PUBLISH on to everybody who subscribed to anything, bytes as they
//! came: of each packet it looks at the length only.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroU16;

use anyhow::Result;
use mio::event::Source as _;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use mqtt::{Ack, ConnAck, Kind, Packet, Properties, Reason, Version};

const LISTENER: Token = Token(usize::MAX);
const SCRATCH_BYTES: usize = 256 * 1024;

/// Publishers are not read while a subscriber has more than this unsent.
const UNSENT_BYTES_MAX: usize = 4 << 20;

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    partial: Vec<u8>,
    out: Vec<u8>,
    subscribed: bool,
    alive: bool,
    readable: bool,
}

/// Runs until it is killed. Tells `ready` where it listens.
///
/// # Errors
/// When it cannot listen.
pub fn forward(listen: SocketAddr, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(listen)?;
    listener.register(poll.registry(), LISTENER, Interest::READABLE)?;
    ready(listener.local_addr()?);
    let mut forwarder = Forwarder { clients: Vec::new(), scratch: vec![0; SCRATCH_BYTES] };
    let mut events = Events::with_capacity(1024);
    loop {
        let wait = forwarder.has_work().then_some(std::time::Duration::ZERO);
        poll.poll(&mut events, wait)?;
        for event in &events {
            if event.token() == LISTENER {
                forwarder.accept(&listener, poll.registry())?;
            } else if let Some(client) = forwarder.clients.get_mut(event.token().0) {
                client.readable |= event.is_readable();
            }
        }
        forwarder.turn();
    }
}

struct Forwarder {
    clients: Vec<Client>,
    scratch: Vec<u8>,
}

impl Forwarder {
    fn accept(&mut self, listener: &TcpListener, registry: &mio::Registry) -> Result<()> {
        while let Ok((mut stream, _)) = listener.accept() {
            stream.set_nodelay(true)?;
            let token = Token(self.clients.len());
            stream.register(registry, token, Interest::READABLE | Interest::WRITABLE)?;
            self.clients.push(Client {
                stream,
                partial: Vec::new(),
                out: Vec::new(),
                subscribed: false,
                alive: true,
                readable: true,
            });
        }
        Ok(())
    }

    fn crowded(&self) -> bool {
        self.clients.iter().any(|client| client.out.len() > UNSENT_BYTES_MAX)
    }

    fn has_work(&self) -> bool {
        !self.crowded() && self.clients.iter().any(|client| client.readable && client.alive)
    }

    fn turn(&mut self) {
        let mut passed = Vec::new();
        let crowded = self.crowded();
        for client in self.clients.iter_mut().filter(|it| it.readable && it.alive) {
            if !crowded || client.subscribed {
                client.alive = client.read(&mut self.scratch, &mut passed).is_ok();
            }
        }
        for client in self.clients.iter_mut().filter(|it| it.alive) {
            if client.subscribed {
                client.out.extend_from_slice(&passed);
            }
            client.alive = client.flush().is_ok();
        }
    }
}

impl Client {
    fn read(&mut self, scratch: &mut [u8], passed: &mut Vec<u8>) -> io::Result<()> {
        let count = match self.stream.read(scratch) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        let mut bytes = std::mem::take(&mut self.partial);
        bytes.extend_from_slice(scratch.get(..count).unwrap_or_default());
        let mut used = 0;
        while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
            let needed = mqtt::needed(rest, 1 << 20).map_err(io::Error::other)?;
            let Some(packet) = rest.get(..needed) else { break };
            self.take(packet, passed).map_err(io::Error::other)?;
            used += needed;
        }
        bytes.drain(..used);
        self.partial = bytes;
        Ok(())
    }

    fn take(&mut self, packet: &[u8], passed: &mut Vec<u8>) -> Result<()> {
        let first = packet.first().copied().unwrap_or_default();
        if first >> 4 == Kind::Publish as u8 {
            if first & 0b0110 != 0 {
                self.acknowledge(packet)?;
            }
            passed.extend_from_slice(packet);
            return Ok(());
        }
        match mqtt::decode(packet, Version::V311, 1 << 20)? {
            Some((Packet::Connect(_), _)) => {
                let answer = ConnAck {
                    session_present: false,
                    reason: Reason::Success,
                    properties: Properties::NONE,
                };
                Packet::ConnAck(answer).encode(Version::V311, &mut self.out)?;
            }
            Some((Packet::Subscribe(subscribe), _)) => {
                self.subscribed = true;
                mqtt::encode_suback(
                    Version::V311,
                    subscribe.packet_id(),
                    Properties::NONE,
                    [Reason::GrantedQos1],
                    &mut self.out,
                )?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The packet id stands behind the topic.
    fn acknowledge(&mut self, packet: &[u8]) -> Result<()> {
        let body = packet.iter().skip(1).take_while(|byte| **byte & 0x80 != 0).count() + 2;
        let topic = packet.get(body..body + 2).and_then(|len| <[u8; 2]>::try_from(len).ok());
        let at = body + 2 + topic.map_or(0, |len| usize::from(u16::from_be_bytes(len)));
        let id = packet.get(at..at + 2).and_then(|id| <[u8; 2]>::try_from(id).ok());
        if let Some(id) = id.and_then(|id| NonZeroU16::new(u16::from_be_bytes(id))) {
            let ack = Packet::PubAck(Ack::new(id, Reason::Success));
            ack.encode(Version::V311, &mut self.out)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut written = 0;
        while let Some(unsent) = self.out.get(written..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(unsent) {
                Ok(count) => written += count,
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => break,
                Err(fault) => return Err(fault),
            }
        }
        self.out.drain(..written);
        Ok(())
    }
}
