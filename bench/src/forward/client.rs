//! One connection of the forwarder.

use std::io::{self, Read as _, Write as _};
use std::num::NonZeroU16;

use anyhow::Result;
use mio::net::TcpStream;
use mqtt::{Ack, ConnAck, Kind, Packet, Properties, Reason, Version};

use super::audiences::Audiences;

const PACKET_BYTES_MAX: u32 = 1 << 20;

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent notes, each of its own list")]
pub(super) struct Client {
    stream: TcpStream,
    partial: Vec<u8>,
    pub(super) out: Vec<u8>,
    pub(super) subscribed: bool,
    /// The socket was not empty after the last read.
    pub(super) has_more: bool,
    pub(super) listed_readable: bool,
    pub(super) listed_unsent: bool,
}

impl Client {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            partial: Vec::new(),
            out: Vec::new(),
            subscribed: false,
            has_more: true,
            listed_readable: false,
            listed_unsent: false,
        }
    }

    pub(super) fn read(
        &mut self,
        place: usize,
        scratch: &mut [u8],
        audiences: &mut Audiences,
    ) -> Result<()> {
        let count = match self.stream.read(scratch) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(count) => count,
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {
                self.has_more = false;
                return Ok(());
            }
            Err(fault) => return Err(fault.into()),
        };
        self.has_more = true;
        let fresh = scratch.get(..count).unwrap_or_default();
        if self.partial.is_empty() {
            let used = self.take_all(fresh, place, audiences)?;
            self.partial.extend_from_slice(fresh.get(used..).unwrap_or_default());
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.partial);
        bytes.extend_from_slice(fresh);
        let used = self.take_all(&bytes, place, audiences)?;
        bytes.drain(..used);
        self.partial = bytes;
        Ok(())
    }

    /// How many bytes were whole packets.
    fn take_all(&mut self, bytes: &[u8], place: usize, audiences: &mut Audiences) -> Result<usize> {
        let mut used = 0;
        while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
            let needed = mqtt::needed(rest, PACKET_BYTES_MAX)?;
            let Some(packet) = rest.get(..needed) else { break };
            self.take(packet, place, audiences)?;
            used += needed;
        }
        Ok(used)
    }

    fn take(&mut self, packet: &[u8], place: usize, audiences: &mut Audiences) -> Result<()> {
        let first = packet.first().copied().unwrap_or_default();
        if first >> 4 == Kind::Publish as u8 {
            let (topic, rest) = topic_of(packet);
            if first & 0b0110 != 0 {
                self.acknowledge(rest)?;
            }
            audiences.hear(topic, packet);
            return Ok(());
        }
        match mqtt::decode(packet, Version::V311, PACKET_BYTES_MAX)? {
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
                let lines = subscribe.subscriptions();
                let granted = lines.map(|line| {
                    audiences.subscribe(line.filter, place);
                    Reason::GrantedQos1
                });
                let id = subscribe.packet_id();
                let out = &mut self.out;
                mqtt::encode_suback(Version::V311, id, Properties::NONE, granted, out)?;
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    /// `after_topic` begins with the packet id.
    fn acknowledge(&mut self, after_topic: &[u8]) -> Result<()> {
        let id = after_topic.first_chunk().map(|id| u16::from_be_bytes(*id));
        if let Some(id) = id.and_then(NonZeroU16::new) {
            let ack = Packet::PubAck(Ack::new(id, Reason::Success));
            ack.encode(Version::V311, &mut self.out)?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
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

/// The topic of a whole PUBLISH, and what follows it.
fn topic_of(packet: &[u8]) -> (&[u8], &[u8]) {
    // The length has up to four bytes, of which all but the last have the highest bit.
    let length = packet.iter().skip(1).take_while(|byte| **byte & 0x80 != 0).count() + 1;
    let body = packet.get(1 + length..).unwrap_or_default();
    let Some((len, rest)) = body.split_first_chunk() else { return (&[], &[]) };
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len))).unwrap_or_default()
}
