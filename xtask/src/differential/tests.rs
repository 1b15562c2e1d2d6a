use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use model::Qos;
use mqtt::{
    Ack, ConnAck, Kind, Packet, Properties, Publish, PublishProperties, Reason, Subscription,
    SubscriptionOptions, Version, decode, encode_subscribe,
};

use super::damage::{Habits, Wish};
use super::heard::Heard;
use super::script::Phase;
use super::*;

#[test]
fn a_seed_is_a_script() {
    for number in 0..50 {
        let (one, two) = (Script::generate(7, number), Script::generate(7, number));
        assert_eq!(one.phases, two.phases);
        assert!(one.packets() > 0, "a script says something");
    }
    assert_ne!(Script::generate(7, 0).phases, Script::generate(8, 0).phases);
}

#[test]
fn damage_that_makes_another_wish_of_a_subscription_is_left_out() {
    let habits = Habits {
        family: &["a", "$share/g/a"],
        wish: Wish { retain_as_published: false, no_local: true },
    };
    let check = |filter, (retain_as_published, no_local), left_open| {
        let options = SubscriptionOptions::with_qos(Qos::AtMostOnce);
        let options = SubscriptionOptions { retain_as_published, no_local, ..options };
        let (id, mut packet) = (7.try_into().unwrap(), Vec::new());
        let lines = [Subscription { filter, options }];
        encode_subscribe(Version::V5, id, Properties::NONE, lines, &mut packet).unwrap();
        assert_eq!(damage::is_left_open(&packet, Version::V5, habits), left_open);
    };
    check("a", (false, true), false);
    check("$share/g/a", (false, false), false);
    check("a", (true, true), true);
    check("a", (false, false), true);
    check("b", (false, true), true);
}

#[test]
fn a_script_shrinks_to_what_matters() {
    let connects = |script: &Script| {
        let found = script.phases.iter().filter(|phase| matches!(phase, Phase::Connect { .. }));
        found.count()
    };
    let script = (0..).map(|number| Script::generate(1, number)).find(|it| connects(it) > 2);
    let small = shrink::shrink(script.unwrap(), |script| connects(script) > 1);
    assert_eq!((small.phases.len(), connects(&small)), (2, 2));
}

/// What a subscriber heard: messages with their payload and whether they are retained.
fn heard(messages: &[(&str, bool)]) -> Vec<Heard> {
    let mut heard = Heard::default();
    for (payload, retain) in messages {
        heard.add(&Packet::Publish(Publish {
            dup: false,
            qos: Qos::AtMostOnce,
            retain: *retain,
            topic: "a",
            packet_id: None,
            properties: PublishProperties::NONE,
            payload: payload.as_bytes(),
        }));
    }
    vec![heard]
}

#[track_caller]
fn check(theirs: &[(&str, bool)], ours: &[(&str, bool)], difference: Option<&str>, allowed: usize) {
    let verdict = Verdict::of(heard(theirs), heard(ours));
    assert_eq!((verdict.difference.as_deref(), verdict.allowed.len()), (difference, allowed));
}

#[test]
fn what_was_heard_is_compared_in_its_order_and_allowances_are_counted() {
    let both = [("1", false), ("2", true)];
    check(&both, &both, None, 0);
    check(&both, &both[..1], Some("message: fewer here"), 0);
    check(&both[..1], &both, Some("message: more here"), 0);
    check(&both, &[("2", true), ("1", false)], Some("message: other words"), 0);
    check(&both, &[("1", false), ("2", false)], Some("message: other words"), 0);
    let told = |reason| {
        let mut heard = Heard::default();
        heard.add(&Packet::PubAck(Ack::new(7.try_into().unwrap(), reason)));
        vec![heard]
    };
    let verdict = Verdict::of(told(Reason::NoMatchingSubscribers), told(Reason::Success));
    assert_eq!((verdict.difference, verdict.allowed.len()), (None, 1));
    let verdict = Verdict::of(told(Reason::QuotaExceeded), told(Reason::Success));
    assert_eq!(verdict.difference.as_deref(), Some("answer: other words"));
}

/// When a stand-in sends the message that its client is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    BeforePingIsAnswered,
    /// Once the client is seen to wait.
    Late,
    Never,
}

/// A broker that owes each client one message. A script of one connection needs three: by the
/// others both sessions are ended.
fn stand_in(delivery: Delivery) -> Broker {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(3) {
            std::thread::spawn(move || serve(stream.unwrap(), delivery));
        }
    });
    Broker { address, patience: Duration::from_millis(500) }
}

fn serve(mut stream: TcpStream, delivery: Delivery) {
    stream.set_nodelay(true).unwrap();
    let (mut delivery, mut input) = (Some(delivery), Vec::new());
    loop {
        let mut chunk = [0; 1024];
        let mut out = Vec::new();
        match stream.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => input.extend(&chunk[..count]),
            // The client waits.
            Err(_) => {
                delivery = None;
                message().encode(Version::V311, &mut out).unwrap();
            }
        }
        while let Ok(Some((packet, length))) = decode(&input, Version::V311, u32::MAX) {
            let is_ping = packet.kind() == Kind::PingReq;
            if packet.kind() == Kind::Disconnect {
                return;
            }
            if is_ping && delivery.take_if(|it| *it == Delivery::BeforePingIsAnswered).is_some() {
                message().encode(Version::V311, &mut out).unwrap();
            }
            let answer = if is_ping { Packet::PingResp } else { connack() };
            answer.encode(Version::V311, &mut out).unwrap();
            input.drain(..length);
        }
        stream.write_all(&out).unwrap();
        let late = delivery == Some(Delivery::Late);
        stream.set_read_timeout(late.then_some(Duration::from_millis(20))).unwrap();
    }
}

fn connack() -> Packet<'static> {
    let (reason, properties) = (Reason::Success, Properties::NONE);
    Packet::ConnAck(ConnAck { session_present: true, reason, properties })
}

fn message() -> Packet<'static> {
    Packet::Publish(Publish {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: false,
        topic: "a",
        packet_id: None,
        properties: PublishProperties::NONE,
        payload: b"owed",
    })
}

#[test]
fn what_comes_late_is_waited_for_and_what_never_comes_is_told() {
    let is_v311 = |script: &Script| script.versions[0] == Version::V311;
    let script = (0..).map(|number| Script::generate(1, number)).find(is_v311).unwrap();
    let phases = script.phases.into_iter().take(1).collect();
    let script = Script { phases, ..script };
    let check = |ours, difference: Option<&str>| {
        let mosquitto = stand_in(Delivery::BeforePingIsAnswered);
        let pair = Pair { mosquitto, althing: stand_in(ours) };
        assert_eq!(compare(pair, &script).unwrap().difference.as_deref(), difference);
    };
    check(Delivery::BeforePingIsAnswered, None);
    check(Delivery::Late, None);
    check(Delivery::Never, Some("message: fewer here"));
}
