//! Statements of the standards about the bytes of one connection.

use super::*;

/// What a session wrote, byte for byte.
fn written(act: impl FnOnce(&mut Session, &mut Vec<u8>)) -> Vec<u8> {
    let mut play = Play::connected(Version::V5);
    let mut out = Vec::new();
    act(&mut play.session, &mut out);
    out
}

//= mqtt-v5 MQTT-2.2.1-4, MQTT-4.3.2-1, MQTT-4.3.3-1 test
//= mqtt-v311 MQTT-2.3.1-4, MQTT-4.3.2-1, MQTT-4.3.3-1 test
#[test]
fn a_packet_id_in_use_is_not_given_to_another_message_and_0_to_none() {
    for version in [Version::V311, Version::V5] {
        let mut play = Play::start(version, Limits::default());
        play.says(&Packet::Connect(connect(version, false)));
        let old =
            [(id(1), Step::PubAck, 10), (id(2), Step::PubRec, 11), (id(65_535), Step::PubAck, 12)];
        let resumed = Some(Inflight::restore(old, []));
        play.accepted(Accept { resumed, ..Accept::default() });
        play.redelivers(1, Qos::AtLeastOnce).redelivers(2, Qos::ExactlyOnce);
        play.redelivers(65_535, Qos::AtLeastOnce).log.clear();
        play.delivers(Qos::AtLeastOnce, 13).delivers(Qos::ExactlyOnce, 14).shows(&expect![[r#"
            -> Publish "pump/set" id=Some(3) dup=false
            deliver: Sent(Some(3))
            -> Publish "pump/set" id=Some(4) dup=false
            deliver: Sent(Some(4))
        "#]]);
    }
}

//= mqtt-v5 MQTT-3.1.2-29, MQTT-3.6.2-2, MQTT-3.6.2-3, MQTT-3.7.2-2, MQTT-3.7.2-3 test
//= mqtt-v5 MQTT-3.9.2-1, MQTT-3.9.2-2, MQTT-3.11.2-1, MQTT-3.11.2-2 test
//= mqtt-v5 MQTT-3.14.2-2, MQTT-3.14.2-3, MQTT-3.14.2-4 test
#[test]
fn answers_carry_no_texts_that_could_make_them_too_large() {
    let now = Moment::START;
    let pubrel = written(|session, out| {
        session.on_packet(Packet::PubRec(ack(7)), now, out).map(drop).unwrap();
    });
    assert_eq!(pubrel, [0x62, 3, 0, 7, 0x92]);
    let pubcomp = written(|session, out| {
        session.on_packet(Packet::PubRel(ack(7)), now, out).map(drop).unwrap();
    });
    assert_eq!(pubcomp, [0x70, 3, 0, 7, 0x92]);
    let suback = written(|session, out| session.suback(id(7), [Reason::Success], out).unwrap());
    assert_eq!(suback, [0x90, 4, 0, 7, 0, 0]);
    let unsuback = written(|session, out| session.unsuback(id(7), [Reason::Success], out).unwrap());
    assert_eq!(unsuback, [0xB0, 4, 0, 7, 0, 0]);
    let disconnect = written(|session, out| session.close(Reason::ServerBusy, out));
    assert_eq!(disconnect, [0xE0, 1, 0x89]);
}

//= mqtt-v5 MQTT-1.5.7-1, MQTT-3.1.3-4, MQTT-3.1.3-11, MQTT-3.1.3-12, MQTT-3.3.2-1 test
//= mqtt-v5 MQTT-3.3.2-13, MQTT-3.3.2-19, MQTT-3.8.3-1, MQTT-3.10.3-1 test
//= mqtt-v311 MQTT-3.1.3-4, MQTT-3.1.3-10, MQTT-3.1.3-11, MQTT-3.3.2-1, MQTT-3.10.3-1 test
#[test]
fn every_text_is_utf_8() {
    let texts: [(Version, &[u8]); 12] = [
        // CONNECT: client id, will topic, user name.
        (Version::V311, b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02\xc3\x28"),
        (Version::V311, b"\x10\x15\x00\x04MQTT\x04\x06\x00\x3c\x00\x01a\x00\x02\xc3\x28\x00\x02ab"),
        (Version::V311, b"\x10\x11\x00\x04MQTT\x04\x82\x00\x3c\x00\x01a\x00\x02\xc3\x28"),
        (Version::V5, b"\x10\x0f\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x02\xc3\x28"),
        // PUBLISH: topic, response topic, content type, both halves of a user property.
        (Version::V311, b"\x30\x04\x00\x02\xc3\x28"),
        (Version::V5, b"\x30\x09\x00\x01a\x05\x08\x00\x02\xc3\x28"),
        (Version::V5, b"\x30\x09\x00\x01a\x05\x03\x00\x02\xc3\x28"),
        (Version::V5, b"\x30\x0c\x00\x01a\x08\x26\x00\x02\xc3\x28\x00\x01v"),
        (Version::V5, b"\x30\x0c\x00\x01a\x08\x26\x00\x01k\x00\x02\xc3\x28"),
        // SUBSCRIBE and UNSUBSCRIBE.
        (Version::V5, b"\x82\x08\x00\x01\x00\x00\x02\xc3\x28\x00"),
        (Version::V311, b"\xa2\x06\x00\x01\x00\x02\xc3\x28"),
        (Version::V5, b"\xa2\x07\x00\x01\x00\x00\x02\xc3\x28"),
    ];
    for (version, bytes) in texts {
        assert_eq!(decode(bytes, version, 100), Err(Malformed::Utf8), "{bytes:x?}");
    }
}

//= mqtt-v311 MQTT-3.3.2-2, MQTT-4.8.0-1 test
#[test]
fn a_message_to_a_wildcard_ends_the_connection() {
    let Packet::Publish(plain) = publish(Qos::AtLeastOnce, 7) else { panic!("not a PUBLISH") };
    let mut play = Play::connected(Version::V311);
    play.says(&Packet::Publish(Publish { topic: "farm/+", ..plain })).shows(&expect![[r#"
        violation TopicName(Forbidden { at: 5 })
    "#]]);
    assert!(play.session.is_closed());
}

//= mqtt-v5 MQTT-3.14.4-1, MQTT-4.13.1-1 test
#[test]
fn nothing_is_taken_or_sent_behind_a_disconnect() {
    let mut play = Play::connected(Version::V5);
    play.sends(&[0x00, 0x00]).shows(&expect![[r#"
        -> Disconnect MalformedPacket
        violation Malformed(PacketType(0))
    "#]]);
    play.says(&publish(Qos::AtLeastOnce, 1)).delivers(Qos::AtMostOnce, 2).shows(&expect![[r#"
        deliver: Gone
    "#]]);
}

/// `needed` and `decode` are what a shell reads with.
#[test]
fn a_session_is_small() {
    assert!(size_of::<Session>() <= 128, "{}", size_of::<Session>());
    assert_eq!(needed(&[0x10], 100), Ok(2));
}
