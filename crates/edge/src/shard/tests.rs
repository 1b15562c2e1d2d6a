//! A world of one or two shards without sockets: clients write packets, the disk commits when told.

use std::net::Ipv4Addr;

use expect_test::{Expect, expect};
use model::{Horizon, Qos};
use mqtt::{
    Ack, Connect, Outgoing, Packet, Properties, Publish, PublishProperties, Reason, Subscription,
    SubscriptionOptions, Version, Will, decode, encode_subscribe,
};

use super::*;
use crate::clock::Now;

mod standard;

struct World {
    shards: Vec<Shard>,
    now: Now,
    written: u64,
}

/// Where a client's connection is.
#[derive(Clone, Copy)]
struct At {
    shard: usize,
    key: ConnectionKey,
}

impl World {
    fn new(shards: u16) -> Self {
        let common = Common {
            subscriptions: Arc::default(),
            retained: Arc::default(),
            meter: Arc::default(),
            limits: Limits { anonymous: true, ..Limits::default() },
        };
        let now = Now { moment: Moment::START, timestamp: Timestamp::from_millis(1_000) };
        let shards = (0..shards).map(|index| Shard::new(index, shards, common.clone())).collect();
        Self { shards, now, written: 0 }
    }

    fn open(&mut self) -> At {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        At { shard: 0, key: self.shards[0].open(peer, self.now.moment).unwrap() }
    }

    /// Opens a connection and sends CONNECT; follows it to the shard where the client lives.
    fn connect(&mut self, connect: &Connect<'_>) -> At {
        let at = self.open();
        let mut bytes = Vec::new();
        connect.encode(&mut bytes).unwrap();
        self.shards[at.shard].receive(at.key, &bytes, self.now);
        let Some(moved) = self.shards[at.shard].next_handover() else { return at };
        self.shards[at.shard].release(at.key);
        let shard = usize::from(moved.home);
        let key = self.shards[shard].open(moved.adopted.peer, self.now.moment).unwrap();
        self.shards[shard].receive(key, &moved.adopted.bytes, self.now);
        At { shard, key }
    }

    fn send(&mut self, at: At, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        packet.encode(Version::V5, &mut bytes).unwrap();
        // In two pieces, as a network may.
        let (head, tail) = bytes.split_at(bytes.len() / 2);
        self.shards[at.shard].receive(at.key, head, self.now);
        self.shards[at.shard].receive(at.key, tail, self.now);
        self.exchange();
    }

    fn subscribe(&mut self, at: At, filter: &str, qos: Qos) {
        let mut bytes = Vec::new();
        let subscription = Subscription { filter, options: SubscriptionOptions::with_qos(qos) };
        let id = 1.try_into().unwrap();
        encode_subscribe(Version::V5, id, Properties::NONE, [subscription], &mut bytes).unwrap();
        self.shards[at.shard].receive(at.key, &bytes, self.now);
    }

    fn publish(&mut self, at: At, topic: &str, payload: &str, (qos, id): (Qos, u16)) {
        let publish = Publish {
            dup: false,
            qos,
            retain: topic.starts_with("kept"),
            topic,
            packet_id: id.try_into().ok(),
            properties: PublishProperties::NONE,
            payload: payload.as_bytes(),
        };
        self.send(at, &Packet::Publish(publish));
    }

    fn exchange(&mut self) {
        for from in 0..self.shards.len() {
            let letters: Vec<Remote> = self.shards[from].drain_remote().collect();
            for (home, publication, routes) in letters {
                self.shards[usize::from(home)].deliver_all(&publication, &routes);
            }
        }
    }

    /// The journal takes all records, and the disk and history have them.
    fn commit(&mut self) {
        for shard in &mut self.shards {
            let count = shard.waiting.len() as u64;
            if count > 0 {
                shard.records = Pending::default();
                shard.submitted(Position::new(self.written + 1));
                self.written += count;
            }
        }
        let (horizon, _, _) = Horizon::new(Position::new(self.written), &[], Box::new(|_| {}));
        for shard in &mut self.shards {
            shard.settle(horizon.committed());
        }
    }

    fn lose(&mut self, at: At) {
        self.shards[at.shard].lost(at.key, self.now);
    }

    fn later(&mut self, seconds: u64) {
        self.now.moment = self.now.moment.saturating_add(Duration::from_secs(seconds));
        self.now.timestamp = self.now.timestamp.saturating_add(Duration::from_secs(seconds));
        for shard in &mut self.shards {
            shard.run_timers(self.now);
        }
        self.exchange();
    }

    /// What a client has been sent since it was last asked.
    fn heard(&mut self, at: At) -> Vec<String> {
        let Some(output) = self.shards[at.shard].output_mut(at.key) else { return Vec::new() };
        let bytes = output.pending().to_vec();
        output.advance(bytes.len());
        let mut rest = &bytes[..];
        let mut heard = Vec::new();
        while let Some((packet, length)) = decode(rest, Version::V5, 1 << 20).unwrap() {
            heard.push(describe(&packet));
            rest = &rest[length..];
        }
        assert!(rest.is_empty(), "whole packets only");
        heard
    }

