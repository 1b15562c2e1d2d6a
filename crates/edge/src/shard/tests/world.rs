//! A world of one or two shards without sockets: clients write packets, the disk commits when told,
//! and a crash leaves what was committed.

use std::net::Ipv4Addr;

use expect_test::Expect;
use hub::Book;
use model::record::Record;
use model::{Horizon, Qos};
use mqtt::{
    Ack, Connect, Packet, Properties, Publish, PublishProperties, Reason, Subscription,
    SubscriptionOptions, Version, decode, encode_subscribe, encode_unsubscribe,
};

use super::super::*;
use crate::clock::Now;

pub(super) struct World {
    pub(super) shards: Vec<Shard>,
    pub(super) now: Now,
    /// All records that the journal took, and how many of them are durable.
    journal: Vec<Vec<u8>>,
    durable: usize,
}

/// Where a client's connection is.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) shard: usize,
    pub(super) key: ConnectionKey,
}

fn fresh(shards: u16, change: impl FnOnce(&mut Limits)) -> Vec<Shard> {
    let mut limits = Limits { anonymous: true, ..Limits::default() };
    change(&mut limits);
    let common = Common {
        subscriptions: Arc::default(),
        retained: Arc::default(),
        meter: Arc::default(),
        limits,
        methods: Methods::default(),
    };
    (0..shards).map(|index| Shard::new(index, shards, common.clone())).collect()
}

impl World {
    pub(super) fn new(shards: u16) -> Self {
        Self::with(shards, |_| {})
    }

    /// On other terms.
    pub(super) fn with(shards: u16, change: impl FnOnce(&mut Limits)) -> Self {
        let now = Now { moment: Moment::START, timestamp: Timestamp::from_millis(1_000) };
        Self { shards: fresh(shards, change), now, journal: Vec::new(), durable: 0 }
    }

    /// The process dies, and another one starts with what was committed.
    pub(super) fn crash(&mut self) {
        self.journal.truncate(self.durable);
        let mut book = self.book();
        book.expire(self.now.timestamp);
        self.shards = fresh(u16::try_from(self.shards.len()).unwrap(), |_| {});
        for shard in &mut self.shards {
            for booked in book.sessions() {
                shard.restore(booked, self.now);
            }
        }
    }

    fn book(&self) -> Book {
        let mut book = Book::default();
        for (number, record) in (1..).zip(&self.journal) {
            match Record::decode(record).unwrap() {
                Record::Message(message) => book.message(Position::new(number), &message),
                Record::Session(session) => book.apply(&session),
                Record::Erasure(_) | _ => {}
            }
        }
        book
    }

    /// How many records the journal has taken.
    pub(super) fn recorded(&self) -> usize {
        self.journal.len()
    }

    /// How many messages the journal says that a client is owed.
    /// Topics with a retained message.
    pub(super) fn retained(&self) -> usize {
        self.shards.first().map_or(0, |shard| shard.common.retained.len())
    }

    pub(super) fn owed(&self, client: &str) -> usize {
        let book = self.book();
        let booked = book.sessions().find(|booked| &*booked.client == client);
        booked.map_or(0, |booked| booked.owed.len())
    }

    /// How many messages wait for a client, and how many of them are in memory.
    pub(super) fn bodies_waiting(&self, client: &str) -> (usize, usize) {
        let session = self.shards.iter().find_map(|shard| shard.sessions.of(client)).unwrap();
        let held = session.queue.iter().filter(|queued| queued.body.is_some()).count();
        (session.queue.len(), held)
    }

    pub(super) fn open(&mut self) -> At {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        At { shard: 0, key: self.shards[0].open(peer, self.now.moment).unwrap() }
    }

    /// Opens a connection and sends CONNECT; follows it to the shard where the client lives.
    pub(super) fn connect(&mut self, connect: &Connect<'_>) -> At {
        let at = self.open();
        let mut bytes = Vec::new();
        connect.encode(&mut bytes).unwrap();
        self.shards[at.shard].receive(at.key, &bytes, self.now);
        let Some(moved) = self.shards[at.shard].next_handover() else { return at };
        self.shards[at.shard].release(at.key);
        let shard = usize::from(moved.home);
        let key = self.shards[shard].open(moved.adopted.peer, self.now.moment).unwrap();
        self.shards[shard].receive(key, &moved.adopted.bytes, self.now);
        At { shard, key }
    }

    pub(super) fn send(&mut self, at: At, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        packet.encode(Version::V5, &mut bytes).unwrap();
        // In two pieces, as a network may.
        let (head, tail) = bytes.split_at(bytes.len() / 2);
        self.shards[at.shard].receive(at.key, head, self.now);
        self.shards[at.shard].receive(at.key, tail, self.now);
        self.exchange();
    }

    pub(super) fn subscribe(&mut self, at: At, filter: &str, qos: Qos) {
        let mut bytes = Vec::new();
        let subscription = Subscription { filter, options: SubscriptionOptions::with_qos(qos) };
        let id = 1.try_into().unwrap();
        encode_subscribe(Version::V5, id, Properties::NONE, [subscription], &mut bytes).unwrap();
        self.shards[at.shard].receive(at.key, &bytes, self.now);
    }

    pub(super) fn unsubscribe(&mut self, at: At, filter: &str, id: u16) {
        let mut bytes = Vec::new();
        let id = id.try_into().unwrap();
        encode_unsubscribe(Version::V5, id, Properties::NONE, [filter], &mut bytes).unwrap();
        self.shards[at.shard].receive(at.key, &bytes, self.now);
    }

