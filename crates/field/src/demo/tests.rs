//! The demo against a peer that only counts.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU16;
use std::sync::Mutex;

use mqtt::{Ack, ConnAck, Packet, Properties, Reason, Version};

use super::*;

/// What arrived: client ids, and how many messages by the first level of the topic.
#[derive(Default)]
struct Arrived {
    clients: BTreeSet<String>,
    topics: BTreeMap<String, u64>,
}

/// Serves one client, acknowledging everything at once.
fn serve(mut line: TcpStream, arrived: &Mutex<Arrived>) {
    let (mut inbox, mut buffer) = (Vec::new(), [0; 16 << 10]);
    while let Ok(bytes @ 1..) = line.read(&mut buffer) {
        inbox.extend_from_slice(&buffer[..bytes]);
        let mut answer = Vec::new();
        while let Some((packet, bytes)) = mqtt::decode(&inbox, Version::V311, 1 << 20).unwrap() {
            if let Some(reply) = reply(&packet, &mut arrived.lock().unwrap()) {
                reply.encode(Version::V311, &mut answer).unwrap();
            }
            inbox.drain(..bytes);
        }
        if line.write_all(&answer).is_err() {
            return;
        }
    }
}

fn reply<'a>(packet: &Packet<'_>, arrived: &mut Arrived) -> Option<Packet<'a>> {
    if let Packet::Connect(connect) = packet {
        arrived.clients.insert(connect.client_id.to_owned());
        let (reason, properties) = (Reason::Success, Properties::NONE);
        return Some(Packet::ConnAck(ConnAck { session_present: false, reason, properties }));
    }
    let Packet::Publish(publish) = packet else { return None };
    let first = publish.topic.split('/').next().unwrap_or_default();
    *arrived.topics.entry(first.to_owned()).or_default() += 1;
    let id = publish.packet_id.unwrap_or(NonZeroU16::MIN);
    Some(Packet::PubAck(Ack::new(id, Reason::Success)))
}

#[test]
fn every_device_sends_its_past_and_then_speaks() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let arrived = Arc::new(Mutex::new(Arrived::default()));
    let seen = Arc::clone(&arrived);
    thread::spawn(move || {
        for line in listener.incoming() {
            let seen = Arc::clone(&seen);
            thread::spawn(move || serve(line.unwrap(), &seen));
        }
    });
    let (tally, stop) = (Arc::new(Tally::default()), Stop::default());
    let options = Options { past: Duration::from_secs(3_600), ..Options::new(&address) };
    let (counted, halt) = (Arc::clone(&tally), stop.clone());
    let demo = thread::spawn(move || run(&options, Clock::start(), &counted, &halt));
    // Every device speaks once as soon as it is live: one of each 60 and more values.
    while tally.devices_live() < 60 || tally.live_readings() < 240 {
        assert!(!demo.is_finished(), "the demo ended early: {:?}", demo.join());
        thread::yield_now();
    }
    stop.stop();
    demo.join().unwrap().unwrap();
    let arrived = arrived.lock().unwrap();
    assert_eq!(arrived.clients.len(), 52);
    let areas: Vec<&str> = arrived.topics.keys().map(String::as_str).collect();
    assert_eq!(areas, ["greenhouse", "senml", "v1", "water"]);
    // One hour in minutes of 60 devices with some four signals each.
    assert!((12_000..17_000).contains(&tally.past_readings()), "{}", tally.past_readings());
    assert_eq!(tally.devices(), 60);
}

#[test]
fn what_the_site_knows_is_not_sent_again() {
    let now = Timestamp::from_millis(1_760_608_800_000);
    let known = now.saturating_sub(Duration::from_secs(180));
    assert_eq!(past_times(known..now).count(), 2);
    assert_eq!(past_times(now..now).count(), 0);
}

#[test]
fn a_device_keeps_its_rhythm_and_forgets_what_it_slept_through() {
    let world = World::new(1, Timestamp::EPOCH, 0);
    let weather = &world.devices()[0];
    let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
    assert_eq!(next_due(weather, at(100), at(101)), at(105));
    assert_eq!(next_due(weather, at(100), at(900)), at(905));
}
