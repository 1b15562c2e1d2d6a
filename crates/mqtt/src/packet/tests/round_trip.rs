//! Whatever is written is read again; whatever is cut or broken is refused without a panic.

use std::num::{NonZeroU16, NonZeroU32};

use model::Qos;
use proptest::prelude::*;

use super::*;
use crate::connect::Will;
use crate::properties::{Properties, PropertiesBuf};
use crate::property::Property;
use crate::publish_properties::PublishProperties;
use crate::subscribe::{RetainHandling, Subscription, SubscriptionOptions};
use crate::{Reason, encode_suback, encode_subscribe, encode_unsuback, encode_unsubscribe};

/// Material for one property of any kind.
#[derive(Clone, Debug)]
struct Seed {
    kind: usize,
    text: String,
    number: NonZeroU32,
}

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    let number = (1..=crate::VARINT_MAX).prop_map(|number| NonZeroU32::new(number).unwrap());
    let seed = (0..64_usize, "[a-zß°𝄞]{0,9}", number).prop_map(|(kind, text, number)| Seed {
        kind,
        text,
        number,
    });
    proptest::collection::vec(seed, 0..6)
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::V311), Just(Version::V5)]
}

fn qos() -> impl Strategy<Value = Qos> {
    (0..3_u8).prop_map(|bits| Qos::from_bits(bits).unwrap())
}

fn packet_id() -> impl Strategy<Value = NonZeroU16> {
    (1..=u16::MAX).prop_map(|number| NonZeroU16::new(number).unwrap())
}

fn topic() -> impl Strategy<Value = String> {
    "[a-z°/]{1,40}"
}

fn property<'a>(id: u8, seed: &'a Seed) -> Property<'a> {
    let (text, bytes, number) = (seed.text.as_str(), seed.text.as_bytes(), seed.number);
    let [low, high, ..] = number.get().to_le_bytes();
    let short = u16::from_le_bytes([low, high]);
    let nonzero = NonZeroU16::new(short).unwrap_or(NonZeroU16::MIN);
    let flag = short % 2 == 1;
    match id {
        0x01 => Property::PayloadIsText(flag),
        0x02 => Property::MessageExpiry(number.get()),
        0x03 => Property::ContentType(text),
        0x08 => Property::ResponseTopic(text),
        0x09 => Property::CorrelationData(bytes),
        0x0B => Property::SubscriptionId(number),
        0x11 => Property::SessionExpiry(number.get()),
        0x12 => Property::AssignedClientId(text),
        0x13 => Property::ServerKeepAlive(short),
        0x15 => Property::AuthMethod(text),
        0x16 => Property::AuthData(bytes),
        0x17 => Property::RequestProblemInfo(flag),
        0x18 => Property::WillDelay(number.get()),
        0x19 => Property::RequestResponseInfo(flag),
        0x1A => Property::ResponseInfo(text),
        0x1C => Property::ServerReference(text),
        0x1F => Property::ReasonString(text),
        0x21 => Property::ReceiveMaximum(nonzero),
        0x22 => Property::TopicAliasMaximum(short),
        0x23 => Property::TopicAlias(nonzero),
        0x24 => Property::MaximumQosIsOne(flag),
        0x25 => Property::RetainAvailable(flag),
        0x26 => Property::User(text, text),
        0x27 => Property::MaximumPacketSize(number),
        0x28 => Property::WildcardAvailable(flag),
        0x29 => Property::SubscriptionIdsAvailable(flag),
        0x2A => Property::SharedAvailable(flag),
        _ => panic!("no property {id}"),
    }
}

/// A block of properties out of `ids`, each once, and user properties as often as they come.
fn block(version: Version, ids: &[u8], seeds: &[Seed]) -> PropertiesBuf {
    let mut buf = PropertiesBuf::default();
    let mut used = Vec::new();
    for seed in seeds.iter().filter(|_| version == Version::V5) {
        let id = ids[seed.kind % ids.len()];
        if !used.contains(&id) || id == 0x26 {
            used.push(id);
            buf.push(property(id, seed)).unwrap();
        }
    }
    buf
}

const CONNECT: &[u8] = &[0x11, 0x15, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27];
const WILL: &[u8] = &[0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26];
const CONNACK: &[u8] = &[
    0x11, 0x12, 0x13, 0x15, 0x16, 0x1A, 0x1C, 0x1F, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29,
    0x2A,
];
const PUBLISH: &[u8] = &[0x01, 0x02, 0x03, 0x08, 0x09, 0x0B, 0x23, 0x26];
const ACK: &[u8] = &[0x1F, 0x26];

/// The packet in `bytes`, however it is asked for.
fn read(bytes: &[u8], version: Version) -> Packet<'_> {
    let (packet, used) = decode(bytes, version, MAX).unwrap().expect("a whole packet");
    assert_eq!(used, bytes.len());
    assert_eq!(needed(bytes, MAX), Ok(used));
    for cut in 0..bytes.len() {
        assert_eq!(decode(&bytes[..cut], version, MAX), Ok(None), "cut at {cut}");
        assert!(needed(&bytes[..cut], MAX).unwrap() > cut, "cut at {cut}");
    }
    packet
}

