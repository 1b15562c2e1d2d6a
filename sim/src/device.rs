//! A simulated device: publishes numbered readings over MQTT 5, sends again what was not
//! acknowledged, and knows exactly what was.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

use hub::ConnectionKey;
use model::{Position, Qos};
use mqtt::{
    Ack, Connect, Packet, PropertiesBuf, Property, Publish, PublishProperties, Reason, Version,
    decode,
};

use crate::random::Random;

/// Messages a device has under way.
const WINDOW: usize = 8;

/// Its readings are a second apart, from 2023-11-14 on.
pub(crate) const FIRST_MILLIS: i64 = 1_700_000_000_000;

/// Where its connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) shard: usize,
    pub(crate) key: ConnectionKey,
}

/// A message that is not acknowledged for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flight {
    number: u64,
    qos: Qos,
    /// QoS 2: the server has it; only the release is still to be confirmed.
    released: bool,
}

#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) name: String,
    /// Its session outlives its connection.
    lasting: bool,
    pub(crate) at: Option<At>,
    welcomed: bool,
    /// Bytes the network has not delivered to the server yet.
    pub(crate) wire: Vec<u8>,
    /// Bytes from the server that do not make a packet yet.
    partial: Vec<u8>,
    flights: BTreeMap<u16, Flight>,
    next_number: u64,
    last_id: u16,
    /// Numbers of readings that were acknowledged.
    pub(crate) acknowledged: BTreeSet<u64>,
    /// Numbers of readings that were sent with QoS 2.
    pub(crate) once: BTreeSet<u64>,
    /// Wishes to forget it: the position of the record, and the number of the reading after it. The
    /// journal may lose those that are not committed.
    erasures: Vec<(Position, u64)>,
    /// The listener is owed readings from this number on; `None` before it is subscribed.
    pub(crate) owed_from: Option<u64>,
}

impl Device {
    pub(crate) fn new(name: String, lasting: bool) -> Self {
        Self {
            name,
            lasting,
            at: None,
            welcomed: false,
            wire: Vec::new(),
            partial: Vec::new(),
            flights: BTreeMap::new(),
            next_number: 0,
            last_id: 0,
            acknowledged: BTreeSet::new(),
            once: BTreeSet::new(),
            erasures: Vec::new(),
            owed_from: None,
        }
    }

    /// Everything it sent is acknowledged, and nothing is on the wire.
    pub(crate) fn is_quiet(&self) -> bool {
        self.flights.is_empty() && self.wire.is_empty()
    }

    pub(crate) fn erase(&mut self, position: Position) {
        self.erasures.push((position, self.next_number));
    }

    /// The journal goes up to `last` after a crash: wishes behind it are lost.
    pub(crate) fn settle_erasures(&mut self, last: Position) {
        self.erasures.retain(|(position, _)| *position <= last);
    }

    /// Readings before this number are erased for a view at `position`.
    pub(crate) fn erased_before(&self, position: Position) -> u64 {
        let seen = self.erasures.iter().filter(|(at, _)| *at <= position);
        seen.map(|(_, number)| *number).max().unwrap_or_default()
    }

    /// The value of reading `number`: a different one for every device and number.
    pub(crate) fn value(&self, number: u64) -> f64 {
        let offset = self.name.bytes().map(u64::from).sum::<u64>() % 97;
        #[expect(clippy::cast_precision_loss, reason = "numbers stay far below 2^53")]
        let value = (number * 100 + offset) as f64;
        value / 8.0
    }

    pub(crate) fn time_of(number: u64) -> i64 {
        FIRST_MILLIS + i64::try_from(number).unwrap_or_default() * 1_000
    }

    pub(crate) fn topic(&self) -> String {
        format!("farm/{}", self.name)
    }

    /// Its session is there after a crash, so that QoS 2 is exactly once.
    pub(crate) fn is_lasting(&self) -> bool {
        self.lasting
    }

    /// How many readings were ever sent.
    pub(crate) fn sent(&self) -> u64 {
        self.next_number
    }

    pub(crate) fn connect(&mut self) -> Vec<u8> {
        let mut properties = PropertiesBuf::default();
        if self.lasting {
            let pushed = properties.push(Property::SessionExpiry(3_600)).map(|_buf| ());
            assert_eq!(pushed, Ok(()));
        }
        let connect = Connect {
            version: Version::V5,
            clean_start: !self.lasting,
            keep_alive: 0,
            client_id: &self.name,
            will: None,
            user_name: None,
            password: None,
            properties: properties.as_properties(),
        };
        let mut bytes = Vec::new();
        assert_eq!(connect.encode(&mut bytes), Ok(()));
        bytes
    }

