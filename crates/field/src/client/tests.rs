//! The client against a scripted peer on a free port.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::num::NonZeroU16;
use std::thread::JoinHandle;

use mqtt::{Ack, ConnAck, Kind, Properties, PropertiesBuf, Property, Publish, PublishProperties};

use super::*;

mod login;

/// The server's end of one connection.
struct Peer {
    line: TcpStream,
    inbox: Vec<u8>,
    version: Version,
}

/// What a test wants to know of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Publish { id: Option<u16>, dup: bool, payload: String },
    Other(Kind, u16),
    End,
}

impl Peer {
    fn accept(listener: &TcpListener, session_present: bool) -> Self {
        let (line, _) = listener.accept().unwrap();
        let mut peer = Self { line, inbox: Vec::new(), version: Version::V311 };
        peer.version = peer.with_packet(|packet| match packet {
            Some(Packet::Connect(connect)) => connect.version,
            other => panic!("the first packet is CONNECT, not {other:?}"),
        });
        peer.send(&Packet::ConnAck(ConnAck {
            session_present,
            reason: Reason::Success,
            properties: Properties::NONE,
        }));
        peer
    }

    fn with_packet<T>(&mut self, look: impl FnOnce(Option<Packet<'_>>) -> T) -> T {
        loop {
            if let Some((packet, bytes)) = mqtt::decode(&self.inbox, self.version, 1 << 20).unwrap()
            {
                let seen = look(Some(packet));
                self.inbox.drain(..bytes);
                return seen;
            }
            let mut buffer = [0; 4096];
            let bytes = self.line.read(&mut buffer).unwrap_or(0);
            if bytes == 0 {
                return look(None);
            }
            self.inbox.extend_from_slice(&buffer[..bytes]);
        }
    }

    fn next(&mut self) -> Seen {
        self.with_packet(|packet| match packet {
            None => Seen::End,
            Some(Packet::Publish(it)) => Seen::Publish {
                id: it.packet_id.map(NonZeroU16::get),
                dup: it.dup,
                payload: String::from_utf8(it.payload.to_vec()).unwrap(),
            },
            Some(Packet::PubRel(ack) | Packet::PubComp(ack) | Packet::PubRec(ack)) => {
                Seen::Other(packet.unwrap().kind(), ack.packet_id.get())
            }
            Some(other) => Seen::Other(other.kind(), 0),
        })
    }

    fn send(&mut self, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        packet.encode(self.version, &mut bytes).unwrap();
        self.line.write_all(&bytes).unwrap();
    }

    fn ack(&mut self, kind: Kind, id: u16) {
        let ack = Ack::new(NonZeroU16::new(id).unwrap(), Reason::Success);
        let mut bytes = Vec::new();
        ack.encode(kind, self.version, &mut bytes).unwrap();
        self.line.write_all(&bytes).unwrap();
    }
}

fn publish(id: u16, dup: bool, payload: &str) -> Seen {
    Seen::Publish { id: Some(id), dup, payload: payload.to_owned() }
}

/// Runs `script` as the server and gives the options to reach it.
fn server<T: Send + 'static>(
    script: impl FnOnce(TcpListener) -> T + Send + 'static,
) -> (Options, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (Options::new(&address, "tester"), std::thread::spawn(move || script(listener)))
}

fn connect(options: Options) -> Client {
    Client::connect(options, Clock::start(), Stop::default()).unwrap()
}

fn answers(client: &mut Client) -> Vec<Token> {
    std::iter::from_fn(|| client.poll_event())
        .filter_map(|event| match event {
            Event::Answered { token, reason: Reason::Success, .. } => Some(token),
            Event::Answered { .. }
            | Event::Back { .. }
            | Event::Message { .. }
            | Event::Subscribed { .. } => None,
        })
        .collect()
}

#[test]
fn what_was_not_acknowledged_is_sent_again_after_a_cut() {
    let (options, peer) = server(|listener| {
        let mut first = Peer::accept(&listener, false);
        let seen: Vec<Seen> = (0..3).map(|_| first.next()).collect();
        first.ack(Kind::PubAck, 1);
        drop(first);
        let mut second = Peer::accept(&listener, false);
        let again: Vec<Seen> = (0..2).map(|_| second.next()).collect();
        second.ack(Kind::PubAck, 2);
        second.ack(Kind::PubAck, 3);
        assert_eq!(second.next(), Seen::Other(Kind::Disconnect, 0));
        (seen, again)
    });
    let mut client = connect(options);
    for payload in ["a", "b", "c"] {
        client.publish("t", payload.as_bytes(), Qos::AtLeastOnce, false).unwrap();
    }
    client.drain().unwrap();
    assert_eq!(answers(&mut client), [1, 2, 3]);
    client.disconnect().unwrap();
    let (seen, again) = peer.join().unwrap();
    assert_eq!(seen, [publish(1, false, "a"), publish(2, false, "b"), publish(3, false, "c")]);
    // The server forgot the session: for it these are new messages, so without DUP.
    assert_eq!(again, [publish(2, false, "b"), publish(3, false, "c")]);
}

