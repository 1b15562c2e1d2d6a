//! Coming, staying and going.

use super::*;

fn will<'a>(topic: &'a str, properties: Properties<'a>) -> Will<'a> {
    Will { topic, payload: b"gone", qos: Qos::AtLeastOnce, retain: true, properties }
}

//= mqtt-v5 MQTT-3.1.2-28, MQTT-3.1.4-5, MQTT-3.2.0-1, MQTT-3.2.2-2, MQTT-3.2.2-19, MQTT-3.2.2-20 test
//= mqtt-v5 MQTT-4.12.0-6 test
//= mqtt-v311 MQTT-3.1.4-4, MQTT-3.2.0-1, MQTT-3.2.2-1 test
#[test]
fn a_client_is_let_in_on_our_terms() {
    let mut play = Play::start(Version::V311, Limits::default());
    play.says(&Packet::Connect(connect(Version::V311, true))).accepted(Accept::default());
    play.shows(&expect![[r#"
        hub: connect "anna"
        -> ConnAck Success present=false
    "#]]);
    let mut play =
        Play::start(Version::V5, Limits { shared_subscriptions: false, ..Limits::default() });
    play.says(&Packet::Connect(connect(Version::V5, true)));
    play.accepted(Accept {
        assigned_client_id: Some("c1"),
        keep_alive: Some(30),
        session_expiry: Some(9),
        ..Accept::default()
    });
    play.shows(&expect![[r#"
        hub: connect "anna"
        -> ConnAck Success present=false
             SessionExpiry(9)
             ReceiveMaximum(256)
             MaximumPacketSize(1048576)
             AssignedClientId("c1")
             TopicAliasMaximum(16)
             SharedAvailable(false)
             ServerKeepAlive(30)
    "#]]);
    assert_eq!(play.session.expiry(), 9);
}

//= mqtt-v311 MQTT-3.2.2-5, MQTT-3.2.2-6 test
//= mqtt-v5 MQTT-2.2.2-1, MQTT-3.1.3-8, MQTT-3.2.2-7, MQTT-3.2.2-8 test
#[test]
fn a_client_that_is_turned_away_hears_why_if_there_is_a_word() {
    for (version, reason, answer) in [
        (Version::V311, Reason::NotAuthorized, &[0x20, 2, 0, 5][..]),
        (Version::V311, Reason::ServerShuttingDown, &[]),
        (Version::V311, Reason::BadAuthMethod, &[]),
        (Version::V5, Reason::ServerShuttingDown, &[0x20, 3, 0, 0x88, 0]),
        (Version::V5, Reason::BadCredentials, &[0x20, 3, 0, 0x86, 0]),
    ] {
        let mut play = Play::start(version, Limits::default());
        play.says(&Packet::Connect(connect(version, true)));
        let mut out = Vec::new();
        play.session.refuse(reason, &mut out);
        let answer = if reason == Reason::ServerShuttingDown && version == Version::V311 {
            &[0x20, 2, 0, 3]
        } else {
            answer
        };
        assert_eq!((out.as_slice(), play.session.is_closed()), (answer, true), "{reason:?}");
    }
}

//= mqtt-v5 MQTT-3.1.0-1, MQTT-3.1.0-2, MQTT-3.2.0-2 test
//= mqtt-v311 MQTT-3.1.0-1, MQTT-3.1.0-2 test
#[test]
fn packets_in_the_wrong_state_end_the_connection() {
    let mut play = Play::start(Version::V5, Limits::default());
    play.says(&publish(Qos::AtMostOnce, 0)).says(&Packet::PingReq).shows(&expect![[r#"
        violation FirstPacket(Publish)
    "#]]);
    let mut play = Play::connected(Version::V311);
    play.says(&Packet::Connect(connect(Version::V311, true))).shows(&expect![[r#"
        violation SecondConnect
    "#]]);
    let connack =
        ConnAck { session_present: false, reason: Reason::Success, properties: Properties::NONE };
    Play::connected(Version::V5).says(&Packet::ConnAck(connack)).shows(&expect![[r#"
        -> Disconnect ProtocolError
        violation Direction(ConnAck)
    "#]]);
    Play::connected(Version::V311).says(&Packet::ConnAck(connack)).shows(&expect![[r#"
        violation Direction(ConnAck)
    "#]]);
    Play::connected(Version::V311).says(&Packet::PingResp).shows(&expect![[r#"
        violation Direction(PingResp)
    "#]]);
    // A SUBACK and an UNSUBACK, as a server writes them.
    Play::connected(Version::V311).sends(&[0x90, 3, 0, 1, 0]).shows(&expect![[r#"
        violation Direction(SubAck)
    "#]]);
    Play::connected(Version::V311).sends(&[0xB0, 2, 0, 1]).shows(&expect![[r#"
        violation Direction(UnsubAck)
    "#]]);
    let auth = Auth { reason: Reason::ReAuthenticate, properties: Properties::NONE };
    Play::connected(Version::V5).says(&Packet::Auth(auth)).shows(&expect![[r#"
        -> Disconnect ProtocolError
        violation AuthMethod
    "#]]);
}

//= mqtt-v311 MQTT-3.1.2-2 test
#[test]
fn other_versions_are_refused_in_words_they_know() {
    let mqisdp = b"\x10\x11\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x03abc";
    let level_9 = b"\x10\x0d\x00\x04MQTT\x09\x02\x00\x3c\x00\x01a";
    for (bytes, answer) in
        [(&mqisdp[..], &[0x20, 2, 0, 1][..]), (&level_9[..], &[0x20, 3, 0, 0x84, 0])]
    {
        let mut session = Session::new(Limits::default(), Generation::new(1), Moment::START);
        let malformed = decode(bytes, session.version(), 100).expect_err("another version");
        let mut out = Vec::new();
        session.on_malformed(malformed, &mut out);
        assert_eq!((out.as_slice(), session.is_closed()), (answer, true));
    }
}

//= mqtt-v311 MQTT-3.1.3-8, MQTT-3.1.3-9 test
#[test]
fn a_session_that_stays_needs_a_name() {
    let nameless = Connect { client_id: "", ..connect(Version::V311, false) };
    let mut play = Play::start(Version::V311, Limits::default());
    play.says(&Packet::Connect(nameless)).shows(&expect![[r#"
        -> ConnAck ClientIdInvalid present=false
        violation ClientIdMissing
    "#]]);
    let nameless = Connect { client_id: "", ..connect(Version::V5, false) };
    let mut play = Play::start(Version::V5, Limits::default());
    play.says(&Packet::Connect(nameless)).shows(&expect![[r#"
        hub: connect ""
    "#]]);
}

//= mqtt-v5 MQTT-3.1.2-22, MQTT-3.2.2-22 test
//= mqtt-v311 MQTT-3.1.2-24 test
#[test]
fn silence_ends_a_connection_after_one_and_a_half_intervals() {
    let mut play = Play::connected(Version::V5);
    play.waits(80).says(&Packet::PingReq).waits(89).shows(&expect![[r#"
        -> PingResp
    "#]]);
    play.waits(1).shows(&expect![[r#"
        -> Disconnect KeepAliveTimeout
        violation KeepAlive
    "#]]);
    let patient = Connect { keep_alive: 0, ..connect(Version::V311, true) };
    let mut play = Play::connected_with(Version::V311, Limits::default(), &patient);
    play.waits(1 << 20).shows(&expect![""]);
    assert_eq!(play.session.poll_timeout(), None);
}

//= mqtt-v5 MQTT-3.2.2-21 test
#[test]
fn the_servers_keep_alive_counts_where_the_client_hears_of_it() {
    for (version, seconds) in [(Version::V5, 15), (Version::V311, 90)] {
        let mut play = Play::start(version, Limits::default());
        play.says(&Packet::Connect(connect(version, true)));
        play.accepted(Accept { keep_alive: Some(10), ..Accept::default() });
        let deadline = Moment::START.saturating_add(Duration::from_secs(seconds));
        assert_eq!(play.session.poll_timeout(), Some(deadline));
    }
}

#[test]
fn a_connection_without_connect_is_closed() {
    let mut play = Play::start(Version::V311, Limits::default());
    play.waits(9).shows(&expect![""]);
    play.waits(1).shows(&expect![[r#"
        violation ConnectTimeout
    "#]]);
}

//= mqtt-v5 MQTT-3.14.4-1, MQTT-3.14.4-3 test
//= mqtt-v311 MQTT-3.14.4-1, MQTT-3.14.4-3 test
#[test]
fn a_will_is_kept_for_those_who_leave_without_a_word() {
    let goodbye = |reason| Packet::Disconnect(Disconnect::new(reason));
    let mut buf = PropertiesBuf::default();
    buf.push(Property::WillDelay(30)).unwrap();
    buf.push(Property::ContentType("text")).unwrap();
    let farewell = will("farm/state", buf.as_properties());
    let connect = Connect { will: Some(farewell), ..connect(Version::V5, true) };
    for (packet, published) in [
        (goodbye(Reason::Success), false),
        (goodbye(Reason::DisconnectWithWill), true),
        (Packet::PingReq, true),
    ] {
        let mut play = Play::connected_with(Version::V5, Limits::default(), &connect);
        play.says(&packet);
        let finished = play.session.finish();
        assert_eq!(finished.will.is_some(), published, "{packet:?}");
        if let Some(will) = finished.will {
            assert_eq!((will.delay, will.topic.as_str()), (30, "farm/state"));
            assert_eq!(&will.properties[..], b"\x03\x00\x04text");
        }
    }
}

#[test]
fn who_was_never_let_in_leaves_nothing() {
    let farewell = will("farm/state", Properties::NONE);
    let connect = Connect { will: Some(farewell), ..connect(Version::V311, false) };
    let mut play = Play::start(Version::V311, Limits::default());
    play.says(&Packet::Connect(connect));
    let finished = play.session.finish();
    assert_eq!((finished.will, finished.expiry), (None, 0));
}

#[test]
fn a_will_needs_a_topic_one_may_publish_to() {
    let farewell = will("farm/+", Properties::NONE);
    let connect = Connect { will: Some(farewell), ..connect(Version::V5, true) };
    Play::start(Version::V5, Limits::default()).says(&Packet::Connect(connect)).shows(&expect![[
        r#"
        -> ConnAck TopicNameInvalid present=false
        violation WillTopic(Forbidden { at: 5 })
    "#
    ]]);
}

//= mqtt-v311 MQTT-3.1.2-4, MQTT-3.1.2-6 test
#[test]
fn a_session_outlives_its_connection_as_agreed() {
    let expiry = |version, clean, seconds: Option<u32>, goodbye: Option<u32>| {
        let mut buf = PropertiesBuf::default();
        if let Some(seconds) = seconds {
            buf.push(Property::SessionExpiry(seconds)).unwrap();
        }
        let connect = Connect { properties: buf.as_properties(), ..connect(version, clean) };
        let mut play = Play::connected_with(version, Limits::default(), &connect);
        let mut buf = PropertiesBuf::default();
        if let Some(seconds) = goodbye {
            buf.push(Property::SessionExpiry(seconds)).unwrap();
        }
        let properties = buf.as_properties();
        play.says(&Packet::Disconnect(Disconnect { reason: Reason::Success, properties }));
        (play.session.finish().expiry, play.log.contains("SessionExpiryRaised"))
    };
    assert_eq!(expiry(Version::V311, true, None, None), (0, false));
    assert_eq!(expiry(Version::V311, false, None, None), (EXPIRY_NEVER, false));
    assert_eq!(expiry(Version::V5, false, None, None), (0, false));
    assert_eq!(expiry(Version::V5, true, Some(60), None), (60, false));
    assert_eq!(expiry(Version::V5, true, Some(60), Some(0)), (0, false));
    assert_eq!(expiry(Version::V5, true, None, Some(60)), (0, true));
}

//= mqtt-v5 MQTT-3.14.0-1 test
#[test]
fn a_takeover_is_told_to_clients_that_understand() {
    for (version, expected) in [
        (Version::V311, expect![""]),
        (
            Version::V5,
            expect![[r#"
            -> Disconnect SessionTakenOver
        "#]],
        ),
    ] {
        let mut play = Play::connected(version);
        play.run(|session, out| {
            session.close(Reason::SessionTakenOver, out);
            Ok::<_, Violation>(String::new())
        });
        play.says(&publish(Qos::AtLeastOnce, 1)).shows(&expected);
    }
}

//= mqtt-v5 MQTT-3.1.2-24, MQTT-3.1.2-25 test
#[test]
fn a_client_gets_no_packet_larger_than_it_takes() {
    let connect_with = |bytes| {
        let mut buf = PropertiesBuf::default();
        buf.push(Property::MaximumPacketSize(NonZeroU32::new(bytes).unwrap())).unwrap();
        let connect = Connect { properties: buf.as_properties(), ..connect(Version::V5, true) };
        Play::connected_with(Version::V5, Limits::default(), &connect)
    };
    connect_with(17).delivers(Qos::AtMostOnce, 1).delivers(Qos::AtLeastOnce, 2).shows(&expect![[
        r#"
        -> Publish "pump/set" id=None dup=false
        deliver: Sent(None)
        -> Publish "pump/set" id=Some(1) dup=false
        deliver: Sent(Some(1))
    "#
    ]]);
    let mut play = connect_with(16);
    play.delivers(Qos::AtLeastOnce, 2);
    play.run(|session, out| {
        session.suback(id(1), [Reason::Success; 12], out).map(|()| String::new())
    });
    play.shows(&expect![[r#"
        deliver: TooLarge
        -> Disconnect PacketTooLarge
        violation ClientPacketMax { max: 16 }
    "#]]);
    let mut tiny = connect_with(9);
    assert!(tiny.session.is_closed());
    tiny.delivers(Qos::AtMostOnce, 1).shows(&expect![[r#"
        deliver: Gone
    "#]]);
}
