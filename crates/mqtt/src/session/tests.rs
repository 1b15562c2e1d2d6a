//! Scripts of one client: what it sends, what the hub is asked to do, what it gets back.

use std::fmt::Write as _;
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use expect_test::{Expect, expect};
use model::promise::DurableMark;
use model::{Horizon, Lane, Position, Qos};

use super::*;
use crate::ack::Ack;
use crate::connect::{Connect, Will};
use crate::disconnect::{Auth, Disconnect};
use crate::inflight::Step;
use crate::publish::{Frame, Outgoing};
use crate::publish_properties::PublishProperties;
use crate::subscribe::{Subscription, SubscriptionOptions, encode_subscribe, encode_unsubscribe};
use crate::{decode, needed};

mod authenticating;
mod connecting;
mod handshakes;
mod standard;

fn id(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

fn ack(number: u16) -> Ack<'static> {
    Ack::new(id(number), Reason::Success)
}

fn publish(qos: Qos, number: u16) -> Packet<'static> {
    Packet::Publish(Publish {
        dup: false,
        qos,
        retain: false,
        topic: "farm/barn",
        packet_id: NonZeroU16::new(number),
        properties: PublishProperties::NONE,
        payload: b"21.5",
    })
}

fn with_properties<'a>(packet: &Packet<'a>, block: &'a [u8], topic: &'a str) -> Packet<'a> {
    let Packet::Publish(publish) = *packet else { panic!("not a PUBLISH") };
    let properties = PublishProperties::parse(block).unwrap();
    Packet::Publish(Publish { properties, topic, ..publish })
}

fn connect(version: Version, clean_start: bool) -> Connect<'static> {
    Connect {
        version,
        clean_start,
        keep_alive: 60,
        client_id: "anna",
        will: None,
        user_name: None,
        password: None,
        properties: Properties::NONE,
    }
}

/// A client, its connection, and a journal that commits when it is told to.
struct Play {
    session: Session,
    version: Version,
    lane: Lane<Ticket>,
    position: Position,
    durable: DurableMark,
    horizon: Arc<Horizon>,
    now: Moment,
    log: String,
}

impl Play {
    fn start(version: Version, limits: Limits) -> Self {
        let (horizon, durable, _) = Horizon::new(Position::ZERO, &[], Box::new(|_| {}));
        Self {
            session: Session::new(limits, Generation::new(1), Moment::START),
            version,
            lane: Lane::default(),
            position: Position::ZERO,
            durable,
            horizon,
            now: Moment::START,
            log: String::new(),
        }
    }

    /// Connected to a session that stays; the log is empty.
    fn connected(version: Version) -> Self {
        Self::connected_with(version, Limits::default(), &connect(version, false))
    }

    fn connected_with(version: Version, limits: Limits, connect: &Connect<'_>) -> Self {
        let mut play = Self::start(version, limits);
        play.says(&Packet::Connect(*connect));
        play.accepted(Accept::default());
        play.log.clear();
        play
    }

    fn says(&mut self, packet: &Packet<'_>) -> &mut Self {
        let mut bytes = Vec::new();
        packet.encode(self.version, &mut bytes).unwrap();
        self.sends(&bytes)
    }

    fn sends(&mut self, bytes: &[u8]) -> &mut Self {
        let mut out = Vec::new();
        let decoded = decode(bytes, self.version, self.session.packet_max());
        let handled = match decoded {
            Ok(packet) => {
                let (packet, used) = packet.expect("a whole packet");
                assert_eq!(used, bytes.len(), "one packet");
                self.session.on_packet(packet, self.now, &mut out)
            }
            Err(malformed) => Err(self.session.on_malformed(malformed, &mut out)),
        };
        self.note_out(&out);
        match handled {
            Ok(None) => {}
            Ok(Some(action)) => self.note_action(action),
            Err(violation) => writeln!(self.log, "violation {violation:?}").unwrap(),
        }
        self
    }

    fn accepted(&mut self, accept: Accept<'_>) -> &mut Self {
        self.run(|session, out| session.accept(accept, out).map(|()| String::new()))
    }

    fn run<E: std::fmt::Debug>(
        &mut self,
        act: impl FnOnce(&mut Session, &mut Vec<u8>) -> Result<String, E>,
    ) -> &mut Self {
        let mut out = Vec::new();
        let result = act(&mut self.session, &mut out);
        self.note_out(&out);
        match result {
            Ok(note) if note.is_empty() => {}
            Ok(note) => writeln!(self.log, "{note}").unwrap(),
            Err(error) => writeln!(self.log, "violation {error:?}").unwrap(),
        }
        self
    }

    fn delivers(&mut self, qos: Qos, token: u64) -> &mut Self {
        let (bytes, id_at) = frame(self.version, qos);
        self.run(|session, out| {
            let delivered = session.deliver(Frame::new(&bytes, id_at), token, out);
            Ok::<_, Violation>(format!("deliver: {delivered:?}"))
        })
    }