    #[track_caller]
    fn check(&mut self, at: At, expected: &Expect) {
        expected.assert_eq(&self.heard(at).join("\n"));
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is told by its kind")]
fn describe(packet: &Packet<'_>) -> String {
    match packet {
        Packet::ConnAck(connack) => {
            format!("CONNACK {:?} present={}", connack.reason, connack.session_present)
        }
        Packet::Publish(publish) => format!(
            "PUBLISH {} {} {:?}{}{}",
            publish.topic,
            String::from_utf8_lossy(publish.payload),
            publish.qos,
            if publish.dup { " dup" } else { "" },
            if publish.retain { " retained" } else { "" },
        ),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            format!("{:?} {}", packet.kind(), ack.packet_id)
        }
        Packet::Disconnect(disconnect) => format!("DISCONNECT {:?}", disconnect.reason),
        other => format!("{:?}", other.kind()),
    }
}

fn client(client_id: &str) -> Connect<'_> {
    Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive: 0,
        client_id,
        will: None,
        user_name: None,
        password: None,
        properties: Properties::NONE,
    }
}

/// A client whose session stays for an hour.
fn lasting(client_id: &str, run: impl FnOnce(Connect<'_>)) {
    let mut properties = mqtt::PropertiesBuf::default();
    properties.push(mqtt::Property::SessionExpiry(3_600)).unwrap();
    let properties = properties.as_properties();
    run(Connect { clean_start: false, properties, ..client(client_id) });
}

fn ack(id: u16, reason: Reason) -> Ack<'static> {
    Ack::new(id.try_into().unwrap(), reason)
}

#[test]
fn an_acknowledgement_waits_for_the_commit_and_a_delivery_does_not() {
    let mut world = World::new(1);
    let (anna, bo) = (world.connect(&client("anna")), world.connect(&client("bo")));
    world.subscribe(anna, "farm/#", Qos::AtLeastOnce);
    world.heard(anna);
    world.heard(bo);
    world.publish(bo, "farm/t", "21.5", (Qos::AtLeastOnce, 7));
    world.check(anna, &expect!["PUBLISH farm/t 21.5 AtLeastOnce"]);
    world.check(bo, &expect![""]);
    world.commit();
    world.check(bo, &expect!["PubAck 7"]);
}

#[test]
fn clients_on_two_shards_hear_each_other() {
    let mut world = World::new(2);
    let here = world.connect(&client("a0"));
    let mut number = 1;
    let there = loop {
        let name = format!("a{number}");
        let at = world.connect(&client(&name));
        if at.shard != here.shard {
            break at;
        }
        number += 1;
    };
    world.subscribe(here, "x", Qos::AtLeastOnce);
    world.heard(here);
    world.publish(there, "x", "1", (Qos::AtLeastOnce, 1));
    world.check(here, &expect!["PUBLISH x 1 AtLeastOnce"]);
}

#[test]
fn a_second_connection_of_a_client_takes_over_its_session() {
    lasting("anna", |connect| {
        let mut world = World::new(1);
        let first = world.connect(&connect);
        world.subscribe(first, "a", Qos::AtLeastOnce);
        world.heard(first);
        let second = world.connect(&connect);
        world.check(first, &expect!["DISCONNECT SessionTakenOver"]);
        world.check(second, &expect!["CONNACK Success present=true"]);
        let bo = world.connect(&client("bo"));
        world.publish(bo, "a", "1", (Qos::AtLeastOnce, 1));
        world.check(second, &expect!["PUBLISH a 1 AtLeastOnce"]);
    });
}

