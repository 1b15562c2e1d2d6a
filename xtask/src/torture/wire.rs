//! A connection to a site, as a device or a subscriber has it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mqtt::{Packet, Version};

const PACKET_BYTES_MAX: u32 = 1 << 16;
const CHUNK_BYTES: usize = 64 * 1024;

/// A site under torture on two busy cores may take its time, but not this long.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    version: Version,
    /// What came and was not taken.
    input: Vec<u8>,
    chunk: Vec<u8>,
    out: Vec<u8>,
}

/// Whether anything came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Something,
    Silence,
}

impl Wire {
    /// # Errors
    /// When nobody listens there.
    pub(super) fn open(site: SocketAddr, version: Version) -> Result<Self> {
        let stream = TcpStream::connect(site)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        Ok(Self {
            stream,
            version,
            input: Vec::new(),
            chunk: vec![0; CHUNK_BYTES],
            out: Vec::new(),
        })
    }

    /// What `send` sends.
    pub(super) const fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// # Errors
    /// When the connection is gone.
    pub(super) fn send(&mut self) -> Result<()> {
        self.stream.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Waits for some bytes, at most `ANSWER_WAIT`.
    ///
    /// # Errors
    /// When the connection is gone, or nothing comes.
    pub(super) fn receive(&mut self) -> Result<()> {
        match self.receive_within(ANSWER_WAIT)? {
            Heard::Something => Ok(()),
            Heard::Silence => bail!("no answer for {ANSWER_WAIT:?}"),
        }
    }

    /// Waits for some bytes, at most so long.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) fn receive_within(&mut self, longest: Duration) -> Result<Heard> {
        self.stream.set_read_timeout(Some(longest))?;
        match self.stream.read(&mut self.chunk) {
            Ok(0) => bail!("the site closed the connection"),
            Ok(count) => {
                self.input.extend_from_slice(self.chunk.get(..count).unwrap_or_default());
                Ok(Heard::Something)
            }
            Err(fault) if matches!(fault.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(Heard::Silence)
            }
            Err(fault) => Err(fault).context("the connection broke"),
        }
    }

    /// Hands over every whole packet that came, with the place for answers.
    ///
    /// # Errors
    /// When the site sent what is no packet, and when `take` fails.
    pub(super) fn take_all(
        &mut self,
        mut take: impl FnMut(&Packet<'_>, &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let mut used = 0;
        while let Some(rest) = self.input.get(used..).filter(|rest| !rest.is_empty()) {
            let found = mqtt::decode(rest, self.version, PACKET_BYTES_MAX)?;
            let Some((packet, len)) = found else { break };
            take(&packet, &mut self.out)?;
            used += len;
        }
        self.input.drain(..used);
        Ok(())
    }
}
