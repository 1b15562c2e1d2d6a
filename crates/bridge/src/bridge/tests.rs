//! A bridge between two brokers that keep to the standard and nothing more, over lines that break.

use std::time::Duration;

use model::Qos;
use mqtt::{
    Ack, ConnAck, Kind, Properties, PropertiesBuf, Property, Publish, PublishProperties,
    encode_suback,
};

use super::*;
use crate::{Remote, Route};

mod world;

use world::{Settings, World};

fn seeds() -> std::ops::Range<u64> {
    0..300
}

#[test]
fn nothing_is_lost_or_twice_or_out_of_order_however_the_lines_break() {
    for seed in seeds() {
        let version = if seed % 2 == 0 { Version::V5 } else { Version::V311 };
        let mut world = World::new(seed, Settings { version, ..Settings::default() });
        world.play(600);
        world.calm_down();
        world.must_be_whole();
        assert!(world.cuts > 3, "seed {seed} broke {} lines: it proves little", world.cuts);
    }
}

#[test]
fn what_crosses_towards_a_broker_that_forgets_sessions_is_not_lost_either() {
    for seed in seeds() {
        let settings = Settings { forgetful: true, ..Settings::default() };
        let mut world = World::new(seed, settings);
        world.play(600);
        world.calm_down();
        world.must_be_whole();
    }
}

#[test]
fn a_broker_with_a_small_window_is_never_given_more() {
    for seed in seeds().take(50) {
        let mut world = World::new(seed, Settings { window: 3, ..Settings::default() });
        world.play(600);
        world.calm_down();
        world.must_be_whole();
        assert!(world.worst_in_flight <= 3, "{} of 3", world.worst_in_flight);
    }
}

#[test]
fn a_broker_that_pleads_for_patience_gets_the_message_again() {
    let mut world = World::new(1, Settings { busy: 2, ..Settings::default() });
    world.publish(Side::Site);
    world.calm_down();
    world.must_be_whole();
    assert_eq!(world.taken(Side::Remote).len(), 1);
    assert_eq!(world.meter.total(Event::BridgeRefused), 0);
    assert_eq!(world.meter.total(Event::BridgeLost), 2);
}

/// A bridge whose other broker is up, with what it says to it.
struct Bench {
    bridge: Bridge,
    meter: Arc<Meter>,
}

impl Bench {
    fn new(version: Version, out: &str, back: &str) -> Self {
        let mapping = |filter: &str| {
            let routes = (!filter.is_empty())
                .then(|| Route::new(filter, ("", ""), Qos::AtLeastOnce).unwrap());
            Mapping::new(routes.into_iter().collect()).unwrap()
        };
        let plan = Plan { outward: mapping(out), inward: mapping(back), ..plan(version) };
        let meter = Arc::new(Meter::default());
        let bridge = Bridge::new(&plan, None, (7, 1), Arc::clone(&meter));
        let mut bench = Self { bridge, meter };
        bench.bridge.handle_timeout(Moment::START);
        for side in [Side::Site, Side::Remote] {
            assert_eq!(bench.bridge.poll_wish(), Some(Wish::Dial(side)));
            bench.bridge.handle_connected(side, Moment::START);
        }
        bench
    }

    fn version(&self, side: Side) -> Version {
        self.bridge.end(side).hello.version
    }

    fn hears(&mut self, side: Side, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        packet.encode(self.version(side), &mut bytes).unwrap();
        self.bridge.handle_bytes(side, &bytes, Moment::START);
    }

    fn welcome(&mut self, side: Side) {
        let answer = ConnAck {
            session_present: false,
            reason: Reason::Success,
            properties: Properties::NONE,
        };
        self.hears(side, &Packet::ConnAck(answer));
    }

