//! A non-blocking connection and its buffers. Edge-triggered: whoever is told that it is readable
//! or writable goes on until it is not.

use std::io::{self, Read as _, Write as _};

use anyhow::{Context, Result, bail};
use mio::event::Event;
use mio::net::TcpStream;
use mqtt::{Packet, Version};
use rustls::{ClientConnection, StreamOwned};

pub(crate) const VERSION: Version = Version::V311;

/// Far above what the generator itself sends; a broker that sends more is broken.
const PACKET_BYTES_MAX: u32 = 1 << 20;

/// Reads of one connection in one turn, so that one busy subscriber does not starve publishers.
const READS_PER_TURN: usize = 8;

/// What one turn may leave unsent, so that the kernel gets large writes.
pub(crate) const OUT_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug)]
enum Socket {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

#[derive(Debug)]
pub(crate) struct Wire {
    socket: Socket,
    out: Vec<u8>,
    /// Bytes at the start of `out` that are gone already.
    written: usize,
    /// The beginning of a packet whose end has not come.
    partial: Vec<u8>,
    readable: bool,
    writable: bool,
}

impl Wire {
    pub(crate) fn new(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::over(Socket::Plain(TcpStream::from_std(stream))))
    }

    pub(crate) fn tls(stream: std::net::TcpStream, session: ClientConnection) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let stream = StreamOwned::new(session, TcpStream::from_std(stream));
        Ok(Self::over(Socket::Tls(Box::new(stream))))
    }

    const fn over(socket: Socket) -> Self {
        Self {
            socket,
            out: Vec::new(),
            written: 0,
            partial: Vec::new(),
            readable: true,
            writable: true,
        }
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        match &mut self.socket {
            Socket::Plain(stream) => stream,
            Socket::Tls(stream) => stream.get_mut(),
        }
    }

    pub(crate) fn mark(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        // What TLS cannot send yet may wait for bytes of the handshake.
        let unlocked = matches!(self.socket, Socket::Tls(_)) && self.readable;
        self.writable |= event.is_writable() || unlocked;
    }

    fn write(&mut self) -> io::Result<usize> {
        let unsent = self.out.get(self.written..).unwrap_or_default();
        match &mut self.socket {
            Socket::Plain(stream) => stream.write(unsent),
            Socket::Tls(stream) => stream.write(unsent),
        }
    }

    fn fill(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        match &mut self.socket {
            Socket::Plain(stream) => stream.read(scratch),
            Socket::Tls(stream) => stream.read(scratch),
        }
    }

    pub(crate) const fn has_input(&self) -> bool {
        self.readable
    }

    /// Whether a flush would get rid of something.
    pub(crate) const fn has_output(&self) -> bool {
        self.writable && self.written < self.out.len()
    }

    /// Where to append packets, while there is room.
    pub(crate) fn room(&mut self) -> Option<&mut Vec<u8>> {
        let unsent = self.out.len() - self.written;
        (self.writable && unsent < OUT_BYTES_MAX).then_some(&mut self.out)
    }

    pub(crate) fn flush(&mut self) -> Result<()> {
        while self.writable && self.written < self.out.len() {
            match self.write() {
                Ok(count) => self.written += count,
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(fault) => return Err(fault).context("the broker cut a connection"),
            }
        }
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        }
        Ok(())
    }

    /// Reads what is there and shows each packet to `take`, which may append answers.
    pub(crate) fn read(
        &mut self,
        scratch: &mut [u8],
        mut take: impl FnMut(&Packet<'_>, &mut Vec<u8>),
    ) -> Result<()> {
        for _ in 0..READS_PER_TURN {
            let count = match self.fill(scratch) {
                Ok(0) => bail!("the broker closed a connection"),
                Ok(count) => count,
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    break;
                }
                Err(fault) => return Err(fault).context("the broker cut a connection"),
            };
            let fresh = scratch.get(..count).unwrap_or_default();
            if self.partial.is_empty() {
                let used = packets(fresh, &mut self.out, &mut take)?;
                self.partial.extend_from_slice(fresh.get(used..).unwrap_or_default());
            } else {
                self.partial.extend_from_slice(fresh);
                let used = packets(&self.partial, &mut self.out, &mut take)?;
                self.partial.drain(..used);
            }
        }
        Ok(())
    }
}

/// How many bytes were whole packets.
fn packets(
    bytes: &[u8],
    out: &mut Vec<u8>,
    take: &mut impl FnMut(&Packet<'_>, &mut Vec<u8>),
) -> Result<usize> {
    let mut used = 0;
    while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
        let Some((packet, len)) = mqtt::decode(rest, VERSION, PACKET_BYTES_MAX)? else { break };
        take(&packet, out);
        used += len;
    }
    Ok(used)
}
