use std::num::NonZeroU16;

use model::Qos;
use mqtt::{Ack, ConnAck, Packet, Properties, Publish, PublishProperties, Reason};

use super::Listener;
use crate::dice::Dice;
use crate::torture::Verdict;
use crate::torture::readings::Reading;

const EPOCH_MS: i64 = 1_700_000_000_000;

/// Its session lasts.
const LASTING: u32 = 3;

/// It uses QoS 2 and forgets.
const FORGETTING: u32 = 5;

/// What the listener is sent, one after the other.
#[derive(Clone, Copy, Debug)]
enum Sent {
    Welcome {
        session_present: bool,
    },
    /// Number `1` of device `0`, under this packet id.
    Message(u32, u64, u16),
    Release(u16),
}

fn hear(listener: &mut Listener, sent: Sent) {
    let reading = |device, sequence| Reading { device, sequence };
    let (topic, payload) = match sent {
        Sent::Message(device, sequence, _) => {
            (Reading::topic(device), reading(device, sequence).payload(EPOCH_MS))
        }
        Sent::Welcome { .. } | Sent::Release(_) => Default::default(),
    };
    let packet = match sent {
        Sent::Welcome { session_present } => Packet::ConnAck(ConnAck {
            session_present,
            reason: Reason::Success,
            properties: Properties::NONE,
        }),
        Sent::Message(_, _, id) => Packet::Publish(Publish {
            dup: false,
            qos: Qos::ExactlyOnce,
            retain: false,
            topic: &topic,
            packet_id: NonZeroU16::new(id),
            properties: PublishProperties::NONE,
            payload: payload.as_bytes(),
        }),
        Sent::Release(id) => {
            Packet::PubRel(Ack::new(NonZeroU16::new(id).unwrap(), Reason::Success))
        }
    };
    listener.take(&packet, &mut Vec::new()).unwrap();
}

fn findings(sent: &[Sent]) -> Verdict {
    let mut listener = Listener::subscribed(EPOCH_MS);
    sent.iter().for_each(|sent| hear(&mut listener, *sent));
    listener.findings()
}

#[test]
fn the_same_id_before_its_release_is_the_same_message() {
    let again = [Sent::Message(LASTING, 0, 1), Sent::Message(LASTING, 0, 1), Sent::Release(1)];
    let found = findings(&again);
    assert!(found.is_clean(), "{found}");
}

#[test]
fn once_more_after_its_release_is_delivered_twice() {
    let again = [Sent::Message(LASTING, 0, 1), Sent::Release(1), Sent::Message(LASTING, 0, 1)];
    assert_eq!(findings(&again).delivered_twice, 1);
}

#[test]
fn once_more_under_another_id_is_delivered_twice() {
    let again = [Sent::Message(LASTING, 0, 1), Sent::Message(LASTING, 0, 2)];
    assert_eq!(findings(&again).delivered_twice, 1);
}

#[test]
fn a_device_that_forgets_may_have_sent_it_twice() {
    let again = [Sent::Message(FORGETTING, 0, 1), Sent::Message(FORGETTING, 0, 2)];
    let found = findings(&again);
    assert!(found.is_clean(), "{found}");
}

#[test]
fn another_message_under_an_id_that_is_held_is_wrong() {
    let other = [Sent::Message(LASTING, 0, 1), Sent::Message(LASTING, 1, 1)];
    assert_eq!(findings(&other).wrong, 1);
}

#[test]
fn a_session_is_lost_only_once_it_was_confirmed() {
    let lost = findings(&[Sent::Welcome { session_present: false }]);
    assert_eq!((lost.session_lost, lost.resumed), (1, 0));
    let found = findings(&[Sent::Welcome { session_present: true }]);
    assert_eq!((found.session_lost, found.resumed), (0, 1));
    let mut fresh = Listener::new(EPOCH_MS, Dice::new(0));
    hear(&mut fresh, Sent::Welcome { session_present: false });
    assert_eq!(fresh.findings().session_lost, 0);
}
