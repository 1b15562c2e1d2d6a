//! How bytes travel between a socket and MQTT: as they are, or through the layers of a listener.
//!
//! A plain connection is a file descriptor. Layers live in a box beside it, which moves with the
//! socket from shard to shard.

mod certificates;
mod frames;
mod layers;
mod origins;
pub mod probe;
mod proxy;
mod socket;
mod tls;
mod upgrade;
mod websocket;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use mio::{Registry, Token};

pub(crate) use certificates::Certificates;
pub use certificates::{CertificateFault, TlsFiles};
pub(crate) use layers::{Layers, TransportFault};
pub use origins::Origins;
pub(crate) use tls::{Tls, TlsFault};

use crate::output::Output;
use socket::Socket;

/// What a socket's kernel buffer holds at most by default.
const INPUT_BYTES: usize = 256 << 10;

/// Buffers that all connections of a shard share.
#[derive(Debug)]
pub(crate) struct Scratch {
    input: Box<[u8]>,
    /// What was inside of TLS, when it goes through another layer.
    unsealed: Vec<u8>,
    /// MQTT.
    plain: Vec<u8>,
    answer: Vec<u8>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self {
            input: vec![0; INPUT_BYTES].into(),
            unsealed: Vec::new(),
            plain: Vec::new(),
            answer: Vec::new(),
        }
    }
}

/// What one read gave.
#[derive(Debug)]
pub(crate) struct Heard<'s> {
    /// MQTT.
    pub(crate) bytes: &'s [u8],
    /// Who the peer is, when a proxy has told.
    pub(crate) peer: Option<SocketAddr>,
    /// The buffer was filled, so there may be more. Anything less drained the socket, and the
    /// kernel will say when there is more.
    pub(crate) more: bool,
    pub(crate) end: Option<End>,
}

/// Why nothing more comes.
#[derive(Debug)]
pub(crate) enum End {
    Closed,
    Fault(TransportFault),
}

/// A socket, the listener that accepted it, and what its bytes are wrapped in.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: Socket,
    /// Which listener.
    pub(crate) door: u8,
    marks: u8,
    layers: Option<Box<Layers>>,
}

/// What is so of a connection.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Mark {
    /// It counts for the address of its peer.
    Counted = 1,
    /// It is in its shard's list of those that may have more to read.
    Queued = 2,
    /// The peer says nothing more: what it said is to be read, and then the end.
    HungUp = 4,
    /// The kernel takes no more bytes, and tells when it does again.
    Blocked = 8,
}

// A million idle connections are worth counting.
const _: () = assert!(size_of::<Option<Wire>>() == 16, "a plain connection costs 16 bytes here");

impl Wire {
    pub(crate) fn new(connected: OwnedFd, door: u8, layers: Option<Layers>) -> Self {
        let layers = layers.map(Box::new);
        let socket = Socket::new(connected);
        Self { socket, door, marks: 0, layers }
    }

    pub(crate) const fn is(&self, mark: Mark) -> bool {
        self.marks & mark as u8 != 0
    }

    pub(crate) const fn set(&mut self, mark: Mark, so: bool) {
        if so {
            self.marks |= mark as u8;
        } else {
            self.marks &= !(mark as u8);
        }
    }

    pub(crate) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        self.socket.register(registry, token)
    }

    pub(crate) fn deregister(&self, registry: &Registry) -> io::Result<()> {
        self.socket.deregister(registry)
    }

    /// Whether reading may cost a signature or a key exchange.
    pub(crate) fn is_shaking(&self) -> bool {
        self.layers.as_ref().is_some_and(|layers| layers.is_shaking())
    }

    /// Whether something waits for the kernel besides what the shard has to send.
    pub(crate) fn wants_write(&self) -> bool {
        self.layers.as_ref().is_some_and(|layers| !layers.pending.is_empty())
    }

    /// Reads the socket once, `most` bytes at most.
    pub(crate) fn read<'s>(
        &mut self,
        scratch: &'s mut Scratch,
        most: usize,
    ) -> io::Result<Heard<'s>> {
        let Some(layers) = &mut self.layers else {
            let room = most.min(INPUT_BYTES);
            let read = self.socket.read(scratch.input.get_mut(..room).unwrap_or_default())?;
            let end = (read == 0).then_some(End::Closed);
            let bytes = scratch.input.get(..read).unwrap_or_default();
            return Ok(Heard { bytes, peer: None, more: read == room, end });
        };
        let held = layers.held.len();
        let (front, rest) = scratch.input.split_at_mut(held);
        let room = most.min(rest.len());
        let rest = rest.get_mut(..room).unwrap_or_default();
        let read = self.socket.read(rest)?;
        if read == 0 {
            layers.over = true;
            return Ok(Heard { bytes: &[], peer: None, more: false, end: Some(End::Closed) });
        }
        front.copy_from_slice(&layers.held);
        layers.held = Vec::new();
        let mut heard = layers.receive(held + read, scratch);
        heard.more = read == room;
        if layers.is_transparent() {
            self.layers = None;
        }
        Ok(heard)
    }

    /// Writes until everything is gone or the kernel takes no more.
    pub(crate) fn write(
        &mut self,
        output: Option<&mut Output>,
        scratch: &mut Scratch,
    ) -> io::Result<()> {
        let Some(layers) = &mut self.layers else {
            return output.map_or(Ok(()), |output| write_out(&self.socket, output));
        };
        let mut output = output;
        loop {
            write_out(&self.socket, &mut layers.pending).inspect_err(|_gone| layers.over = true)?;
            let Some(output) = output.as_deref_mut().filter(|output| !output.is_empty()) else {
                return Ok(());
            };
            if !layers.pending.is_empty() {
                return Ok(());
            }
            if let Err(fault) = layers.wrap(output, scratch) {
                layers.over = true;
                return Err(io::Error::other(fault));
            }
        }
    }

    /// The connection is over. Says whether the socket can be closed; else the kernel has to take
    /// what was said before.
    pub(crate) fn part(&mut self) -> bool {
        let Some(layers) = &mut self.layers else { return true };
        if let Err(fault) = layers.part() {
            tracing::debug!(%fault, "a connection ended without a goodbye");
            layers.over = true;
        }
        let written = write_out(&self.socket, &mut layers.pending);
        layers.over || written.is_err() || layers.pending.is_empty()
    }
}

fn write_out(socket: &Socket, output: &mut Output) -> io::Result<()> {
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

#[cfg(test)]
mod tests;
