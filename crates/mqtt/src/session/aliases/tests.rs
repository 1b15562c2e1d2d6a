use std::collections::BTreeMap;
use std::num::NonZeroU32;

use model::{Moment, Qos};
use proptest::prelude::*;

use super::{SEEN_ONCE, TOPIC_BYTES_MAX};
use crate::inflight::{Generation, Inflight, Step};
use crate::publish::{Frame, Outgoing};
use crate::session::{Accept, Delivered, Limits, Session};
use crate::{Connect, Packet, Properties, PropertiesBuf, Property, Publish, Version, decode};

/// A client that keeps the table the standard asks for.
struct Client {
    session: Session,
    maximum: u16,
    packet_max: usize,
    table: BTreeMap<u16, String>,
    /// Bytes it was sent, and those that the same messages have in full.
    heard: usize,
    plain: usize,
}

#[derive(Clone, Debug)]
struct Message {
    topic: String,
    qos: Qos,
    properties: Vec<u8>,
    payload: Vec<u8>,
}

impl Message {
    fn on(topic: &str) -> Self {
        let (properties, payload) = (Vec::new(), b"21.5".to_vec());
        Self { topic: topic.to_owned(), qos: Qos::AtLeastOnce, properties, payload }
    }

    fn frame(&self, out: &mut Vec<u8>) -> Option<usize> {
        let message = Outgoing {
            qos: self.qos,
            retain: false,
            topic: &self.topic,
            subscription_ids: &[NonZeroU32::new(300).unwrap()],
            properties: &self.properties,
            expiry_left: None,
            payload: &self.payload,
        };
        message.encode(Version::V5, out).unwrap()
    }
}

fn accepted(version: Version, (maximum, packet_max): (u16, u32), resumed: Inflight) -> Session {
    let mut properties = PropertiesBuf::default();
    properties.push(Property::TopicAliasMaximum(maximum)).unwrap();
    properties.push(Property::MaximumPacketSize(packet_max.try_into().unwrap())).unwrap();
    let in_v5 = version == Version::V5;
    let connect = Connect {
        version,
        clean_start: false,
        keep_alive: 0,
        client_id: "anna",
        will: None,
        user_name: None,
        password: None,
        properties: if in_v5 { properties.as_properties() } else { Properties::NONE },
    };
    let mut session = Session::new(Limits::default(), Generation::new(1), Moment::START);
    session.on_packet(Packet::Connect(connect), Moment::START, &mut Vec::new()).unwrap();
    let accept = Accept { resumed: Some(resumed), ..Accept::default() };
    session.accept(accept, &mut Vec::new()).unwrap();
    session
}

impl Client {
    fn new(maximum: u16, packet_max: u32) -> Self {
        let session = accepted(Version::V5, (maximum, packet_max), Inflight::default());
        let packet_max = usize::try_from(packet_max).unwrap();
        Self { session, maximum, packet_max, table: BTreeMap::new(), heard: 0, plain: 0 }
    }

    /// The client takes up its session on another connection.
    fn reconnects(&mut self) {
        let packet_max = u32::try_from(self.packet_max).unwrap();
        let empty = Session::new(Limits::default(), Generation::new(2), Moment::START);
        let inflight = std::mem::replace(&mut self.session, empty).finish().inflight;
        self.session = accepted(Version::V5, (self.maximum, packet_max), inflight);
        self.table.clear();
    }

