//! Strangers who want more than their share.

use std::io::Read as _;
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::time::Duration;

use edge::{Limits, Listener};
use model::Event;

use crate::device::Device;
use crate::site::{self, Site};

fn limits() -> Limits {
    let connect_within = Duration::from_secs(3_600);
    Limits { anonymous: true, connect_within, ..Limits::default() }
}

fn site_with(limits: Limits) -> Site {
    site::try_start(1, vec![Listener { limits, ..site::plain() }], limits).unwrap()
}

/// Waits until the site has closed a connection.
fn ends(mut stream: TcpStream) {
    match stream.read(&mut [0; 64]) {
        Ok(read) => assert_eq!(read, 0),
        Err(fault) => assert_eq!(fault.kind(), std::io::ErrorKind::ConnectionReset),
    }
}

#[test]
fn those_who_say_nothing_make_room_for_others() {
    let site = site_with(Limits { unfinished_max: 8, ..limits() });
    let mut silent: Vec<_> = (0..8).map(|_| site.dial()).collect();
    let mut guest = Device::connect(site.dial(), "anna").unwrap();
    ends(silent.remove(0));
    for name in ["bo", "carl", "dora"] {
        Device::connect(site.dial(), name).unwrap();
    }
    guest.echo(b"those who have greeted stay");
    // Each guest needed a place for a moment only, so it took the place of one at most.
    let closed = site.total(Event::UnfinishedClosed);
    assert!((1..=4).contains(&closed), "{closed}");
    drop(silent);
}

#[test]
fn a_full_site_closes_whoever_has_said_nothing() {
    let four = Limits { connections_max: 4, ..limits() };
    // The site is full, or the listener, or both.
    for (of_site, of_listener) in [(four, limits()), (limits(), four), (four, four)] {
        let listener = Listener { limits: of_listener, ..site::plain() };
        makes_room(&site::try_start(1, vec![listener], of_site).unwrap());
    }
}

fn makes_room(site: &Site) {
    let silent = [site.dial(), site.dial()];
    let _guests =
        ["anna", "bo", "carl", "dora"].map(|name| Device::connect(site.dial(), name).unwrap());
    silent.into_iter().for_each(ends);
    assert!(Device::connect(site.dial(), "emil").is_err(), "nobody is left to make room");
    assert_eq!(site.total(Event::UnfinishedClosed), 2);
}

#[test]
fn one_address_has_its_number_of_connections() {
    let site = site_with(Limits { connections_per_address: NonZeroU32::new(2), ..limits() });
    let anna = Device::connect(site.dial(), "anna").unwrap();
    let _bo = Device::connect(site.dial(), "bo").unwrap();
    assert!(Device::connect(site.dial(), "carl").is_err());
    assert_eq!(site.total(Event::AddressRefused), 1);
    anna.leave().unwrap();
    Device::connect(site.dial(), "carl").unwrap();
}

#[test]
fn who_connects_too_fast_is_closed_at_once() {
    let site = site_with(Limits { connect_rate: NonZeroU32::new(3), ..limits() });
    let streams: Vec<_> = (0..30).map(|_| site.dial()).collect();
    let refused = streams.into_iter().filter_map(|one| Device::connect(one, "").err()).count();
    // The machine may be slow: three a second, and three at once.
    assert!(refused >= 1, "nobody was refused");
    assert_eq!(site.total(Event::RateRefused), refused as u64);
}

#[test]
fn who_says_too_much_is_read_later_and_loses_nothing() {
    let site = site_with(Limits { message_rate: NonZeroU32::new(50), ..limits() });
    let mut loud = Device::connect(site.dial(), "loud").unwrap();
    for _ in 0..80 {
        loud.say("t", b"x");
    }
    loud.deliver("t", b"the last of all");
    assert!(site.total(Event::ClientPaused) > 0);
    assert_eq!(site.total(Event::MessageReceived), 81);
    let mut other = Device::connect(site.dial(), "other").unwrap();
    other.echo(b"somebody else's rate is another");
}

#[test]
fn filters_have_a_number_and_a_depth() {
    let site = site_with(Limits { filters_max: 2, filter_levels_max: 3, ..limits() });
    let mut device = Device::connect(site.dial(), "anna").unwrap();
    let asked = [("a/b/c/d", false), ("a/b/c", true), ("b", true), ("c", false)];
    for (filter, granted) in asked {
        let reason = device.subscribe(filter);
        assert_eq!(reason == mqtt::Reason::QuotaExceeded, !granted, "{filter}: {reason:?}");
    }
}

#[test]
fn other_limits_hold_for_who_comes_later() {
    let site = site_with(limits());
    let mut early = Device::connect(site.dial(), "early").unwrap();
    let fewer = Limits { filter_levels_max: 1, connections_max: 2, ..limits() };
    site.reloader().set_limits(&fewer, &[fewer]).unwrap();
    // The shard takes its letters before it reads what was sent after them.
    assert_eq!(early.subscribe("a/b"), mqtt::Reason::QuotaExceeded);
    let _late = Device::connect(site.dial(), "late").unwrap();
    assert!(Device::connect(site.dial(), "too late").is_err());
    early.echo(b"who is there stays");
}