    /// Everything said to `side` since the last time, a line for each packet.
    fn said(&mut self, side: Side) -> String {
        use std::fmt::Write as _;
        let bytes = self.bridge.outbox(side).to_vec();
        self.bridge.wrote(side, bytes.len(), Moment::START);
        let (mut at, mut text) = (0, String::new());
        while at < bytes.len() {
            let next = mqtt::decode(&bytes[at..], self.version(side), u32::MAX).unwrap();
            let (packet, length) = next.unwrap();
            writeln!(text, "{packet:?}").unwrap();
            at += length;
        }
        text
    }
}

fn plan(version: Version) -> Plan {
    Plan {
        name: "cloud".into(),
        remote: Remote {
            address: "broker.example:1883".into(),
            tls: None,
            client_id: "farm".into(),
            user: None,
            password: None,
            version,
            bridge_bit: false,
            keep_alive: Duration::from_secs(60),
            clean: false,
        },
        outward: Mapping::default(),
        inward: Mapping::default(),
        window: 8,
        packet_bytes_max: 1 << 20,
    }
}

fn message(topic: &str, qos: Qos) -> Publish<'_> {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic,
        packet_id: NonZeroU16::new(9).filter(|_| qos != Qos::AtMostOnce),
        properties: PublishProperties::NONE,
        payload: b"21.5",
    }
}

#[test]
fn no_local_is_asked_of_the_other_broker_only_where_a_message_would_come_back() {
    for (back, expected) in [("a/#", true), ("b/#", false)] {
        let mut bench = Bench::new(Version::V5, "a/#", back);
        bench.said(Side::Remote);
        bench.welcome(Side::Remote);
        let said = bench.said(Side::Remote);
        assert!(said.contains(&format!("no_local: {expected}")), "{said}");
        bench.said(Side::Site);
        bench.welcome(Side::Site);
        assert!(bench.said(Side::Site).contains("no_local: true"), "this site always knows it");
    }
}

