use model::Qos;
use mqtt::{Ack, Packet, Publish, PublishProperties, Reason};

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