#[test]
fn a_server_that_kept_the_session_gets_them_marked_as_repeated() {
    let (mut options, peer) = server(|listener| {
        let mut first = Peer::accept(&listener, false);
        first.next();
        drop(first);
        let mut second = Peer::accept(&listener, true);
        let again = second.next();
        second.ack(Kind::PubAck, 1);
        second.next();
        again
    });
    options.clean_start = false;
    let mut client = connect(options);
    client.publish("t", b"a", Qos::AtLeastOnce, false).unwrap();
    client.drain().unwrap();
    client.disconnect().unwrap();
    assert_eq!(peer.join().unwrap(), publish(1, true, "a"));
}

#[test]
fn a_cut_between_the_two_halves_of_qos_2_repeats_only_the_second_half() {
    let (mut options, peer) = server(|listener| {
        let mut first = Peer::accept(&listener, false);
        first.next();
        first.ack(Kind::PubRec, 1);
        assert_eq!(first.next(), Seen::Other(Kind::PubRel, 1));
        drop(first);
        let mut second = Peer::accept(&listener, true);
        let again = second.next();
        second.ack(Kind::PubComp, 1);
        second.next();
        again
    });
    options.clean_start = false;
    let mut client = connect(options);
    client.publish("t", b"a", Qos::ExactlyOnce, false).unwrap();
    client.drain().unwrap();
    assert_eq!(answers(&mut client), [1]);
    client.disconnect().unwrap();
    assert_eq!(peer.join().unwrap(), Seen::Other(Kind::PubRel, 1));
}

#[test]
fn the_window_is_never_exceeded() {
    let (mut options, peer) = server(|listener| {
        let mut peer = Peer::accept(&listener, false);
        let (mut open, mut worst, mut messages) = (BTreeMap::new(), 0, 0);
        loop {
            match peer.next() {
                Seen::Publish { id, .. } => {
                    messages += 1;
                    open.insert(id.unwrap(), ());
                    worst = worst.max(open.len());
                    if open.len() == 5 || messages == 42 {
                        let ids = std::mem::take(&mut open).into_keys();
                        ids.for_each(|id| peer.ack(Kind::PubAck, id));
                    }
                }
                Seen::Other(Kind::Disconnect, _) | Seen::End => return (worst, messages),
                Seen::Other(..) => {}
            }
        }
    });
    options.window = 5;
    let mut client = connect(options);
    for number in 0..42 {
        client.publish("t", format!("{number}").as_bytes(), Qos::AtLeastOnce, false).unwrap();
        assert!(client.in_flight() <= 5);
    }
    client.drain().unwrap();
    assert_eq!(answers(&mut client).len(), 42);
    client.disconnect().unwrap();
    assert_eq!(peer.join().unwrap(), (5, 42));
}

#[test]
fn a_message_of_qos_2_that_comes_twice_is_handed_over_once() {
    let (options, peer) = server(|listener| {
        let mut peer = Peer::accept(&listener, false);
        let message = Publish {
            dup: false,
            qos: Qos::ExactlyOnce,
            retain: false,
            topic: "a/b",
            packet_id: NonZeroU16::new(9),
            properties: PublishProperties::NONE,
            payload: b"x",
        };
        let mut seen = Vec::new();
        assert_eq!(peer.next(), Seen::Other(Kind::Subscribe, 0));
        for _ in 0..2 {
            peer.send(&Packet::Publish(message));
            seen.push(peer.next());
        }
        peer.ack(Kind::PubRel, 9);
        seen.push(peer.next());
        seen
    });
    let mut client = connect(options);
    client.subscribe("a/+", Qos::ExactlyOnce).unwrap();
    let mut messages = 0;
    // The peer ends when it has seen all answers; then the line is gone and stays so.
    client.options.patience = Duration::ZERO;
    while client.pump(NAP).is_ok() {
        while let Some(event) = client.poll_event() {
            messages += usize::from(matches!(event, Event::Message { .. }));
        }
    }
    assert_eq!(messages, 1);
    let twice = Seen::Other(Kind::PubRec, 9);
    assert_eq!(peer.join().unwrap(), [twice.clone(), twice, Seen::Other(Kind::PubComp, 9)]);
}

#[test]
fn the_position_of_a_durable_message_comes_with_its_acknowledgement() {
    let (mut options, peer) = server(|listener| {
        let mut peer = Peer::accept(&listener, false);
        peer.next();
        let mut properties = PropertiesBuf::default();
        properties.push(Property::User("position", "4711")).unwrap();
        peer.send(&Packet::PubAck(Ack {
            packet_id: NonZeroU16::MIN,
            reason: Reason::Success,
            properties: properties.as_properties(),
        }));
        peer.next();
    });
    options.version = Version::V5;
    let mut client = connect(options);
    client.publish("t", b"a", Qos::AtLeastOnce, false).unwrap();
    client.drain().unwrap();
    let answered = Event::Answered { token: 1, reason: Reason::Success, position: Some(4711) };
    assert_eq!(client.poll_event(), Some(answered));
    client.disconnect().unwrap();
    peer.join().unwrap();
}

#[test]
fn a_refusal_and_an_absent_server_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let peer = std::thread::spawn(move || {
        let (mut line, _) = listener.accept().unwrap();
        line.write_all(&[0x20, 2, 0, 5]).unwrap();
        line.read_to_end(&mut Vec::new()).unwrap();
    });
    let try_it = || Client::connect(Options::new(&address, "x"), Clock::start(), Stop::default());
    assert!(matches!(try_it(), Err(Fault::Refused(Reason::NotAuthorized))));
    peer.join().unwrap();
    assert!(matches!(try_it(), Err(Fault::Unreachable { .. })));
}
