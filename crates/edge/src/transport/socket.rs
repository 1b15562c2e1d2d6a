//! A connected socket, whatever its family: four bytes, without which nothing is read or written.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::net::{RecvFlags, SendFlags, recv, send};

#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

impl Socket {
    /// `connected` must not block.
    pub(crate) fn new(connected: OwnedFd) -> Self {
        Self(connected)
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (read, _whole) = recv(&self.0, buffer, RecvFlags::empty())?;
        Ok(read)
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        // A peer that is gone is an error here, no signal to the process.
        Ok(send(&self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    pub(crate) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE.add(Interest::WRITABLE);
        registry.register(&mut SourceFd(&self.0.as_raw_fd()), token, interest)
    }

    pub(crate) fn deregister(&self, registry: &Registry) -> io::Result<()> {
        registry.deregister(&mut SourceFd(&self.0.as_raw_fd()))
    }
}
