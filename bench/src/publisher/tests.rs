use std::num::NonZeroU16;

use mqtt::{Ack, Packet, Reason};

use super::Publisher;
use crate::payload::Stamp;
use crate::testing::plan;
use crate::wire::VERSION;

fn publisher(qos: &str, window: &str) -> Publisher {
    Publisher::new(7, &plan(&["--qos", qos, "--window", window])).unwrap()
}

fn ack(id: u16) -> Ack<'static> {
    Ack::new(NonZeroU16::new(id).unwrap(), Reason::Success)
}

#[test]
fn a_full_window_waits_for_a_puback() {
    let (mut it, mut out) = (publisher("1", "2"), Vec::new());
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
    let (mut it, mut out) = (publisher("1", "2"), Vec::new());
    assert!(it.publish(10, &mut out));
    out.clear();
    assert!(it.publish(11, &mut out));
    let Ok(Some((Packet::Publish(publish), len))) = mqtt::decode(&out, VERSION, 1000) else {
        panic!("no PUBLISH")
    };
    assert_eq!(len, out.len());
    assert_eq!((publish.topic, publish.packet_id), ("bench/0/7", NonZeroU16::new(2)));
    assert_eq!(Stamp::read(publish.payload), Some(Stamp { stream: 7, sequence: 1, due_ns: 11 }));
}

#[test]
fn qos_0_has_no_window() {
    let (mut it, mut out) = (publisher("0", "1"), Vec::new());
    assert!((0..5).all(|due| it.publish(due, &mut out)));
    assert_eq!((it.sent().collect::<Vec<_>>(), it.open()), (vec![5], 0));
}
