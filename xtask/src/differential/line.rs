//! One connection to one broker: what was said, what is owed, what was heard.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use anyhow::Result;
use mqtt::{Ack, Kind, Packet, Reason, Version, decode};

use super::heard::Heard;
use super::play::Broker;

/// Messages that a connection had heard each time it was settled.
pub(super) type Marks = Vec<usize>;

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
    /// Messages that have to come, by the time of each settling: the other broker sent as many.
    due: Marks,
    marks: Marks,
}

impl Line {
    pub(super) fn open(broker: Broker, version: Version, lazy: bool, due: Marks) -> Result<Self> {
        let stream = TcpStream::connect(broker.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(broker.patience))?;
        Ok(Self {
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
            due,
            marks: Marks::new(),
        })
    }

    /// Says CONNECT and waits for the answer, and for what the session is owed.
    pub(super) fn greet(mut self, connect: &[u8]) -> Self {
        self.write(connect);
        self.settle();
        self
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

    /// Reads what is on its way: pings until an answer to a ping is all that comes. What a session
    /// is owed that was resumed, may come later than the answer to a ping: the broker reads it from
    /// its disk. So what the other broker sent by now, is waited for, too.
    pub(super) fn settle(&mut self) {
        let due = self.due.get(self.marks.len()).copied().unwrap_or_default();
        loop {
            self.settle_once();
            if !self.open || self.heard.messages() >= due {
                break;
            }
            if !self.read() {
                // It does not come. The comparison will tell what it is.
                self.due.clear();
                break;
            }
        }
        self.marks.push(self.heard.messages());
    }

    fn settle_once(&mut self) {
        loop {
            self.answered = false;
            // Before the CONNACK a ping is one packet too many.
            let greeted = !self.owed.contains(&(Kind::ConnAck, 0));
            if greeted {
                self.pings += 1;
                self.write(&[Kind::PingReq.first_byte(), 0]);
            }
            while self.open && (self.pings > 0 || !self.owed.is_empty()) {
                if !self.read() {
                    self.give_up();
                }
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
            if !self.read() {
                self.give_up();
            }
        }
    }

    /// What was heard, and how much of it by when.
    pub(super) fn into_heard(self) -> (Heard, Marks) {
        (self.heard, self.marks)
    }

    fn write(&mut self, bytes: &[u8]) {
        // A broker that has closed is noticed while reading.
        drop(self.stream.write_all(bytes));
    }

    /// `false` when nothing came for a long time.
    fn read(&mut self) -> bool {
        let mut buffer = vec![0; READ_BYTES];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.closed(),
            Ok(count) => {
                self.unread.extend(buffer.get(..count).unwrap_or_default());
                self.take();
            }
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            Err(fault) if fault.kind() == ErrorKind::ConnectionReset => self.closed(),
            Err(_) => return false,
        }
        true
    }

    fn give_up(&mut self) {
        let owed = std::mem::take(&mut self.owed);
        self.heard.unanswered(owed, self.pings);
        self.pings = 0;
        self.open = false;
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
