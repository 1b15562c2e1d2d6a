use std::num::NonZeroU16;

use model::Qos;
use mqtt::{Ack, Packet, Reason};

use super::Publisher;
use crate::Content;
use crate::payload::Stamp;
use crate::wire::VERSION;

fn publisher(qos: Qos, window: u16) -> Publisher {
    Publisher::new(7, "bench/0/7", qos, window, Content::Stamp).unwrap()
}

fn ack(id: u16) -> Ack<'static> {
    Ack::new(NonZeroU16::new(id).unwrap(), Reason::Success)
}

#[test]
fn a_full_window_waits_for_a_puback() {
    let (mut it, mut out) = (publisher(Qos::AtLeastOnce, 2), Vec::new());
    assert!(it.publish(10, &mut out));
    assert!(it.publish(11, &mut out));
    assert!(!it.publish(12, &mut out));
    assert_eq!(it.acknowledged(&ack(2), 30), Some(19));
    assert_eq!(it.acknowledged(&ack(2), 31), None, "the same PUBACK twice");
    assert_eq!(it.acknowledged(&ack(9), 31), None, "a PUBACK for nothing");
    assert_eq!(it.open(), 1);
    assert!(it.publish(12, &mut out));
}

#[test]
fn what_is_written_is_a_publish_with_its_stamp() {
    let (mut it, mut out) = (publisher(Qos::AtLeastOnce, 2), Vec::new());
    assert!(it.publish(10, &mut out));
    out.clear();
    assert!(it.publish(11, &mut out));
    let Ok(Some((Packet::Publish(publish), len))) = mqtt::decode(&out, VERSION, 1000) else {
        panic!("no PUBLISH")
    };
    assert_eq!(len, out.len());
    assert_eq!((publish.topic, publish.packet_id), ("bench/0/7", NonZeroU16::new(2)));
    assert_eq!(Stamp::read(publish.payload), Some(Stamp { publisher: 7, sequence: 1, due_ns: 11 }));
}

#[test]
fn qos_0_has_no_window() {
    let (mut it, mut out) = (publisher(Qos::AtMostOnce, 1), Vec::new());
    assert!((0..5).all(|due| it.publish(due, &mut out)));
    assert_eq!((it.sent, it.open()), (5, 0));
}
