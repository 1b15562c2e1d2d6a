//! A socket of a bridge, plain or in TLS. Nothing here blocks.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{TcpStream as StdTcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustls::ClientConnection;

use crate::tls::Tls;

/// For each address of the other broker.
const DIAL_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Line {
    socket: Socket,
    tls: Option<Box<ClientConnection>>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Line {
    /// One end of a pair within this process.
    ///
    /// # Errors
    /// When the socket cannot be made not to block.
    pub fn within(socket: StdUnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Socket::Unix(UnixStream::from_std(socket)), tls: None })
    }

    /// Looks the name up and connects: this one blocks.
    pub(crate) fn dial(address: &str, tls: Option<&Tls>) -> io::Result<Self> {
        let socket = open(address)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let tls = tls.map(Tls::connection).transpose().map_err(io::Error::other)?;
        Ok(Self { socket: Socket::Tcp(TcpStream::from_std(socket)), tls: tls.map(Box::new) })
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(self.socket.source(), token, interest)
    }

    /// MQTT, once; `WouldBlock` when there is nothing more.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.socket.read(into) };
        loop {
            match tls.reader().read(into) {
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            tls.read_tls(&mut self.socket)?;
            if let Err(broken) = tls.process_new_packets() {
                // It is told, if the socket takes it; the connection is over either way.
                drop(flush(tls, &mut self.socket));
                return Err(io::Error::new(ErrorKind::InvalidData, broken));
            }
            flush(tls, &mut self.socket)?;
        }
    }

    /// Says how much was taken; 0 when there is no room. Also moves what TLS has to say itself.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return match bytes {
                [] => Ok(0),
                bytes => room(self.socket.write(bytes)),
            };
        };
        flush(tls, &mut self.socket)?;
        // What does not fit into the socket stays in its buffer of 64 KiB.
        let taken = if tls.wants_write() && !tls.is_handshaking() {
            0
        } else {
            tls.writer().write(bytes)?
        };
        flush(tls, &mut self.socket)?;
        Ok(taken)
    }
}

fn flush(tls: &mut ClientConnection, socket: &mut Socket) -> io::Result<()> {
    while tls.wants_write() {
        if room(tls.write_tls(socket))? == 0 {
            break;
        }
    }
    Ok(())
}

/// No room is no fault.
fn room(outcome: io::Result<usize>) -> io::Result<usize> {
    match outcome {
        Err(fault) if fault.kind() == ErrorKind::WouldBlock => Ok(0),
        outcome => outcome,
    }
}

fn open(address: &str) -> io::Result<StdTcpStream> {
    let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
    for candidate in address.to_socket_addrs()? {
        match StdTcpStream::connect_timeout(&candidate, DIAL_PATIENCE) {
            Ok(socket) => return Ok(socket),
            Err(cause) => last = cause,
        }
    }
    Err(last)
}

impl Socket {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(socket) => socket,
            Self::Unix(socket) => socket,
        }
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(into),
            Self::Unix(socket) => socket.read(into),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write(bytes),
            Self::Unix(socket) => socket.write(bytes),
        }
    }

    /// TLS has several records to say at once.
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write_vectored(parts),
            Self::Unix(socket) => socket.write_vectored(parts),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
