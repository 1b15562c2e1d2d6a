//! Enhanced authentication: whose turn it is, and how it ends.

use super::*;

const METHOD: &str = "MOTTO";

fn proof(method: Option<&str>, data: &[u8]) -> PropertiesBuf {
    let mut buf = PropertiesBuf::default();
    if let Some(method) = method {
        buf.push(Property::AuthMethod(method)).unwrap();
    }
    if !data.is_empty() {
        buf.push(Property::AuthData(data)).unwrap();
    }
    buf
}

const WILL: Will<'static> = Will {
    topic: "farm/state",
    payload: b"gone",
    qos: Qos::AtLeastOnce,
    retain: false,
    properties: Properties::NONE,
};

impl Play {
    /// Says who it is, with a will that nobody hears before the CONNACK.
    fn comes(&mut self, method: &str, data: &[u8]) -> &mut Self {
        let buf = proof(Some(method), data);
        let properties = buf.as_properties();
        let connect = Connect { properties, will: Some(WILL), ..connect(Version::V5, true) };
        self.says(&Packet::Connect(connect))
    }

    fn auth(&mut self, reason: Reason, method: Option<&str>, data: &[u8]) -> &mut Self {
        let buf = proof(method, data);
        self.says(&Packet::Auth(Auth { reason, properties: buf.as_properties() }))
    }

    fn proves(&mut self, data: &[u8]) -> &mut Self {
        self.auth(Reason::ContinueAuthentication, Some(METHOD), data)
    }

    fn challenged(&mut self, data: &[u8]) -> &mut Self {
        self.run(|session, out| session.challenge(data, out).map(|()| String::new()))
    }

    /// Asked once, not answered.
    fn asked() -> Self {
        let mut play = Self::start(Version::V5, Limits::default());
        play.comes(METHOD, b"anna").challenged(b"?");
        play.log.clear();
        play
    }

    /// Let in after one question.
    fn proved() -> Self {
        let mut play = Self::asked();
        play.proves(b"!").accepted(Accept { auth_data: Some(b"welcome"), ..Accept::default() });
        play.log.clear();
        play
    }
}