    pub(super) fn publish(&mut self, at: At, topic: &str, payload: &str, (qos, id): (Qos, u16)) {
        let publish = Publish {
            dup: false,
            qos,
            retain: topic.starts_with("kept"),
            topic,
            packet_id: id.try_into().ok(),
            properties: PublishProperties::NONE,
            payload: payload.as_bytes(),
        };
        self.send(at, &Packet::Publish(publish));
    }

    /// The journal takes all records, and shards tell each other of messages.
    pub(super) fn exchange(&mut self) {
        loop {
            for shard in &mut self.shards {
                let first = Position::new(self.journal.len() as u64 + 1);
                let taken: Vec<Vec<u8>> = shard.records_mut().iter().map(<[u8]>::to_vec).collect();
                self.journal.extend(taken);
                shard.records_mut().clear();
                shard.submitted(first);
            }
            let remote: Vec<Remote> =
                self.shards.iter_mut().flat_map(|shard| shard.drain_remote()).collect();
            for Remote { home, position, publication, routes } in remote {
                self.shards[usize::from(home)].deliver_all(position, &publication, &routes);
            }
            if !self.shards.iter_mut().any(Shard::has_records) {
                return;
            }
        }
    }

    /// The disk and history have all records that there are, and what waited for them happens.
    pub(super) fn commit(&mut self) {
        self.exchange();
        self.durable = self.journal.len();
        let durable = Position::new(self.durable as u64);
        let (horizon, _, _) = Horizon::new(durable, &[], Box::new(|_| {}));
        for shard in &mut self.shards {
            shard.settle(horizon.committed(), self.now);
        }
        self.fetch();
        self.exchange();
    }

    /// Reads for sessions what is committed.
    fn fetch(&mut self) {
        let wants: Vec<Want> =
            self.shards.iter_mut().flat_map(|shard| shard.drain_wants()).collect();
        for Want { session, messages } in wants {
            let at = |position: Position| usize::try_from(position.get() - 1).unwrap();
            let found = messages
                .into_iter()
                .filter(|(_, position)| at(*position) < self.durable)
                .map(|(token, position)| {
                    (token, Publication::of_record(&self.journal[at(position)]).map(Arc::new))
                })
                .collect();
            self.shards[usize::from(session.shard)].fetched(session, found);
        }
    }

    pub(super) fn lose(&mut self, at: At) {
        self.shards[at.shard].lost(at.key, self.now);
    }

    pub(super) fn later(&mut self, seconds: u64) {
        let span = Duration::from_secs(seconds);
        self.now.moment = self.now.moment.saturating_add(span);
        self.now.timestamp = self.now.timestamp.saturating_add(span);
        for shard in &mut self.shards {
            shard.run_timers(self.now);
        }
        self.exchange();
    }

    /// The acknowledgements that a client has been sent, with what they say.
    pub(super) fn reasons(&mut self, at: At) -> Vec<String> {
        self.heard_as(at, |packet| {
            if let Packet::PubAck(ack) | Packet::PubRec(ack) = packet {
                return format!("{:?} {} {:?}", packet.kind(), ack.packet_id, ack.reason);
            }
            describe(packet)
        })
    }

    /// What a client has been sent since it was last asked.
    pub(super) fn heard(&mut self, at: At) -> Vec<String> {
        self.heard_as(at, describe)
    }

    fn heard_as(&mut self, at: At, describe: impl Fn(&Packet<'_>) -> String) -> Vec<String> {
        let Some(output) = self.shards[at.shard].output_mut(at.key) else { return Vec::new() };
        let bytes = output.pending().to_vec();
        output.advance(bytes.len());
        let mut rest = &bytes[..];
        let mut heard = Vec::new();
        while let Some((packet, length)) = decode(rest, Version::V5, 1 << 20).unwrap() {
            heard.push(describe(&packet));
            rest = &rest[length..];
        }
        assert!(rest.is_empty(), "whole packets only");
        heard
    }

    #[track_caller]
    pub(super) fn check(&mut self, at: At, expected: &Expect) {
        expected.assert_eq(&self.heard(at).join("\n"));
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is told by its kind")]
pub(super) fn describe(packet: &Packet<'_>) -> String {
    match packet {
        Packet::ConnAck(connack) => {
            format!("CONNACK {:?} present={}", connack.reason, connack.session_present)
        }
        Packet::Publish(publish) => format!(
            "PUBLISH {} {} {:?}{}{}",
            publish.topic,
            String::from_utf8_lossy(publish.payload),
            publish.qos,
            if publish.dup { " dup" } else { "" },
            if publish.retain { " retained" } else { "" },
        ),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            format!("{:?} {}", packet.kind(), ack.packet_id)
        }
        Packet::UnsubAck(answer) => {
            let reasons: Vec<Reason> = answer.reasons().collect();
            format!("UnsubAck {} {reasons:?}", answer.packet_id())
        }
        Packet::Disconnect(disconnect) => format!("DISCONNECT {:?}", disconnect.reason),
        other => format!("{:?}", other.kind()),
    }
}

pub(super) fn client(client_id: &str) -> Connect<'_> {
    Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive: 0,
        client_id,
        will: None,
        user_name: None,
        password: None,
        properties: Properties::NONE,
    }
}

/// A client whose session stays for an hour.
pub(super) fn lasting(client_id: &str, run: impl FnOnce(Connect<'_>)) {
    let mut properties = mqtt::PropertiesBuf::default();
    properties.push(mqtt::Property::SessionExpiry(3_600)).unwrap();
    let properties = properties.as_properties();
    run(Connect { clean_start: false, properties, ..client(client_id) });
}

pub(super) fn ack(id: u16, reason: Reason) -> Ack<'static> {
    Ack::new(id.try_into().unwrap(), reason)
}