#[test]
fn what_a_client_missed_or_did_not_confirm_comes_when_it_is_back() {
    lasting("anna", |connect| {
        let mut world = World::new(1);
        let anna = world.connect(&connect);
        world.subscribe(anna, "a", Qos::AtLeastOnce);
        let bo = world.connect(&client("bo"));
        world.publish(bo, "a", "unconfirmed", (Qos::AtLeastOnce, 1));
        world.lose(anna);
        world.publish(bo, "a", "missed", (Qos::AtLeastOnce, 2));
        world.publish(bo, "a", "not kept", (Qos::AtMostOnce, 0));
        let back = world.connect(&connect);
        world.check(
            back,
            &expect![[r#"
                CONNACK Success present=true
                PUBLISH a unconfirmed AtLeastOnce dup
                PUBLISH a missed AtLeastOnce"#]],
        );
    });
}

#[test]
fn a_qos_2_message_that_commits_while_its_sender_is_away_is_confirmed_once() {
    lasting("anna", |connect| {
        let mut world = World::new(1);
        let anna = world.connect(&connect);
        let bo = world.connect(&client("bo"));
        world.subscribe(bo, "a", Qos::AtMostOnce);
        world.heard(bo);
        world.publish(anna, "a", "1", (Qos::ExactlyOnce, 9));
        world.lose(anna);
        world.commit();
        let back = world.connect(&connect);
        world.heard(back);
        world.publish(back, "a", "1", (Qos::ExactlyOnce, 9));
        world.check(back, &expect!["PubRec 9"]);
        world.send(back, &Packet::PubRel(ack(9, Reason::Success)));
        world.check(back, &expect!["PubComp 9"]);
        world.check(bo, &expect!["PUBLISH a 1 AtMostOnce"]);
    });
}

#[test]
fn a_retained_message_greets_a_new_subscriber() {
    let mut world = World::new(1);
    let bo = world.connect(&client("bo"));
    world.publish(bo, "kept/a", "1", (Qos::AtMostOnce, 0));
    world.publish(bo, "kept/a", "2", (Qos::AtMostOnce, 0));
    let anna = world.connect(&client("anna"));
    world.subscribe(anna, "kept/+", Qos::AtLeastOnce);
    world.check(
        anna,
        &expect![[r#"
            CONNACK Success present=false
            SubAck
            PUBLISH kept/a 2 AtMostOnce retained"#]],
    );
}

#[test]
fn a_will_is_published_when_its_client_is_lost_and_not_when_it_says_goodbye() {
    let will = Will {
        topic: "wills/anna",
        payload: b"gone",
        qos: Qos::AtMostOnce,
        retain: false,
        properties: Properties::NONE,
    };
    let connect = Connect { will: Some(will), ..client("anna") };
    let mut world = World::new(1);
    let bo = world.connect(&client("bo"));
    world.subscribe(bo, "wills/#", Qos::AtMostOnce);
    world.heard(bo);
    let anna = world.connect(&connect);
    world.send(anna, &Packet::Disconnect(mqtt::Disconnect::new(Reason::Success)));
    world.check(bo, &expect![""]);
    let anna = world.connect(&connect);
    world.lose(anna);
    world.check(bo, &expect!["PUBLISH wills/anna gone AtMostOnce"]);
}

#[test]
fn a_silent_client_is_closed_after_one_and_a_half_keep_alives() {
    let mut world = World::new(1);
    let anna = world.connect(&Connect { keep_alive: 10, ..client("anna") });
    world.heard(anna);
    world.later(14);
    world.check(anna, &expect![""]);
    world.later(3);
    world.check(anna, &expect!["DISCONNECT KeepAliveTimeout"]);
    let silent = world.open();
    world.later(20);
    assert!(world.shards[0].is_finished(silent.key), "no CONNECT came");
}

#[test]
fn a_slow_subscriber_holds_a_bounded_amount_and_loses_nothing_of_qos_1() {
    let mut world = World::new(1);
    let (anna, bo) = (world.connect(&client("anna")), world.connect(&client("bo")));
    world.subscribe(anna, "a", Qos::AtLeastOnce);
    world.heard(anna);
    for number in 0..1_000_u16 {
        world.publish(bo, "a", &number.to_string(), (Qos::AtLeastOnce, number + 1));
        world.commit();
    }
    let mut got = 0;
    loop {
        let heard = world.heard(anna);
        if heard.is_empty() {
            break;
        }
        assert!(heard.len() <= 256, "no more than the window");
        for line in &heard {
            assert_eq!(*line, format!("PUBLISH a {got} AtLeastOnce"));
            got += 1;
            let id = u16::try_from(got).unwrap();
            world.send(anna, &Packet::PubAck(ack(id, Reason::Success)));
        }
    }
    assert_eq!(got, 1_000);
}

#[test]
fn without_leave_nobody_gets_in_anonymously() {
    let mut world = World::new(1);
    world.shards[0].common.limits.anonymous = false;
    let anna = world.connect(&client("anna"));
    world.check(anna, &expect!["CONNACK NotAuthorized present=false"]);
    assert!(world.shards[0].is_finished(anna.key));
}

#[test]
fn a_shared_message_goes_to_one_member_of_the_group() {
    let mut world = World::new(1);
    let members = ["anna", "cleo"].map(|name| world.connect(&client(name)));
    for member in members {
        world.subscribe(member, "$share/g/jobs", Qos::AtMostOnce);
        world.heard(member);
    }
    let bo = world.connect(&client("bo"));
    for _ in 0..10 {
        world.publish(bo, "jobs", "1", (Qos::AtMostOnce, 0));
    }
    let heard = members.map(|member| world.heard(member).len());
    assert_eq!(heard, [5, 5]);
}

#[test]
fn one_encoding_serves_all_subscribers_of_a_kind() {
    let mut frames = Frames::default();
    let shown = frames::Shown { topic: "a", properties: &[], payload: b"1", expiry_left: None };
    let mut expected = Vec::new();
    let outgoing = Outgoing {
        qos: Qos::AtMostOnce,
        retain: false,
        topic: "a",
        subscription_ids: &[],
        properties: &[],
        expiry_left: None,
        payload: b"1",
    };
    outgoing.encode(Version::V5, &mut expected).unwrap();
    frames.begin();
    for _ in 0..3 {
        let shape = frames::Shape {
            version: Version::V5,
            qos: Qos::AtMostOnce,
            retain: false,
            identifiers: &[],
        };
        assert_eq!(frames.get(shown, shape).unwrap().len(), expected.len());
    }
}
