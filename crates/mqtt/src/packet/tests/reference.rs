//! What packets cost, and what of them travels on.

use std::num::{NonZeroU16, NonZeroU32};

use model::Qos;

use super::*;
use crate::properties::PropertiesBuf;
use crate::property::{Property, READS};
use crate::publish::{Frame, Outgoing};
use crate::publish_properties::PublishProperties;

fn block(properties: &[Property<'_>]) -> PropertiesBuf {
    let mut buf = PropertiesBuf::default();
    for property in properties {
        buf.push(*property).unwrap();
    }
    buf
}

fn reads_of(work: impl FnOnce()) -> usize {
    let before = READS.get();
    work();
    READS.get() - before
}

/// Brokers have been stopped by packets that are nothing but user properties.
#[test]
fn the_cost_of_user_properties_is_linear() {
    for count in [100, 10_000] {
        let user = vec![Property::User("k", "v"); count];
        let buf = block(&user);
        let properties = PublishProperties::parse(buf.as_properties().as_bytes()).unwrap();
        let message = Publish {
            dup: false,
            qos: Qos::AtMostOnce,
            retain: false,
            topic: "a",
            packet_id: None,
            properties,
            payload: b"",
        };
        let mut bytes = Vec::new();
        message.encode(Version::V5, &mut bytes).unwrap();
        let cost = reads_of(|| assert!(decode(&bytes, Version::V5, MAX).unwrap().is_some()));
        assert_eq!(cost, count);

        let connect = Connect {
            version: Version::V5,
            clean_start: true,
            keep_alive: 0,
            client_id: "a",
            will: None,
            user_name: None,
            password: None,
            properties: buf.as_properties(),
        };
        let mut bytes = Vec::new();
        connect.encode(&mut bytes).unwrap();
        let cost = reads_of(|| assert!(decode(&bytes, Version::V5, MAX).unwrap().is_some()));
        assert_eq!(cost, 2 * count);
    }
}

//= mqtt-v5 MQTT-3.3.2-4, MQTT-3.3.2-15, MQTT-3.3.2-16 test
//= mqtt-v5 MQTT-3.3.2-17, MQTT-3.3.2-18, MQTT-3.3.2-20 test
#[test]
fn what_belongs_to_one_connection_does_not_travel() {
    let alias = Property::TopicAlias(NonZeroU16::MIN);
    let number = Property::SubscriptionId(NonZeroU32::MIN);
    let (kind, user) = (Property::ContentType("c"), Property::User("k", "v"));
    let travels = block(&[kind, user]);
    for order in [
        &[alias, kind, user][..],
        &[kind, user, alias],
        &[kind, alias, user],
        &[number, kind, number, user, alias, number],
    ] {
        let buf = block(order);
        let properties = PublishProperties::parse(buf.as_properties().as_bytes()).unwrap();
        let mut scratch = vec![9; 3];
        let seen = properties.travelling(&mut scratch);
        assert_eq!(seen, travels.as_properties().as_bytes(), "{order:?}");
        assert_eq!(properties.alias(), Some(NonZeroU16::MIN));
    }
    let buf = block(&[alias]);
    let properties = PublishProperties::parse(buf.as_properties().as_bytes()).unwrap();
    assert_eq!(properties.travelling(&mut Vec::new()), b"");
}

//= mqtt-v5 MQTT-3.3.2-6, MQTT-3.3.4-3, MQTT-3.3.4-4 test
#[test]
fn one_frame_serves_many_subscribers() {
    let buf = block(&[Property::ContentType("c"), Property::MessageExpiry(60)]);
    let numbers = [NonZeroU32::new(200).unwrap(), NonZeroU32::MIN];
    let message = Outgoing {
        qos: Qos::AtLeastOnce,
        retain: true,
        topic: "a/b",
        subscription_ids: &numbers,
        properties: buf.as_properties().as_bytes(),
        expiry_left: Some(7),
        payload: b"x",
    };
    let mut shared = b"before".to_vec();
    let id_at = message.encode(Version::V5, &mut shared).unwrap();
    let frame = Frame::new(&shared[6..], id_at);
    let mut out = Vec::new();
    frame.write(258, false, &mut out);
    frame.write(3, true, &mut out);
    let (first, used) = decode(&out, Version::V5, MAX).unwrap().unwrap();
    let (second, _) = decode(&out[used..], Version::V5, MAX).unwrap().unwrap();
    expect![[r#"
        Publish(Publish { dup: false, qos: AtLeastOnce, retain: true, topic: "a/b",
        packet_id: Some(258), properties: [SubscriptionId(200), SubscriptionId(1),
        ContentType("c"), MessageExpiry(7)], payload: [120] }),
        Publish(Publish { dup: true, qos: AtLeastOnce, retain: true, topic: "a/b",
        packet_id: Some(3), properties: [SubscriptionId(200), SubscriptionId(1),
        ContentType("c"), MessageExpiry(7)], payload: [120] })"#]]
    .assert_eq(&wrapped(&format!("{first:?}, {second:?}")));
}

#[test]
fn what_is_too_long_is_not_written_at_all() {
    let long = "x".repeat(65_536);
    let mut out = b"before".to_vec();
    let message = Outgoing {
        qos: Qos::AtMostOnce,
        retain: false,
        topic: &long,
        subscription_ids: &[],
        properties: &[],
        expiry_left: None,
        payload: b"",
    };
    assert_eq!(message.encode(Version::V5, &mut out), Err(TooLong));
    let connect = Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive: 0,
        client_id: &long,
        will: None,
        user_name: None,
        password: None,
        properties: crate::Properties::NONE,
    };
    assert_eq!(connect.encode(&mut out), Err(TooLong));
    let mut buf = PropertiesBuf::default();
    assert_eq!(buf.push(Property::ContentType(&long)), Err(TooLong));
    assert!(buf.as_properties().is_empty());
    assert_eq!(out, b"before");
}

#[test]
fn secrets_are_not_printed() {
    let buf = block(&[Property::AuthMethod("m"), Property::AuthData(b"7777")]);
    let connect = Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive: 0,
        client_id: "a",
        will: None,
        user_name: Some("u"),
        password: Some(b"7777"),
        properties: buf.as_properties(),
    };
    assert!(!format!("{connect:?}").contains("55"), "{connect:?}");
}