/// Encodes, reads, and looks whether what follows the packet or surrounds it changes anything.
fn check_round_trip(version: Version, packet: &Packet<'_>) {
    let mut bytes = Vec::new();
    packet.encode(version, &mut bytes).unwrap();
    assert_eq!(&read(&bytes, version), packet);
    check_again(version, &bytes);
}

fn check_again(version: Version, bytes: &[u8]) {
    let packet = read(bytes, version);
    let mut again = vec![0xFF];
    packet.encode(version, &mut again).unwrap();
    assert_eq!(&again[1..], bytes, "one form for one packet");
    again.extend([0x00, 0xFF]);
    let (same, used) = decode(&again[1..], version, MAX).unwrap().unwrap();
    assert_eq!((same, used), (packet, bytes.len()));
}

proptest! {
    #[test]
    fn connects(
        version in version(),
        client_id in "[a-zA-Z0-9°]{0,30}",
        (clean_start, keep_alive) in (any::<bool>(), any::<u16>()),
        will in proptest::option::of((topic(), any::<Vec<u8>>(), qos(), any::<bool>())),
        login in proptest::option::of(("[a-z]{0,9}", proptest::option::of(any::<[u8; 5]>()))),
        seeds in seeds(),
    ) {
        let properties = block(version, CONNECT, &seeds);
        let will_properties = block(version, WILL, &seeds);
        check_round_trip(version, &Packet::Connect(Connect {
            version,
            clean_start,
            keep_alive,
            client_id: &client_id,
            will: will.as_ref().map(|(topic, payload, qos, retain)| Will {
                topic,
                payload,
                qos: *qos,
                retain: *retain,
                properties: will_properties.as_properties(),
            }),
            user_name: login.as_ref().map(|(name, _)| name.as_str()),
            password: login.as_ref().and_then(|(_, secret)| Some(secret.as_ref()?.as_slice())),
            properties: properties.as_properties(),
        }));
    }

    #[test]
    fn connacks(version in version(), present in any::<bool>(), code in 0..6_u8, seeds in seeds()) {
        let properties = block(version, CONNACK, &seeds);
        let reason = Reason::from_return_code(code).unwrap();
        check_round_trip(version, &Packet::ConnAck(ConnAck {
            session_present: present && reason == Reason::Success,
            reason,
            properties: properties.as_properties(),
        }));
    }

    #[test]
    fn publishes(
        version in version(),
        (qos, flags, id) in (qos(), any::<[bool; 2]>(), packet_id()),
        topic in topic(),
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        seeds in seeds(),
    ) {
        let buf = block(version, PUBLISH, &seeds);
        check_round_trip(version, &Packet::Publish(Publish {
            dup: flags[0] && qos != Qos::AtMostOnce,
            qos,
            retain: flags[1],
            topic: &topic,
            packet_id: (qos != Qos::AtMostOnce).then_some(id),
            properties: PublishProperties::parse(buf.as_properties().as_bytes()).unwrap(),
            payload: &payload,
        }));
    }

    #[test]
    fn acks(version in version(), packet_id in packet_id(), code in any::<u8>(), seeds in seeds()) {
        let buf = block(version, ACK, &seeds);
        let wanted = Reason::from_code(code).filter(|_| version == Version::V5);
        let ack = |kind| Ack {
            packet_id,
            reason: wanted.filter(|it| it.belongs_to(kind)).unwrap_or(Reason::Success),
            properties: buf.as_properties(),
        };
        check_round_trip(version, &Packet::PubAck(ack(Kind::PubAck)));
        check_round_trip(version, &Packet::PubRec(ack(Kind::PubRec)));
        check_round_trip(version, &Packet::PubRel(ack(Kind::PubRel)));
        check_round_trip(version, &Packet::PubComp(ack(Kind::PubComp)));
    }

    #[test]
    fn subscribing(
        version in version(),
        packet_id in packet_id(),
        filters in proptest::collection::vec((topic(), qos(), any::<[bool; 2]>(), 0..3_u8), 1..9),
        seeds in seeds(),
    ) {
        let rich = version == Version::V5;
        let lines = filters.iter().map(|(filter, qos, bits, handling)| Subscription {
            filter,
            options: SubscriptionOptions {
                qos: *qos,
                no_local: bits[0] && rich,
                retain_as_published: bits[1] && rich,
                retain_handling: match handling {
                    1 if rich => RetainHandling::SendIfNew,
                    2 if rich => RetainHandling::DoNotSend,
                    _ => RetainHandling::Send,
                },
            },
        });
        let lines: Vec<_> = lines.collect();
        let names: Vec<_> = lines.iter().map(|line| line.filter).collect();
        let mut bytes = Vec::new();
        let buf = block(version, &[0x0B, 0x26], &seeds);
        let properties = buf.as_properties();
        encode_subscribe(version, packet_id, properties, lines.clone(), &mut bytes).unwrap();
        let Packet::Subscribe(subscribe) = read(&bytes, version) else { panic!("SUBSCRIBE") };
        prop_assert_eq!(subscribe.subscriptions().collect::<Vec<_>>(), lines);
        prop_assert_eq!(subscribe.packet_id(), packet_id);
        check_again(version, &bytes);

        bytes.clear();
        let buf = block(version, &[0x26], &seeds);
        let properties = buf.as_properties();
        encode_unsubscribe(version, packet_id, properties, names.clone(), &mut bytes).unwrap();
        let Packet::Unsubscribe(unsubscribe) = read(&bytes, version) else { panic!("UNSUBSCRIBE") };
        prop_assert_eq!(unsubscribe.filters().collect::<Vec<_>>(), names);
        check_again(version, &bytes);
    }

    #[test]
    fn answers_to_subscribing(
        version in version(),
        packet_id in packet_id(),
        codes in proptest::collection::vec(0..3_u8, 1..9),
        seeds in seeds(),
    ) {
        let buf = block(version, ACK, &seeds);
        let properties = buf.as_properties();
        let mut reasons: Vec<_> =
            codes.iter().map(|code| Reason::from_code(*code).unwrap()).collect();
        let mut bytes = Vec::new();
        encode_suback(version, packet_id, properties, reasons.clone(), &mut bytes).unwrap();
        let Packet::SubAck(suback) = read(&bytes, version) else { panic!("SUBACK") };
        prop_assert_eq!(suback.reasons().collect::<Vec<_>>(), reasons.clone());
        check_again(version, &bytes);

        bytes.clear();
        reasons.iter_mut().for_each(|reason| *reason = Reason::NoSubscriptionExisted);
        encode_unsuback(version, packet_id, properties, reasons.clone(), &mut bytes).unwrap();
        let Packet::UnsubAck(unsuback) = read(&bytes, version) else { panic!("UNSUBACK") };
        reasons.truncate(if version == Version::V5 { reasons.len() } else { 0 });
        prop_assert_eq!(unsuback.reasons().collect::<Vec<_>>(), reasons);
        check_again(version, &bytes);
    }

    #[test]
    fn goodbyes(version in version(), code in any::<u8>(), seeds in seeds()) {
        let wanted = Reason::from_code(code).filter(|_| version == Version::V5);
        let for_kind = |kind| wanted.filter(|it| it.belongs_to(kind)).unwrap_or(Reason::Success);
        let buf = block(version, &[0x11, 0x1C, 0x1F, 0x26], &seeds);
        check_round_trip(version, &Packet::Disconnect(Disconnect {
            reason: for_kind(Kind::Disconnect),
            properties: buf.as_properties(),
        }));
        let buf = block(Version::V5, &[0x15, 0x16, 0x1F, 0x26], &seeds);
        check_round_trip(Version::V5, &Packet::Auth(Auth {
            reason: for_kind(Kind::Auth),
            properties: buf.as_properties(),
        }));
        check_round_trip(version, &Packet::PingReq);
        check_round_trip(version, &Packet::PingResp);
    }

    #[test]
    fn any_bytes_are_survived(
        version in version(),
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        survive(&bytes, version);
    }

    /// Bytes that look like a packet get further than any bytes.
    #[test]
    fn a_broken_packet_is_survived(
        version in version(),
        first in 1..16_u8,
        id in packet_id(),
        seeds in seeds(),
        rest in proptest::collection::vec(any::<u8>(), 0..100),
        breaks in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let kind = Kind::from_number(first).unwrap();
        let mut bytes = vec![kind.first_byte(), 0];
        if kind == Kind::Connect {
            bytes.extend_from_slice(&[0, 4, b'M', b'Q', b'T', b'T', version.level(), 0xC2, 0, 9]);
        }
        bytes.extend_from_slice(&id.get().to_be_bytes());
        let buf = block(version, ACK, &seeds);
        bytes.push(u8::try_from(buf.as_properties().as_bytes().len()).unwrap_or(0));
        bytes.extend_from_slice(buf.as_properties().as_bytes());
        bytes.extend_from_slice(&rest);
        bytes[1] = u8::try_from(bytes.len() - 2).unwrap_or(0x7F).min(0x7F);
        for (place, value) in breaks {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        survive(&bytes, version);
    }
}

/// What is read can be written, and it reads the same again.
fn survive(bytes: &[u8], version: Version) {
    if let Ok(Some((packet, used))) = decode(bytes, version, MAX) {
        assert!(used <= bytes.len(), "nothing is read past the end");
        let mut again = Vec::new();
        packet.encode(version, &mut again).unwrap();
        assert_eq!(decode(&again, version, MAX), Ok(Some((packet, again.len()))));
    }
}

#[test]
fn an_empty_block_of_properties_may_be_left_out_or_not() {
    let ack =
        Ack { packet_id: NonZeroU16::MIN, reason: Reason::Success, properties: Properties::NONE };
    for bytes in [&[0x40, 2, 0, 1][..], &[0x40, 3, 0, 1, 0], &[0x40, 4, 0, 1, 0, 0]] {
        let read = decode(bytes, Version::V5, MAX).unwrap().unwrap();
        assert_eq!(read, (Packet::PubAck(ack), bytes.len()));
    }
}