//= mqtt-v5 MQTT-4.12.0-2, MQTT-4.12.0-5 test
#[test]
fn a_client_is_asked_until_it_is_let_in_or_not() {
    let mut play = Play::start(Version::V5, Limits::default());
    play.comes(METHOD, b"anna").challenged(b"\x01").proves(b"\x02").challenged(b"").proves(b"");
    play.accepted(Accept { auth_data: Some(b"\x03"), ..Accept::default() });
    play.shows(&expect![[r#"
        hub: connect "anna"
        -> Auth ContinueAuthentication
             AuthMethod("MOTTO")
             AuthData([1])
        hub: Authenticate { again: false, data: 1 bytes }
        -> Auth ContinueAuthentication
             AuthMethod("MOTTO")
        hub: Authenticate { again: false, data: 0 bytes }
        -> ConnAck Success present=false
             ReceiveMaximum(256)
             MaximumPacketSize(1048576)
             TopicAliasMaximum(16)
             AuthMethod("MOTTO")
             AuthData([3])
    "#]]);
    assert!(play.session.will().is_some());
}

//= mqtt-v5 MQTT-4.12.0-1, MQTT-4.12.0-4 test
#[test]
fn a_client_that_fails_is_turned_away_and_leaves_nothing() {
    for (reason, code) in [(Reason::NotAuthorized, 0x87), (Reason::BadAuthMethod, 0x8C)] {
        let mut play = Play::asked();
        play.proves(b"!");
        let mut out = Vec::new();
        play.session.refuse(reason, &mut out);
        assert_eq!((out.as_slice(), play.session.is_closed()), (&[0x20, 3, 0, code, 0][..], true));
        assert!(play.session.finish().will.is_none());
    }
}

//= mqtt-v5 MQTT-3.15.2-2, MQTT-3.15.2-3 test
#[test]
fn an_auth_has_nothing_but_method_and_data() {
    let mut play = Play::start(Version::V5, Limits::default());
    play.comes(METHOD, b"anna");
    let mut out = Vec::new();
    play.session.challenge(b"?", &mut out).unwrap();
    assert_eq!(out, b"\xF0\x0E\x18\x0C\x15\x00\x05MOTTO\x16\x00\x01?");
}

#[test]
fn a_client_that_takes_no_such_packet_is_told_nothing_and_leaves_nothing() {
    let mut buf = proof(Some(METHOD), b"anna");
    buf.push(Property::MaximumPacketSize(NonZeroU32::new(15).unwrap())).unwrap();
    let properties = buf.as_properties();
    let small = Connect { properties, will: Some(WILL), ..connect(Version::V5, true) };
    let mut play = Play::start(Version::V5, Limits::default());
    play.says(&Packet::Connect(small)).challenged(b"?").shows(&expect![[r#"
        hub: connect "anna"
        violation ClientPacketMax { max: 15 }
    "#]]);
    assert!(play.session.finish().will.is_none());
}

//= mqtt-v5 MQTT-4.12.0-5, MQTT-4.13.1-1 test
#[test]
fn nothing_but_the_next_step_is_taken_before_the_connack() {
    for packet in [publish(Qos::AtMostOnce, 0), Packet::PingReq] {
        let mut play = Play::asked();
        play.says(&packet);
        let kind = packet.kind();
        let told = "-> ConnAck ProtocolError present=false\n";
        assert_eq!(play.log, format!("{told}violation Unauthenticated({kind:?})\n"));
        assert!(play.session.finish().will.is_none());
    }
    for method in [None, Some("OTHER")] {
        let mut play = Play::asked();
        play.auth(Reason::ContinueAuthentication, method, b"").shows(&expect![[r#"
            -> ConnAck ProtocolError present=false
            violation AuthMethod
        "#]]);
    }
    for reason in [Reason::ReAuthenticate, Reason::Success] {
        let mut play = Play::asked();
        play.auth(reason, Some(METHOD), b"!").shows(&expect![[r#"
            -> ConnAck ProtocolError present=false
            violation AuthStep
        "#]]);
    }
    // A length that reaches past the end.
    Play::asked().sends(b"\xF0\x03\x18\x05\x15").shows(&expect![[r#"
        -> ConnAck MalformedPacket present=false
        violation Malformed(Truncated)
    "#]]);
}

#[test]
fn a_client_may_break_off() {
    let mut play = Play::asked();
    play.says(&Packet::Disconnect(Disconnect::new(Reason::DisconnectWithWill))).shows(&expect![[
        r#"
        hub: Disconnect { reason: DisconnectWithWill }
    "#
    ]]);
    assert!(play.session.is_closed() && play.session.finish().will.is_none());
    assert!(Play::asked().session.finish().will.is_none(), "the line broke");
}

#[test]
fn data_and_steps_have_an_end() {
    let most = vec![7; 4 << 10];
    let more = vec![7; (4 << 10) + 1];
    let mut play = Play::start(Version::V5, Limits::default());
    play.comes(METHOD, &more).shows(&expect![[r#"
        -> ConnAck QuotaExceeded present=false
        violation AuthTooMuch
    "#]]);
    let mut play = Play::asked();
    for _ in 0..8 {
        play.proves(&most).challenged(b"?");
    }
    assert!(!play.session.is_closed());
    play.log.clear();
    play.proves(b"!").shows(&expect![[r#"
        -> ConnAck QuotaExceeded present=false
        violation AuthTooMuch
    "#]]);
    let mut play = Play::proved();
    play.auth(Reason::ReAuthenticate, Some(METHOD), &more).shows(&expect![[r#"
        -> Disconnect QuotaExceeded
        violation AuthTooMuch
    "#]]);
}

#[test]
fn an_exchange_has_no_more_time_than_a_connect() {
    let mut play = Play::start(Version::V5, Limits::default());
    play.waits(4).comes(METHOD, b"anna").challenged(b"?").waits(5).proves(b"!").challenged(b"?");
    play.log.clear();
    play.waits(1).shows(&expect![[r#"
        violation ConnectTimeout
    "#]]);
}

//= mqtt-v5 MQTT-4.12.1-2 test
#[test]
fn a_client_that_is_in_can_be_asked_again_while_all_goes_on() {
    let mut play = Play::proved();
    play.auth(Reason::ReAuthenticate, Some(METHOD), b"anna").challenged(b"?");
    play.says(&publish(Qos::AtLeastOnce, 7)).commits().proves(b"!");
    play.run(|session, out| session.confirm(b"yes", out).map(|()| String::new()));
    play.shows(&expect![[r#"
        hub: Authenticate { again: true, data: 4 bytes }
        -> Auth ContinueAuthentication
             AuthMethod("MOTTO")
             AuthData([63])
        hub: publish farm/barn
        -> PubAck 7 Success
        hub: Authenticate { again: false, data: 1 bytes }
        -> Auth Success
             AuthMethod("MOTTO")
             AuthData([121, 101, 115])
    "#]]);
    play.auth(Reason::ReAuthenticate, Some(METHOD), b"anna").challenged(b"?").log.clear();
    play.run(|session, out| {
        session.close(Reason::NotAuthorized, out);
        Ok::<_, Violation>(String::new())
    });
    play.shows(&expect![[r#"
        -> Disconnect NotAuthorized
    "#]]);
}

//= mqtt-v5 MQTT-4.12.0-5, MQTT-4.12.0-6, MQTT-4.12.1-2 test
#[test]
fn a_wrong_step_in_an_open_session_ends_it() {
    let check = |play: &mut Play, reason, method, violation| {
        play.auth(reason, method, b"");
        let told = "-> Disconnect ProtocolError\n";
        assert_eq!(play.log, format!("{told}violation {violation}\n"));
    };
    let again = Reason::ReAuthenticate;
    check(&mut Play::connected(Version::V5), again, None, "AuthMethod");
    check(&mut Play::connected(Version::V5), again, Some(METHOD), "AuthMethod");
    check(&mut Play::proved(), again, None, "AuthMethod");
    check(&mut Play::proved(), again, Some("OTHER"), "AuthMethod");
    check(&mut Play::proved(), Reason::ContinueAuthentication, Some(METHOD), "AuthStep");
    check(&mut Play::proved(), Reason::Success, Some(METHOD), "AuthStep");
    let mut asked = Play::proved();
    asked.auth(again, Some(METHOD), b"").challenged(b"?").log.clear();
    check(&mut asked, again, Some(METHOD), "AuthStep");
}

#[test]
fn a_method_with_a_long_name_is_not_kept() {
    let mut play = Play::start(Version::V5, Limits::default());
    play.comes(&"M".repeat(65), b"").shows(&expect![[r#"
        hub: connect "anna"
    "#]]);
    assert!(play.session.method().is_none());
}