#[test]
fn a_message_that_was_here_before_does_not_come_in_again() {
    let mut bench = Bench::new(Version::V5, "a/#", "a/#");
    bench.welcome(Side::Site);
    bench.welcome(Side::Remote);
    bench.said(Side::Site);
    bench.said(Side::Remote);
    bench.hears(Side::Site, &Packet::Publish(message("a/b", Qos::AtLeastOnce)));
    let said = bench.said(Side::Remote);
    assert!(said.contains(r#"User("althing-via", "0000000000000007")"#), "{said}");
    let mut via = PropertiesBuf::default();
    via.push(Property::User("althing-via", "0000000000000007")).unwrap();
    let properties = PublishProperties::parse(via.as_properties().as_bytes()).unwrap();
    let back = Publish { properties, ..message("a/b", Qos::AtLeastOnce) };
    bench.hears(Side::Remote, &Packet::Publish(back));
    assert_eq!(bench.said(Side::Site), "");
    assert!(bench.said(Side::Remote).contains("PubAck"), "it is acknowledged and dropped");
    assert_eq!(bench.meter.total(Event::BridgeLooped), 1);
}

#[test]
fn the_bridge_bit_stands_in_the_protocol_level() {
    let remote = Remote { bridge_bit: true, ..plan(Version::V311).remote };
    let plan = Plan { remote, ..plan(Version::V311) };
    let mut bridge = Bridge::new(&plan, None, (7, 1), Arc::default());
    bridge.handle_connected(Side::Remote, Moment::START);
    assert_eq!(bridge.outbox(Side::Remote)[..10], *b"\x10\x10\0\x04MQTT\x84\0");
}

#[test]
fn a_message_without_a_name_on_the_other_side_is_acknowledged_and_counted() {
    let mut bench = Bench::new(Version::V5, "a/#", "");
    bench.welcome(Side::Site);
    bench.said(Side::Site);
    bench.hears(Side::Site, &Packet::Publish(message("other", Qos::AtLeastOnce)));
    assert!(bench.said(Side::Site).contains("PubAck"));
    assert_eq!(bench.meter.total(Event::BridgeUnmapped), 1);
}

#[test]
fn qos_0_passes_at_once_or_not_at_all() {
    let mut bench = Bench::new(Version::V311, "a/#", "");
    bench.welcome(Side::Site);
    bench.hears(Side::Site, &Packet::Publish(message("a/b", Qos::AtMostOnce)));
    assert_eq!(bench.meter.total(Event::BridgeUnheard), 1);
    bench.said(Side::Remote);
    bench.welcome(Side::Remote);
    bench.hears(Side::Site, &Packet::Publish(message("a/b", Qos::AtMostOnce)));
    assert!(bench.said(Side::Remote).contains("Publish"));
    assert_eq!(bench.meter.total(Event::BridgeSent), 1);
}

#[test]
fn a_message_that_is_too_large_is_passed_over_in_any_pieces() {
    for piece in [1, 7, 1_000, 1 << 21] {
        let mut bench = Bench::new(Version::V311, "", "a/#");
        bench.welcome(Side::Remote);
        bench.said(Side::Remote);
        let payload = vec![0; 1 << 20];
        let large = Publish { payload: &payload, ..message("a/b", Qos::AtLeastOnce) };
        let (mut bytes, small) = (Vec::new(), message("a/c", Qos::AtMostOnce));
        Packet::Publish(large).encode(Version::V311, &mut bytes).unwrap();
        bench.welcome(Side::Site);
        bench.said(Side::Site);
        Packet::Publish(small).encode(Version::V311, &mut bytes).unwrap();
        // The first bytes one by one; the rest is only long.
        let (head, rest) = bytes.split_at(if piece == 1 { 100 } else { 0 });
        for part in head.chunks(1).chain(rest.chunks(piece.max(1_000))) {
            bench.bridge.handle_bytes(Side::Remote, part, Moment::START);
        }
        assert!(bench.said(Side::Remote).contains("PubAck"), "else it would come again for ever");
        let said = bench.said(Side::Site);
        assert!(said.contains("a/c") && !said.contains("a/b"), "{said}");
        assert_eq!(bench.meter.total(Event::BridgeTooLarge), 1);
    }
}

#[test]
fn a_refusal_for_good_ends_a_message_and_not_the_bridge() {
    let mut bench = Bench::new(Version::V5, "a/#", "");
    bench.welcome(Side::Site);
    bench.welcome(Side::Remote);
    bench.said(Side::Site);
    bench.hears(Side::Site, &Packet::Publish(message("a/b", Qos::AtLeastOnce)));
    let refusal = Ack::new(NonZeroU16::MIN, Reason::NotAuthorized);
    assert!(bench.said(Side::Remote).contains("packet_id: Some(1)"));
    assert_eq!(bench.said(Side::Site), "", "nothing is acknowledged before the other side has it");
    bench.hears(Side::Remote, &Packet::PubAck(refusal));
    assert!(bench.said(Side::Site).contains("PubAck"));
    assert_eq!(bench.meter.total(Event::BridgeRefused), 1);
    assert!(bench.bridge.is_up(Side::Remote));
}

/// Mosquitto 2.0 says all again at once that it has sent since a session began, whatever its client
/// can take. Whoever hangs up then hears the same again for ever.
#[test]
fn a_broker_that_sends_more_than_it_may_is_left_unread_and_not_left() {
    let mut bench = Bench::new(Version::V5, "", "a/#");
    bench.welcome(Side::Site);
    bench.welcome(Side::Remote);
    bench.said(Side::Remote);
    bench.said(Side::Site);
    let ids = (1..=600).filter_map(NonZeroU16::new);
    for id in ids.clone() {
        let publish = Publish { packet_id: Some(id), ..message("a/b", Qos::AtLeastOnce) };
        bench.hears(Side::Remote, &Packet::Publish(publish));
    }
    assert!(bench.bridge.is_up(Side::Remote));
    assert!(!bench.bridge.wants_read(Side::Remote), "what came is enough");
    for id in ids {
        assert_eq!(bench.said(Side::Remote), "", "nothing is acknowledged before the site has it");
        bench.hears(Side::Site, &Packet::PubAck(Ack::new(id, Reason::Success)));
        assert_eq!(bench.said(Side::Remote).lines().count(), 1);
    }
    assert!(bench.bridge.wants_read(Side::Remote));
}

#[test]
fn a_silent_broker_is_asked_and_then_given_up() {
    let mut bench = Bench::new(Version::V311, "a/#", "");
    bench.welcome(Side::Site);
    bench.welcome(Side::Remote);
    bench.said(Side::Remote);
    let after = |seconds| Moment::START.saturating_add(Duration::from_secs(seconds));
    bench.bridge.handle_timeout(after(29));
    assert_eq!(bench.said(Side::Remote), "");
    bench.bridge.handle_timeout(after(30));
    assert_eq!(bench.said(Side::Remote), "PingReq\n");
    bench.bridge.handle_timeout(after(89));
    assert!(bench.bridge.is_up(Side::Remote));
    bench.bridge.handle_timeout(after(90));
    assert!(!bench.bridge.is_up(Side::Remote));
}

#[test]
fn a_broker_that_stays_away_is_told_of_once() {
    let mut bench = Bench::new(Version::V5, "a/#", "");
    let mut now = Moment::START;
    let mut told = 0;
    for _ in 0..20 {
        bench.bridge.handle_lost(Side::Remote, Cause::Line, now);
        let news = std::iter::from_fn(|| bench.bridge.poll_news());
        let of_it = |news: &News| matches!(news, News::Lost { side: Side::Remote, .. });
        told += news.filter(of_it).count();
        now = now.saturating_add(Duration::from_secs(61));
        bench.bridge.handle_timeout(now);
    }
    assert_eq!(told, 1);
}

#[test]
fn a_subscription_that_is_refused_is_told() {
    let mut bench = Bench::new(Version::V311, "", "a/#");
    bench.welcome(Side::Remote);
    let mut bytes = Vec::new();
    let answer = [Reason::Unspecified];
    encode_suback(Version::V311, NonZeroU16::MIN, Properties::NONE, answer, &mut bytes).unwrap();
    bench.bridge.handle_bytes(Side::Remote, &bytes, Moment::START);
    let refused = std::iter::from_fn(|| bench.bridge.poll_news())
        .any(|news| matches!(news, News::SubscriptionRefused { side: Side::Remote, .. }));
    assert!(refused);
}

#[test]
fn a_mapping_that_loops_needs_a_broker_that_can_tell() {
    let route = || Route::new("a/#", ("", ""), Qos::AtLeastOnce).unwrap();
    let mapping = || Mapping::new(vec![route()]).unwrap();
    let plan = |version, bridge_bit| {
        let remote = Remote { bridge_bit, ..plan(version).remote };
        Plan { remote, outward: mapping(), inward: mapping(), ..plan(version) }
    };
    assert_eq!(plan(Version::V311, false).unguarded_return(), Some(("a/#", "a/#")));
    assert_eq!(plan(Version::V311, true).unguarded_return(), None);
    assert_eq!(plan(Version::V5, false).unguarded_return(), None);
}

#[test]
fn a_qos_2_message_that_nobody_asked_for_ends_the_connection() {
    let mut bench = Bench::new(Version::V5, "a/#", "");
    bench.welcome(Side::Site);
    bench.hears(Side::Site, &Packet::Publish(message("a/b", Qos::ExactlyOnce)));
    let unexpected = Cause::Unexpected(Kind::Publish);
    let lost = News::Lost { side: Side::Site, cause: unexpected };
    assert!(std::iter::from_fn(|| bench.bridge.poll_news()).any(|news| news == lost));
}
