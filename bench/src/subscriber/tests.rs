use mqtt::{Packet, Publish};

use super::Subscriber;
use crate::payload::Stamp;
use crate::publisher::Publisher;
use crate::testing::plan;
use crate::wire::VERSION;

fn hear(subscriber: &mut Subscriber, packets: &[u8]) -> Vec<Option<Stamp>> {
    let (mut rest, mut heard) = (packets, Vec::new());
    while let Ok(Some((Packet::Publish(publish), len))) = mqtt::decode(rest, VERSION, 1000) {
        heard.push(take(subscriber, &publish));
        rest = &rest[len..];
    }
    heard
}

fn take(subscriber: &mut Subscriber, publish: &Publish<'_>) -> Option<Stamp> {
    subscriber.take(publish, &mut Vec::new())
}

#[test]
fn the_topics_of_a_publisher_are_streams_of_their_own() {
    let plan = plan(&["--publishers=2", "--topics=3", "--subscribers=2", "--groups=2"]);
    let mut out = Vec::new();
    let mut publisher = Publisher::new(1, &plan).unwrap();
    assert!((0..4).all(|due| publisher.publish(due, &mut out)));
    assert_eq!(publisher.sent().collect::<Vec<_>>(), [2, 1, 1]);
    let mut odd = Subscriber::new(1, &plan);
    let heard = hear(&mut odd, &out);
    let streams: Vec<_> = heard.iter().map(|stamp| stamp.map(|it| it.stream)).collect();
    assert_eq!(streams, [Some(3), None, Some(5), Some(3)], "stream 4 is of the other group");
    assert_eq!(odd.lost(&[0, 0, 0, 2, 1, 1]), 0);
    assert_eq!(odd.lost(&[0, 7, 0, 3, 1, 1]), 8);
}

#[test]
fn members_of_a_shared_subscription_hear_everything_together() {
    let plan = plan(&["--subscribers=2", "--listening=shared"]);
    let mut publisher = Publisher::new(0, &plan).unwrap();
    let mut out = Vec::new();
    assert!(publisher.publish(0, &mut out));
    let len = out.len();
    assert!((1..3).all(|due| publisher.publish(due, &mut out)));
    let (mut one, mut two) = (Subscriber::new(0, &plan), Subscriber::new(0, &plan));
    hear(&mut one, &out[..len]);
    hear(&mut two, &out[len..]);
    one.absorb(&two);
    assert_eq!((one.lost(&[3]), one.duplicated()), (0, 0));
    one.absorb(&two);
    assert_eq!((one.lost(&[4]), one.duplicated()), (1, 2), "a copy for each is one too many");
}