    /// Sends a message and finds its topic again. Gives the alias that it came with.
    fn hears(&mut self, message: &Message, again: bool) -> Option<u16> {
        let (mut bytes, mut out) = (Vec::new(), Vec::new());
        let id_at = message.frame(&mut bytes);
        let frame = Frame::new(&bytes, id_at);
        let delivered = match self.session.next_to_resend().filter(|_| again) {
            Some((packet_id, _)) => self.session.redeliver(packet_id, frame, &mut out),
            None => self.session.deliver(frame, 7, &mut out),
        };
        if frame.len() > self.packet_max {
            assert_eq!((delivered, out.len()), (Delivered::TooLarge, 0));
            return None;
        }
        let Delivered::Sent(packet_id) = delivered else { panic!("{delivered:?}") };
        assert!(out.len() <= self.packet_max, "no packet is larger than the client takes");
        let (packet, used) = decode(&out, Version::V5, u32::MAX).unwrap().unwrap();
        assert_eq!(used, out.len(), "one packet");
        let Packet::Publish(publish) = packet else { panic!("{packet:?}") };
        assert_eq!((publish.packet_id, publish.qos), (packet_id, message.qos));
        assert_eq!((publish.payload, publish.dup), (&message.payload[..], again));
        self.heard += out.len();
        self.plain += frame.len();
        let alias = self.resolve(&publish, message);
        assert!(!again || alias.is_none(), "what is sent again has its topic in full");
        alias
    }

    fn resolve(&mut self, publish: &Publish<'_>, message: &Message) -> Option<u16> {
        assert!(publish.properties.has_subscription_ids(), "the other properties stay");
        let mut scratch = Vec::new();
        assert_eq!(publish.properties.travelling(&mut scratch), message.properties);
        let alias = publish.properties.alias().map(u16::from);
        if let Some(alias) = alias {
            assert!(alias <= self.maximum, "alias {alias} of {}", self.maximum);
            if !publish.topic.is_empty() {
                self.table.insert(alias, publish.topic.to_owned());
            }
        }
        let known = alias.and_then(|alias| self.table.get(&alias));
        let topic = if publish.topic.is_empty() { known.unwrap() } else { publish.topic };
        assert_eq!(topic, message.topic);
        alias
    }
}

fn message() -> impl Strategy<Value = Message> {
    let topic = prop_oneof![
        6 => "(site|farm)/[a-e]",
        2 => "[a-z]{1,5}/[a-z]{0,3}",
        1 => "x{100,140}",
        1 => (1..3_usize).prop_map(|more| "y".repeat(TOPIC_BYTES_MAX - 1 + more)),
    ];
    let qos = prop_oneof![Just(Qos::AtMostOnce), Just(Qos::AtLeastOnce), Just(Qos::ExactlyOnce)];
    // Around the lengths at which the length of the properties and of the packet take a byte more.
    let text = prop_oneof![4 => 0..4_usize, 4 => 100..130_usize, 1 => 16_200..16_400_usize];
    let payload = prop_oneof![4 => 0..4_usize, 4 => 60..130_usize, 1 => 16_200..16_400_usize];
    (topic, qos, text, payload).prop_map(|(topic, qos, text, payload)| {
        let mut properties = vec![0x03];
        properties.extend_from_slice(&u16::try_from(text).unwrap().to_be_bytes());
        properties.extend(std::iter::repeat_n(b't', text));
        Message { topic, qos, properties, payload: vec![b'p'; payload] }
    })
}

proptest! {
    //= mqtt-v5 MQTT-3.1.2-24, MQTT-3.1.2-26, MQTT-3.3.2-11 test
    #[test]
    fn a_client_finds_every_topic_again(
        maximum in prop_oneof![Just(1_u16), 2..5_u16, Just(u16::MAX)],
        packet_max in prop_oneof![Just(200_u32), 130..160_u32, Just(1 << 20)],
        messages in proptest::collection::vec((message(), 0..12_u8), 1..60),
    ) {
        let mut client = Client::new(maximum, packet_max);
        for (message, dice) in &messages {
            if *dice == 0 {
                client.reconnects();
                // Everything is confirmed that an earlier connection left.
                while let Some((packet_id, _)) = client.session.next_to_resend() {
                    client.session.forget(packet_id);
                }
            }
            client.hears(message, false);
        }
    }
}

