//! A device that speaks MQTT over whatever carries bytes.

use std::io::{self, ErrorKind, Read, Write};

use model::Qos;
use mqtt::{
    Connect, Disconnect, Packet, Properties, Publish, PublishProperties, Reason, Subscription,
    SubscriptionOptions, Version, decode, encode_subscribe,
};

const PACKET_MAX: u32 = 16 << 20;

pub(crate) struct Device<S> {
    pub(crate) stream: S,
    inbox: Vec<u8>,
}

/// The bytes of a CONNECT.
pub(crate) fn hello(client_id: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let connect = Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive: 0,
        client_id,
        will: None,
        user_name: None,
        password: None,
        properties: Properties::NONE,
    };
    connect.encode(&mut bytes).unwrap();
    bytes
}

impl<S: Read + Write> Device<S> {
    pub(crate) fn connect(stream: S, client_id: &str) -> io::Result<Self> {
        let mut device = Self { stream, inbox: Vec::new() };
        device.stream.write_all(&hello(client_id))?;
        device.stream.flush()?;
        device.read(|packet| assert!(matches!(packet, Packet::ConnAck(_)), "{packet:?}"))?;
        Ok(device)
    }

    /// Waits for a packet.
    pub(crate) fn read<T>(&mut self, look: impl FnOnce(&Packet<'_>) -> T) -> io::Result<T> {
        let mut buffer = [0; 4_096];
        loop {
            if let Some((packet, length)) = decode(&self.inbox, Version::V5, PACKET_MAX).unwrap() {
                let seen = look(&packet);
                self.inbox.drain(..length);
                return Ok(seen);
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => self.inbox.extend_from_slice(&buffer[..read]),
            }
        }
    }

    fn send(&mut self, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        packet.encode(Version::V5, &mut bytes).unwrap();
        self.stream.write_all(&bytes).unwrap();
        self.stream.flush().unwrap();
    }

    fn publish(&mut self, topic: &str, payload: &[u8], (qos, id): (Qos, u16)) {
        self.send(&Packet::Publish(Publish {
            dup: false,
            qos,
            retain: false,
            topic,
            packet_id: id.try_into().ok(),
            properties: PublishProperties::NONE,
            payload,
        }));
    }

    /// Publishes and waits for the acknowledgement.
    pub(crate) fn deliver(&mut self, topic: &str, payload: &[u8]) {
        self.publish(topic, payload, (Qos::AtLeastOnce, 9));
        self.read(|packet| assert!(matches!(packet, Packet::PubAck(_)), "{packet:?}")).unwrap();
    }

    /// Publishes and waits for nothing.
    pub(crate) fn say(&mut self, topic: &str, payload: &[u8]) {
        self.publish(topic, payload, (Qos::AtMostOnce, 0));
    }

    /// Subscribes to one filter and says what the answer was.
    pub(crate) fn subscribe(&mut self, filter: &str) -> Reason {
        let mut bytes = Vec::new();
        let options = SubscriptionOptions::with_qos(Qos::AtMostOnce);
        let one = Subscription { filter, options };
        let id = 1.try_into().unwrap();
        encode_subscribe(Version::V5, id, Properties::NONE, [one], &mut bytes).unwrap();
        self.stream.write_all(&bytes).unwrap();
        self.stream.flush().unwrap();
        let reason = |packet: &Packet<'_>| {
            let Packet::SubAck(answer) = packet else { panic!("{packet:?}") };
            answer.reasons().next().unwrap()
        };
        self.read(reason).unwrap()
    }

    /// Hears its own message, back through everything.
    pub(crate) fn echo(&mut self, payload: &[u8]) {
        assert_eq!(self.subscribe("echo"), Reason::Success);
        self.publish("echo", payload, (Qos::AtMostOnce, 0));
        let check = |packet: &Packet<'_>| {
            let Packet::Publish(publish) = packet else { panic!("{packet:?}") };
            assert!(publish.payload == payload, "another payload");
        };
        self.read(check).unwrap();
    }

    /// Leaves, and waits until the server has closed the connection in its own words.
    pub(crate) fn leave(mut self) -> io::Result<usize> {
        self.send(&Packet::Disconnect(Disconnect::new(Reason::Success)));
        self.stream.read(&mut [0; 64])
    }
}

/// More than a few records, and no pattern that a lost piece would hide in.
pub(crate) fn large_payload() -> Vec<u8> {
    (0_u32..75_000).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

/// Names of clients that live on different shards, when there are two.
pub(crate) const CLIENTS: [&str; 4] = ["anna", "bo", "carl", "dora"];