    fn redelivers(&mut self, number: u16, qos: Qos) -> &mut Self {
        let (bytes, id_at) = frame(self.version, qos);
        self.run(|session, out| {
            let delivered = session.redeliver(id(number), Frame::new(&bytes, id_at), out);
            Ok::<_, Violation>(format!("redeliver: {delivered:?}"))
        })
    }

    /// The journal commits all it has.
    fn commits(&mut self) -> &mut Self {
        self.durable.advance(self.position);
        let mut out = Vec::new();
        for ticket in self.lane.settle(self.horizon.committed()) {
            self.session.acknowledge(ticket, &mut out);
        }
        self.note_out(&out);
        self
    }

    /// The connection breaks and the client is back, with the lane of its session.
    fn reconnects(&mut self, connect: &Connect<'_>) -> &mut Self {
        let next = Session::new(Limits::default(), Generation::new(2), self.now);
        let finished = std::mem::replace(&mut self.session, next).finish();
        self.version = connect.version;
        self.says(&Packet::Connect(*connect));
        let resumed = (!connect.clean_start).then_some(finished.inflight);
        self.accepted(Accept { resumed, ..Accept::default() })
    }

    fn waits(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now.saturating_add(Duration::from_secs(seconds));
        let now = self.now;
        self.run(|session, out| session.on_timeout(now, out).map(|()| String::new()))
    }

    #[track_caller]
    fn shows(&mut self, expected: &Expect) -> &mut Self {
        expected.assert_eq(&self.log);
        self.log.clear();
        self
    }

    fn note_out(&mut self, mut out: &[u8]) {
        while !out.is_empty() {
            let (packet, used) = decode(out, self.version, VARINT_MAX).unwrap().unwrap();
            writeln!(self.log, "-> {}", summary(&packet)).unwrap();
            out = &out[used..];
        }
    }

    fn note_action(&mut self, action: Action<'_>) {
        match action {
            Action::Publish { topic, ticket, .. } => {
                writeln!(self.log, "hub: publish {}", topic.as_name()).unwrap();
                self.position = self.position.next();
                if let Some(ticket) = ticket {
                    self.lane.push(self.position, ticket);
                }
            }
            Action::Connect(connect) => {
                writeln!(self.log, "hub: connect {:?}", connect.client_id).unwrap();
            }
            Action::Subscribe(subscribe) => {
                let filters: Vec<_> = subscribe.subscriptions().map(|line| line.filter).collect();
                writeln!(self.log, "hub: subscribe {filters:?}").unwrap();
            }
            Action::Unsubscribe(unsubscribe) => {
                let filters: Vec<_> = unsubscribe.filters().collect();
                writeln!(self.log, "hub: unsubscribe {filters:?}").unwrap();
            }
            Action::Released { packet_id, ticket } => {
                writeln!(self.log, "hub: write down that {packet_id} is free").unwrap();
                self.position = self.position.next();
                self.lane.push(self.position, ticket);
            }
            Action::Received { packet_id, token, ticket: Some(ticket) } => {
                writeln!(self.log, "hub: write down that {packet_id} has arrived, {token}")
                    .unwrap();
                self.position = self.position.next();
                self.lane.push(self.position, ticket);
            }
            Action::Authenticate { .. }
            | Action::Received { .. }
            | Action::Delivered { .. }
            | Action::Disconnect { .. } => {
                writeln!(self.log, "hub: {action:?}").unwrap();
            }
        }
    }
}

fn frame(version: Version, qos: Qos) -> (Vec<u8>, Option<usize>) {
    let message = Outgoing {
        qos,
        retain: false,
        topic: "pump/set",
        subscription_ids: &[],
        properties: &[],
        expiry_left: None,
        payload: b"on",
    };
    let mut bytes = Vec::new();
    let id_at = message.encode(version, &mut bytes).unwrap();
    (bytes, id_at)
}

fn summary(packet: &Packet<'_>) -> String {
    match packet {
        Packet::ConnAck(it) => {
            let text = format!("ConnAck {:?} present={}", it.reason, it.session_present);
            with_lines(text, it.properties)
        }
        Packet::Auth(it) => with_lines(format!("Auth {:?}", it.reason), it.properties),
        Packet::Publish(it) => {
            format!("Publish {:?} id={:?} dup={}", it.topic, it.packet_id, it.dup)
        }
        Packet::PubAck(it) | Packet::PubRec(it) | Packet::PubRel(it) | Packet::PubComp(it) => {
            format!("{:?} {} {:?}", packet.kind(), it.packet_id, it.reason)
        }
        Packet::SubAck(it) | Packet::UnsubAck(it) => {
            let reasons: Vec<_> = it.reasons().collect();
            format!("{:?} {} {reasons:?}", packet.kind(), it.packet_id())
        }
        Packet::Disconnect(it) => format!("Disconnect {:?}", it.reason),
        Packet::Connect(_)
        | Packet::Subscribe(_)
        | Packet::Unsubscribe(_)
        | Packet::PingReq
        | Packet::PingResp => format!("{:?}", packet.kind()),
    }
}

