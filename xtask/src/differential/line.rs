//! One connection to one broker: what was said, what is owed, what was heard.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Result;
use mqtt::{Ack, Kind, Packet, Reason, Version, decode};

use super::heard::Heard;

/// An answer takes some milliseconds, with a slow disk some hundred.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

const READ_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    version: Version,
    lazy: bool,
    open: bool,
    unread: Vec<u8>,
    /// Answers of the broker that have to come.
    owed: BTreeSet<(Kind, u16)>,
    pings: u32,
    /// Answers to the broker that were written since the last ping.
    answered: bool,
    answers: Vec<u8>,
    heard: Heard,
}

impl Line {
    /// Says CONNECT and waits for the answer.
    pub(super) fn connect(
        address: SocketAddr,
        version: Version,
        packet: &[u8],
        lazy: bool,
    ) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        let mut line = Self {
            stream,
            version,
            lazy,
            open: true,
            unread: Vec::new(),
            owed: BTreeSet::from([(Kind::ConnAck, 0)]),
            pings: 0,
            answered: false,
            answers: Vec::new(),
            heard: Heard::default(),
        };
        line.write(packet);
        line.settle();
        Ok(line)
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Says packets, and reads until all answers have come and nothing more is on its way.
    pub(super) fn say(&mut self, packets: &[Vec<u8>]) {
        let mut goodbye = false;
        for bytes in packets {
            if let Ok(Some((packet, _))) = decode(bytes, self.version, u32::MAX) {
                goodbye |= packet.kind() == Kind::Disconnect;
                self.owed.extend(answer_to(&packet));
            }
        }
        self.write(&packets.concat());
        if goodbye {
            self.read_to_the_end();
        } else {
            self.settle();
        }
    }

    /// Reads what is on its way: pings until an answer to a ping is all that comes.
    pub(super) fn settle(&mut self) {
        loop {
            self.answered = false;
            // Before the CONNACK a ping is one packet too many.
            let greeted = !self.owed.contains(&(Kind::ConnAck, 0));
            if greeted {
                self.pings += 1;
                self.write(&[Kind::PingReq.first_byte(), 0]);
            }
            while self.open && (self.pings > 0 || !self.owed.is_empty()) {
                self.read();
            }
            if !self.open || (greeted && !self.answered) {
                return;
            }
        }
    }

    /// The broker is to close it: after a goodbye, or because the client came again.
    pub(super) fn read_to_the_end(&mut self) {
        self.owed.clear();
        while self.open {
            self.read();
        }
    }

    pub(super) fn into_heard(self) -> Heard {
        self.heard
    }

    fn write(&mut self, bytes: &[u8]) {
        // A broker that has closed is noticed while reading.
        drop(self.stream.write_all(bytes));
    }

    fn read(&mut self) {
        let mut buffer = vec![0; READ_BYTES];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.closed(),
            Ok(count) => {
                self.unread.extend(buffer.get(..count).unwrap_or_default());
                self.take();
            }
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            Err(fault) if fault.kind() == ErrorKind::ConnectionReset => self.closed(),
            Err(_) => {
                let owed = std::mem::take(&mut self.owed);
                self.heard.unanswered(owed, self.pings);
                self.pings = 0;
                self.open = false;
            }
        }
    }

    fn closed(&mut self) {
        self.open = false;
        self.heard.closed();
    }

    fn take(&mut self) {
        let unread = std::mem::take(&mut self.unread);
        let mut rest = unread.as_slice();
        loop {
            match decode(rest, self.version, u32::MAX) {
                Ok(None) => break,
                Ok(Some((packet, length))) => {
                    self.hear(&packet);
                    rest = rest.get(length..).unwrap_or_default();
                }
                Err(malformed) => {
                    self.heard.no_packet(malformed);
                    self.open = false;
                    return;
                }
            }
        }
        self.unread = rest.to_vec();
        if !self.answers.is_empty() {
            let answers = std::mem::take(&mut self.answers);
            self.write(&answers);
            self.answered = true;
        }
    }

    fn hear(&mut self, packet: &Packet<'_>) {
        self.heard.add(packet);
        match packet {
            Packet::PingResp => self.pings = self.pings.saturating_sub(1),
            Packet::ConnAck(_) => drop(self.owed.remove(&(Kind::ConnAck, 0))),
            Packet::SubAck(it) | Packet::UnsubAck(it) => self.paid(packet, it.packet_id().get()),
            Packet::PubAck(ack) | Packet::PubComp(ack) => self.paid(packet, ack.packet_id.get()),
            Packet::PubRec(ack) => {
                self.paid(packet, ack.packet_id.get());
                if !ack.reason.is_failure() {
                    self.owed.insert((Kind::PubComp, ack.packet_id.get()));
                    self.answer(&Packet::PubRel(Ack::new(ack.packet_id, Reason::Success)));
                }
            }
            Packet::PubRel(ack) => {
                self.answer(&Packet::PubComp(Ack::new(ack.packet_id, Reason::Success)));
            }
            Packet::Publish(publish) => {
                if let Some(id) = publish.packet_id.filter(|_| !self.lazy) {
                    let ack = Ack::new(id, Reason::Success);
                    let twice = publish.qos == model::Qos::ExactlyOnce;
                    self.answer(&if twice { Packet::PubRec(ack) } else { Packet::PubAck(ack) });
                }
            }
            Packet::Connect(_)
            | Packet::Subscribe(_)
            | Packet::Unsubscribe(_)
            | Packet::PingReq
            | Packet::Disconnect(_)
            | Packet::Auth(_) => {}
        }
    }

    fn paid(&mut self, packet: &Packet<'_>, id: u16) {
        self.owed.remove(&(packet.kind(), id));
    }

    fn answer(&mut self, packet: &Packet<'_>) {
        let written = packet.encode(self.version, &mut self.answers);
        assert_eq!(written, Ok(()), "four bytes");
    }
}

fn answer_to(packet: &Packet<'_>) -> Option<(Kind, u16)> {
    match packet {
        Packet::Publish(it) => {
            let kind = match it.qos {
                model::Qos::AtMostOnce => return None,
                model::Qos::AtLeastOnce => Kind::PubAck,
                model::Qos::ExactlyOnce => Kind::PubRec,
            };
            it.packet_id.map(|id| (kind, id.get()))
        }
        Packet::Subscribe(it) => Some((Kind::SubAck, it.packet_id().get())),
        Packet::Unsubscribe(it) => Some((Kind::UnsubAck, it.packet_id().get())),
        Packet::PubRel(it) => Some((Kind::PubComp, it.packet_id.get())),
        Packet::Connect(_)
        | Packet::ConnAck(_)
        | Packet::PubAck(_)
        | Packet::PubRec(_)
        | Packet::PubComp(_)
        | Packet::SubAck(_)
        | Packet::UnsubAck(_)
        | Packet::PingReq
        | Packet::PingResp
        | Packet::Disconnect(_)
        | Packet::Auth(_) => None,
    }
}