    /// The connection is gone, with everything on the wire.
    pub(crate) fn lose(&mut self) {
        self.at = None;
        self.welcomed = false;
        self.wire.clear();
        self.partial.clear();
    }

    /// Sends one more reading, if the window has room.
    pub(crate) fn publish(&mut self, random: &mut Random) {
        if !self.welcomed || self.flights.len() >= WINDOW {
            return;
        }
        let qos = if random.one_in(4) { Qos::ExactlyOnce } else { Qos::AtLeastOnce };
        let flight = Flight { number: self.next_number, qos, released: false };
        if qos == Qos::ExactlyOnce {
            self.once.insert(self.next_number);
        }
        self.next_number += 1;
        loop {
            self.last_id = self.last_id.wrapping_add(1).max(1);
            if !self.flights.contains_key(&self.last_id) {
                break;
            }
        }
        self.flights.insert(self.last_id, flight);
        self.send(self.last_id, flight, false);
    }

    fn send(&mut self, id: u16, flight: Flight, dup: bool) {
        let payload = format!(
            "{{\"ts\":{},\"v\":{}}}",
            Self::time_of(flight.number),
            self.value(flight.number)
        );
        let topic = self.topic();
        let packet = Packet::Publish(Publish {
            dup,
            qos: flight.qos,
            retain: flight.number.is_multiple_of(5),
            topic: &topic,
            packet_id: NonZeroU16::new(id),
            properties: PublishProperties::NONE,
            payload: payload.as_bytes(),
        });
        write(&packet, &mut self.wire);
    }

    /// Takes what the server sent; says the numbers of readings that were acknowledged by it.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Vec<u64> {
        self.partial.extend_from_slice(bytes);
        let whole = std::mem::take(&mut self.partial);
        let mut rest = &whole[..];
        let mut news = Vec::new();
        while let Some((packet, length)) = decode(rest, Version::V5, 1 << 20).unwrap_or(None) {
            self.hear_packet(&packet, &mut news);
            rest = rest.get(length..).unwrap_or_default();
        }
        self.partial = rest.to_vec();
        news
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "any other packet is a fault")]
    fn hear_packet(&mut self, packet: &Packet<'_>, news: &mut Vec<u64>) {
        match packet {
            Packet::ConnAck(connack) => {
                assert_eq!(connack.reason, Reason::Success);
                self.welcomed = true;
                self.resume(connack.session_present);
            }
            Packet::PubAck(ack) => {
                assert!(!ack.reason.is_failure(), "nothing here is refused: {ack:?}");
                let flight = self.flights.remove(&ack.packet_id.get());
                news.extend(flight.map(|flight| flight.number));
            }
            Packet::PubRec(ack) => {
                assert!(!ack.reason.is_failure(), "nothing here is refused: {ack:?}");
                if let Some(flight) = self.flights.get_mut(&ack.packet_id.get()) {
                    flight.released = true;
                    news.push(flight.number);
                }
                let release = Packet::PubRel(Ack::new(ack.packet_id, Reason::Success));
                write(&release, &mut self.wire);
            }
            Packet::PubComp(ack) => {
                self.flights.remove(&ack.packet_id.get());
            }
            // It subscribes to nothing, so what is left is a farewell.
            other => assert_eq!(other.kind(), mqtt::Kind::Disconnect),
        }
        self.acknowledged.extend(news.iter());
    }

    /// Sends again what is still under way. Without a session on the server the handshakes of
    /// QoS 2 begin anew, and what was released is done.
    fn resume(&mut self, session_present: bool) {
        if !session_present {
            self.flights.retain(|_, flight| !flight.released);
        }
        let mut flights: Vec<(u16, Flight)> =
            self.flights.iter().map(|(id, it)| (*id, *it)).collect();
        flights.sort_by_key(|(_, flight)| flight.number);
        for (id, flight) in flights {
            if flight.released {
                if let Some(packet_id) = NonZeroU16::new(id) {
                    let release = Packet::PubRel(Ack::new(packet_id, Reason::Success));
                    write(&release, &mut self.wire);
                }
            } else {
                self.send(id, flight, session_present);
            }
        }
    }
}

fn write(packet: &Packet<'_>, out: &mut Vec<u8>) {
    let written = packet.encode(Version::V5, out);
    assert_eq!(written, Ok(()), "a simulated packet is small");
}