#[test]
fn a_topic_gets_an_alias_when_it_comes_again() {
    let mut client = Client::new(10, 1 << 20);
    let message = Message::on("farm/barn/temperature");
    let aliases: Vec<_> = (0..4).map(|_| client.hears(&message, false)).collect();
    assert_eq!(aliases, [None, Some(1), Some(1), Some(1)]);
    // Once in full, once in full with three bytes more, then without 21.
    assert_eq!(client.plain - client.heard, 2 * (21 - 3) - 3);
}

#[test]
fn topics_that_take_turns_all_get_one() {
    let mut client = Client::new(u16::MAX, 1 << 20);
    let topics: Vec<_> = (0..24).map(|it| Message::on(&format!("site/hall/{it}/t"))).collect();
    for _ in 0..4 {
        for message in &topics {
            client.hears(message, false);
        }
    }
    let aliases = topics.iter().filter(|message| client.hears(message, false).is_some());
    assert_eq!(aliases.count(), topics.len());
}

#[test]
fn ever_new_topics_cost_no_byte_and_drive_nobody_out() {
    let mut client = Client::new(2, 1 << 20);
    let often = Message::on("farm/barn/temperature");
    for number in 0..1_000 {
        client.hears(&often, false);
        client.hears(&Message::on(&format!("once/{number}")), false);
    }
    assert!(client.heard < client.plain);
    assert_eq!(client.hears(&often, false), Some(1));
    let aliases = &client.session.extras.as_ref().unwrap().aliases;
    assert_eq!((aliases.to_client.known.len(), aliases.to_client.once.len()), (1, SEEN_ONCE));
}

#[test]
fn an_alias_that_is_not_used_any_more_moves() {
    let mut client = Client::new(1, 1 << 20);
    let (before, after) = (Message::on("farm/barn"), Message::on("farm/stable"));
    for _ in 0..50 {
        client.hears(&before, false);
    }
    let aliases: Vec<_> = (0..20).map(|_| client.hears(&after, false)).collect();
    assert_eq!((aliases[0], aliases[19]), (None, Some(1)));
    assert_eq!(client.table.len(), 1);
}

//= mqtt-v5 MQTT-3.1.2-27 test
#[test]
fn who_allows_no_aliases_gets_none_and_pays_nothing() {
    let mut client = Client::new(0, 1 << 20);
    (0..9).for_each(|_| assert_eq!(client.hears(&Message::on("farm/barn"), false), None));
    assert!(client.session.extras.is_none());
    let old = accepted(Version::V311, (9, 1 << 20), Inflight::default());
    assert_eq!(old.limits.aliases_to_client, 0);
    // And who allows some pays when the first message comes.
    assert!(Client::new(9, 1 << 20).session.extras.is_none());
}

#[test]
fn a_message_that_is_sent_again_has_its_topic_in_full() {
    for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let mut client = Client::new(4, 1 << 20);
        let message = Message { qos, ..Message::on("farm/barn") };
        for _ in 0..3 {
            client.hears(&message, false);
        }
        client.reconnects();
        (0..3).for_each(|_| assert_eq!(client.hears(&message, true), None));
        // Aliases of the connection before mean nothing on this one.
        let aliases: Vec<_> = (0..3).map(|_| client.hears(&message, false)).collect();
        assert_eq!(aliases, [None, Some(1), Some(1)]);
    }
}

#[test]
fn a_reserved_message_travels_by_its_alias() {
    let mut session = accepted(Version::V5, (4, 1 << 20), Inflight::default());
    let message = Message { qos: Qos::ExactlyOnce, ..Message::on("farm/barn") };
    let mut bytes = Vec::new();
    let id_at = message.frame(&mut bytes);
    let lengths = [(); 3].map(|()| {
        let mut out = Vec::new();
        let packet_id = session.reserve(7).unwrap();
        session.send_reserved(packet_id, Frame::new(&bytes, id_at), &mut out);
        out.len()
    });
    assert_eq!(lengths, [bytes.len(), bytes.len() + 3, bytes.len() - 9 + 3]);
    assert!(session.outbound().all(|message| message.step == Step::PubRec));
}
