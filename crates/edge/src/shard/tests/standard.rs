//! What the standards ask of a server with several clients, told by what each of them hears.

use expect_test::{Expect, expect};
use model::Qos;
use mqtt::{
    Connect, Disconnect, Packet, Properties, PropertiesBuf, Property, Publish, PublishProperties,
    Reason, RetainHandling, Subscription, SubscriptionOptions, Version, Will, decode,
    encode_subscribe, encode_unsubscribe,
};

use super::world::{At, World, ack, client};
use super::*;

mod expiring;
mod receiving;
mod retaining;
mod sessions;
mod sharing;
mod subscribing;
mod wills;

const V3: Version = Version::V311;
const V5: Version = Version::V5;

fn options(qos: Qos) -> SubscriptionOptions {
    SubscriptionOptions::with_qos(qos)
}

fn properties(list: &[Property<'_>]) -> PropertiesBuf {
    let mut buf = PropertiesBuf::default();
    for property in list {
        buf.push(*property).unwrap();
    }
    buf
}

/// A client of either version.
fn speaking(version: Version, client_id: &str) -> Connect<'_> {
    Connect { version, ..client(client_id) }
}

/// A message with properties in wire form.
fn message<'a>(
    topic: &'a str,
    payload: &'a str,
    (qos, id): (Qos, u16),
    block: &'a PropertiesBuf,
) -> Publish<'a> {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic,
        packet_id: id.try_into().ok(),
        properties: PublishProperties::parse(block.as_properties().as_bytes()).unwrap(),
        payload: payload.as_bytes(),
    }
}

impl World {
    fn enters(&mut self, connect: &Connect<'_>) -> At {
        let at = self.connect(connect);
        self.hears(at, connect.version);
        at
    }

    /// Sends one packet in the words of a version.
    fn tells(&mut self, at: At, version: Version, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        packet.encode(version, &mut bytes).unwrap();
        self.gives(at, &bytes);
    }

    fn gives(&mut self, at: At, bytes: &[u8]) {
        self.shards[at.shard].receive(at.key, bytes, self.now);
        self.exchange();
    }

    fn asks(&mut self, at: At, version: Version, lines: &[(&str, SubscriptionOptions)]) {
        self.asks_as(at, version, lines, &PropertiesBuf::default());
    }

    fn asks_as(
        &mut self,
        at: At,
        version: Version,
        lines: &[(&str, SubscriptionOptions)],
        block: &PropertiesBuf,
    ) {
        let lines =
            lines.iter().map(|(filter, options)| Subscription { filter, options: *options });
        let id = 9.try_into().unwrap();
        let mut bytes = Vec::new();
        encode_subscribe(version, id, block.as_properties(), lines, &mut bytes).unwrap();
        self.gives(at, &bytes);
    }

    /// Subscribes, and forgets the answer.
    fn listens(&mut self, at: At, version: Version, filter: &str, options: SubscriptionOptions) {
        self.asks(at, version, &[(filter, options)]);
        self.hears(at, version);
    }

    fn leaves_off(&mut self, at: At, version: Version, filters: &[&str]) {
        let id = 8.try_into().unwrap();
        let mut bytes = Vec::new();
        let filters = filters.iter().copied();
        encode_unsubscribe(version, id, Properties::NONE, filters, &mut bytes).unwrap();
        self.gives(at, &bytes);
    }

    fn says_goodbye(&mut self, at: At, version: Version) {
        self.tells(at, version, &Packet::Disconnect(Disconnect::new(Reason::Success)));
    }

    /// What a client has been sent since it was last asked, with all that matters. The disk has
    /// everything by then, twice: what one commit lets go may ask for another.
    fn hears(&mut self, at: At, version: Version) -> String {
        self.commit();
        self.commit();
        let Some(bytes) = self.shards[at.shard].take_output(at.key, usize::MAX) else {
            return String::new();
        };
        let mut rest = &bytes[..];
        let mut heard = Vec::new();
        while let Some((packet, length)) = decode(rest, version, 1 << 20).unwrap() {
            heard.push(in_full(&packet));
            rest = &rest[length..];
        }
        assert!(rest.is_empty(), "whole packets only");
        heard.join("\n")
    }

    #[track_caller]
    fn shows(&mut self, at: At, version: Version, expected: &Expect) {
        expected.assert_eq(&self.hears(at, version));
    }
}

fn in_full(packet: &Packet<'_>) -> String {
    match packet {
        Packet::Publish(publish) => {
            let mut text = describe(packet);
            for property in publish.properties.all().iter() {
                text = format!("{text} {property:?}");
            }
            text
        }
        Packet::SubAck(answer) | Packet::UnsubAck(answer) => {
            let reasons: Vec<Reason> = answer.reasons().collect();
            format!("{:?} {} {reasons:?}", packet.kind(), answer.packet_id())
        }
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            format!("{:?} {} {:?}", packet.kind(), ack.packet_id, ack.reason)
        }
        Packet::Connect(_)
        | Packet::ConnAck(_)
        | Packet::Subscribe(_)
        | Packet::Unsubscribe(_)
        | Packet::PingReq
        | Packet::PingResp
        | Packet::Disconnect(_)
        | Packet::Auth(_) => describe(packet),
    }
}