fn with_lines(mut text: String, properties: Properties<'_>) -> String {
    for property in properties.iter() {
        write!(text, "\n     {property:?}").unwrap();
    }
    text
}

//= mqtt-v5 MQTT-2.2.1-5, MQTT-3.3.4-1, MQTT-4.3.2-4 test
//= mqtt-v311 MQTT-3.3.4-1, MQTT-4.3.2-2 test
#[test]
fn nothing_is_acknowledged_before_its_commit() {
    for version in [Version::V311, Version::V5] {
        let mut play = Play::connected(version);
        play.says(&publish(Qos::AtLeastOnce, 7)).says(&publish(Qos::ExactlyOnce, 8));
        play.shows(&expect![[r#"
            hub: publish farm/barn
            hub: publish farm/barn
        "#]]);
        play.commits().shows(&expect![[r#"
            -> PubAck 7 Success
            -> PubRec 8 Success
        "#]]);
    }
}

#[test]
fn a_message_without_qos_has_no_ticket() {
    let mut play = Play::connected(Version::V311);
    play.says(&publish(Qos::AtMostOnce, 0)).commits();
    play.shows(&expect![[r#"
        hub: publish farm/barn
    "#]]);
    assert_eq!((play.session.owed(), play.lane.len()), (0, 0));
}

//= mqtt-v5 MQTT-3.4.2-2, MQTT-3.4.2-3, MQTT-3.5.2-2, MQTT-3.5.2-3 test
//= mqtt-v311 MQTT-3.3.5-2, MQTT-4.8.0-2 test
#[test]
fn a_refused_message_is_told_in_mqtt_5_and_closes_mqtt_3() {
    for (version, qos) in [
        (Version::V5, Qos::AtLeastOnce),
        (Version::V5, Qos::ExactlyOnce),
        (Version::V311, Qos::AtLeastOnce),
    ] {
        let mut play = Play::connected(version);
        let mut out = Vec::new();
        let action = play.session.on_packet(publish(qos, 7), Moment::START, &mut out).unwrap();
        let Some(Action::Publish { ticket: Some(ticket), .. }) = action else { panic!("a ticket") };
        play.session.reject(ticket, Reason::QuotaExceeded, &mut out);
        assert_eq!(play.session.is_closed(), version == Version::V311);
        let told: &[u8] = match (version, qos) {
            (Version::V311, _) => &[],
            (Version::V5, Qos::ExactlyOnce) => &[0x50, 3, 0, 7, 0x97],
            (Version::V5, _) => &[0x40, 3, 0, 7, 0x97],
        };
        assert_eq!(out, told);
    }
}

//= mqtt-v5 MQTT-3.12.4-1 test
//= mqtt-v311 MQTT-3.12.4-1 test
#[test]
fn a_ping_is_answered() {
    Play::connected(Version::V311).says(&Packet::PingReq).shows(&expect![[r#"
        -> PingResp
    "#]]);
}

//= mqtt-v5 MQTT-2.2.1-6, MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-3.8.4-5, MQTT-3.8.4-6 test
//= mqtt-v311 MQTT-2.3.1-7, MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-3.8.4-4, MQTT-3.8.4-5 test
#[test]
fn each_filter_is_answered_in_its_place() {
    let reasons = [Reason::GrantedQos1, Reason::NotAuthorized];
    for (version, expected) in [
        (
            Version::V311,
            expect![[r#"
            hub: subscribe ["a/+", "b"]
            -> SubAck 3 [GrantedQos1, Unspecified]
        "#]],
        ),
        (
            Version::V5,
            expect![[r#"
            hub: subscribe ["a/+", "b"]
            -> SubAck 3 [GrantedQos1, NotAuthorized]
        "#]],
        ),
    ] {
        let options = SubscriptionOptions::with_qos(Qos::AtLeastOnce);
        let lines = ["a/+", "b"].map(|filter| Subscription { filter, options });
        let mut bytes = Vec::new();
        encode_subscribe(version, id(3), Properties::NONE, lines, &mut bytes).unwrap();
        let mut play = Play::connected(version);
        play.sends(&bytes);
        play.run(|session, out| session.suback(id(3), reasons, out).map(|()| String::new()));
        play.shows(&expected);
    }
}

//= mqtt-v5 MQTT-3.10.4-4, MQTT-3.11.3-1 test
//= mqtt-v311 MQTT-3.10.4-4 test
#[test]
fn unsubscribing_is_answered() {
    let mut bytes = Vec::new();
    encode_unsubscribe(Version::V5, id(3), Properties::NONE, ["a"], &mut bytes).unwrap();
    let mut play = Play::connected(Version::V5);
    play.sends(&bytes);
    play.run(|session, out| {
        session.unsuback(id(3), [Reason::NoSubscriptionExisted], out).map(|()| String::new())
    });
    play.shows(&expect![[r#"
        hub: unsubscribe ["a"]
        -> UnsubAck 3 [NoSubscriptionExisted]
    "#]]);
}
