//! Clients that live in this process, such as a bridge: an ordinary connection over a pair of
//! sockets that nobody else can reach, so that it needs no credentials.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use model::{Event, Meter, Moment};

use crate::door::Door;
use crate::listener::THIS_MACHINE;
use crate::mailbox::{Adopted, Letter, Mailbox};

/// Opens connections from within.
#[derive(Clone, Debug)]
pub struct Within {
    pub(crate) doors: Arc<[Door]>,
    pub(crate) mailboxes: Arc<[Mailbox]>,
    pub(crate) meter: Arc<Meter>,
}

impl Within {
    /// A client's end of a connection. It lives on the shard to which its id hashes, as any other.
    ///
    /// # Errors
    /// When the kernel has no more sockets, or the first shard no room for letters.
    pub fn connect(&self) -> io::Result<UnixStream> {
        let (ours, theirs) = UnixStream::pair()?;
        theirs.set_nonblocking(true)?;
        let index = self.doors.len() - 1;
        let (Some(door), Some(mailbox)) = (self.doors.get(index), self.mailboxes.first()) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        door.gate
            .enter(&door.limits(), Moment::START)
            .map_err(|_full| io::ErrorKind::QuotaExceeded)?;
        let wire = door.wire(theirs.into(), u8::try_from(index).unwrap_or(u8::MAX));
        let wire = wire.map_err(io::Error::other)?;
        let nothing = Adopted { bytes: Vec::new(), peer: THIS_MACHINE };
        let mut letters = vec![Letter::Adopt(wire, nothing)];
        mailbox.post(&mut letters)?;
        if !letters.is_empty() {
            door.gate.leave();
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.meter.count(Event::ConnectionOpened);
        Ok(ours)
    }
}
