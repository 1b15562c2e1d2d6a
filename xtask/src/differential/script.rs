//! What two senders say, from a seed: mostly what the standard allows.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};

use model::Qos;
use mqtt::{
    Ack, Connect, Disconnect, Packet, Properties, PropertiesBuf, Property, Publish,
    PublishProperties, Reason, RetainHandling, Subscription, SubscriptionOptions, Version, Will,
    decode, encode_subscribe, encode_unsubscribe,
};

use super::damage::{self, Habits, Wish};
use crate::dice::Dice;

/// Stands for the name of a run in topics and client ids: a run is alone on its broker.
pub(super) const NAME: &str = "diff0000";

/// A sender says this much before the other one has heard all of it.
const BATCH_MAX: u64 = 12;

const PHASES_MAX: u64 = 14;

/// Nothing is retained for the last one: mosquitto sends retained messages to shared groups.
pub(super) const TOPICS: [&str; 6] =
    ["diff0000/a", "diff0000/a/b", "diff0000/b", "diff0000/a/", "diff0000//c", "diff0000/s"];

pub(super) const NEVER_RETAINED: &str = "diff0000/s";

/// A sender keeps to one family, whose filters match no topic twice: of the copies for overlapping
/// filters the standard lets a broker choose the number, and mosquitto does not keep to their QoS.
const FAMILIES: [&[&str]; 5] = [
    &["diff0000/a", "diff0000/a/b", "diff0000/b", "diff0000/a/", "diff0000//c", "diff0000/s"],
    &["diff0000/+", "diff0000/a/+", "diff0000//+"],
    &["diff0000/a/#", "diff0000/b", "diff0000/+/c", "diff0000/s"],
    &["diff0000/+/+", "diff0000/+"],
    &["diff0000/#"],
];

/// For one sender only: which member of a group gets a message is the broker's choice.
const WITH_A_GROUP: &[&str] = &["diff0000/a", "diff0000/a/b", "diff0000/b", "$share/g/diff0000/s"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A new connection. Whoever is lazy acknowledges nothing that it hears.
    Connect { sender: usize, packet: Vec<u8>, lazy: bool },
    /// Packets on the connection that is there, if there is one.
    Send { sender: usize, packets: Vec<Vec<u8>> },
}

#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) versions: [Version; 2],
    pub(super) phases: Vec<Phase>,
}

impl Script {
    pub(super) fn generate(seed: u64, number: u64) -> Self {
        let mut dice = Dice::new(seed.wrapping_mul(0x9E37_79B9).wrapping_add(number));
        dice.next();
        Writer::new(dice).write()
    }

    pub(super) fn packets(&self) -> u64 {
        let counts = self.phases.iter().map(|phase| match phase {
            Phase::Connect { .. } => 1,
            Phase::Send { packets, .. } => packets.len(),
        });
        counts.sum::<usize>() as u64
    }

    pub(super) fn version(&self, sender: usize) -> Version {
        self.versions.get(sender).copied().unwrap_or(Version::V5)
    }
}

impl fmt::Display for Script {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for phase in &self.phases {
            let (sender, packets, note) = match phase {
                Phase::Connect { sender, packet, lazy } => {
                    (*sender, std::slice::from_ref(packet), if *lazy { " (lazy)" } else { "" })
                }
                Phase::Send { sender, packets } => (*sender, &packets[..], ""),
            };
            for packet in packets {
                match decode(packet, self.version(sender), u32::MAX) {
                    Ok(Some((packet, _))) => writeln!(out, "  {sender}{note} {packet:?}")?,
                    fault => writeln!(out, "  {sender} {packet:02x?} {fault:?}")?,
                }
            }
        }
        Ok(())
    }
}

struct Writer {
    dice: Dice,
    versions: [Version; 2],
    connected: [bool; 2],
    /// A will is waiting for the end of the connection.
    bequeathed: [bool; 2],
    /// Whether each of them wants RETAIN as it was published, and not to hear itself.
    wishes: [Wish; 2],
    /// The filters that each of them uses.
    families: [&'static [&'static str]; 2],
    /// Aliases that a connection has given a topic.
    aliases: [u16; 2],
    next_id: u16,
    payload: u32,
}

fn pick<T: Copy>(dice: &mut Dice, list: &[T], default: T) -> T {
    let at = usize::try_from(dice.below(list.len() as u64)).unwrap_or_default();
    list.get(at).copied().unwrap_or(default)
}

impl Writer {
    fn new(mut dice: Dice) -> Self {
        let versions = [Version::V311, Version::V5];
        let versions = [(); 2].map(|()| pick(&mut dice, &versions, Version::V5));
        let mut families = [(); 2].map(|()| pick(&mut dice, &FAMILIES, &["diff0000/#"]));
        if let [family, _] = &mut families
            && versions.first() == Some(&Version::V5)
            && dice.one_in(4)
        {
            *family = WITH_A_GROUP;
        }
        let mut wish = || Wish { retain_as_published: dice.one_in(3), no_local: dice.one_in(5) };
        let wishes = [wish(), wish()];
        Self {
            dice,
            versions,
            bequeathed: [false; 2],
            wishes,
            connected: [false; 2],
            families,
            aliases: [0; 2],
            next_id: 0,
            payload: 0,
        }
    }

    fn write(mut self) -> Script {
        let mut phases = Vec::new();
        let senders = 1 + self.dice.below(2);
        for _ in 0..2 + self.dice.below(PHASES_MAX) {
            let sender = usize::from(self.dice.below(senders) == 1);
            let here = self.connected.get(sender).copied().unwrap_or_default();
            phases.push(match self.dice.below(12) {
                _ if !here => self.connect(sender),
                0 => self.connect(sender),
                1 => self.alone(sender),
                _ => self.batch(sender),
            });
        }
        Script { versions: self.versions, phases }
    }

    fn version(&self, sender: usize) -> Version {
        self.versions.get(sender).copied().unwrap_or(Version::V5)
    }

    fn qos(&mut self) -> Qos {
        pick(
            &mut self.dice,
            &[Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce],
            Qos::AtMostOnce,
        )
    }

    fn id(&mut self) -> NonZeroU16 {
        self.next_id = self.next_id.wrapping_add(1).max(1);
        NonZeroU16::new(self.next_id).unwrap_or(NonZeroU16::MIN)
    }

    fn connect(&mut self, sender: usize) -> Phase {
        let version = self.version(sender);
        let mut block = PropertiesBuf::default();
        if version == Version::V5 && self.dice.one_in(2) {
            drop(block.push(Property::SessionExpiry(600)));
        }
        let (qos, retain) = (self.qos(), self.dice.one_in(4));
        let will = self.dice.one_in(3).then_some(Will {
            topic: "diff0000/a",
            payload: b"will",
            qos,
            retain,
            properties: Properties::NONE,
        });
        // A takeover publishes the will of the connection before, and mosquitto does so only
        // where the session ends with it.
        let clean_start = self.bequeathed.get(sender) == Some(&true) || self.dice.one_in(2);
        if let Some(place) = self.bequeathed.get_mut(sender) {
            *place = will.is_some();
        }
        let connect = Connect {
            version,
            clean_start,
            keep_alive: 0,
            client_id: if sender == 0 { "diff0000-0" } else { "diff0000-1" },
            will,
            user_name: None,
            password: None,
            properties: block.as_properties(),
        };
        let packet = bytes(|out| connect.encode(out).is_ok());
        self.set_connected(sender, true);
        Phase::Connect { sender, packet, lazy: self.dice.one_in(6) }
    }

    fn set_connected(&mut self, sender: usize, connected: bool) {
        if let Some(place) = self.connected.get_mut(sender) {
            *place = connected;
        }
        if let Some(place) = self.aliases.get_mut(sender) {
            *place = 0;
        }
    }

    /// What may end the connection, or is forwarded at different moments, comes by itself.
    fn alone(&mut self, sender: usize) -> Phase {
        let version = self.version(sender);
        let packet = match self.dice.below(5) {
            0 => {
                self.set_connected(sender, false);
                let with_will = version == Version::V5 && self.dice.one_in(2);
                let reason = if with_will { Reason::DisconnectWithWill } else { Reason::Success };
                written(version, &Packet::Disconnect(Disconnect::new(reason)))
            }
            1 => written(version, &Packet::PubRel(Ack::new(self.id(), Reason::Success))),
            2 => self.publish(sender, Qos::ExactlyOnce),
            _ => self.damaged(sender),
        };
        Phase::Send { sender, packets: vec![packet] }
    }

    /// One byte of a packet is another. Its length is not: both brokers wait for the same end.
    fn damaged(&mut self, sender: usize) -> Vec<u8> {
        self.set_connected(sender, false);
        loop {
            let packet = self.plain(sender);
            let packet = self.flip(packet);
            let habits = Habits { family: self.family(sender), wish: self.wish(sender) };
            if !damage::is_left_open(&packet, self.version(sender), habits) {
                return packet;
            }
        }
    }

    fn flip(&mut self, mut packet: Vec<u8>) -> Vec<u8> {
        // In the first byte only the flags: what only a server sends is another matter.
        let (at, bit) = match self.dice.below(4) {
            0 => (0, 1 << self.dice.below(4)),
            _ => (2 + self.dice.below(packet.len() as u64 - 2), 1 << self.dice.below(8)),
        };
        if let Some(byte) = usize::try_from(at).ok().and_then(|at| packet.get_mut(at)) {
            *byte ^= bit;
        }
        packet
    }

    fn batch(&mut self, sender: usize) -> Phase {
        let count = 1 + self.dice.below(BATCH_MAX);
        Phase::Send { sender, packets: (0..count).map(|_| self.plain(sender)).collect() }
    }

    fn plain(&mut self, sender: usize) -> Vec<u8> {
        match self.dice.below(8) {
            0 | 1 => self.subscribe(sender),
            2 => self.unsubscribe(sender),
            _ => {
                let qos =
                    pick(&mut self.dice, &[Qos::AtMostOnce, Qos::AtLeastOnce], Qos::AtMostOnce);
                self.publish(sender, qos)
            }
        }
    }

    fn filter(&mut self, sender: usize) -> &'static str {
        let family = self.family(sender);
        pick(&mut self.dice, family, "diff0000/a")
    }

    fn family(&self, sender: usize) -> &'static [&'static str] {
        self.families.get(sender).copied().unwrap_or_default()
    }

    fn wish(&self, sender: usize) -> Wish {
        self.wishes.get(sender).copied().unwrap_or_default()
    }

    fn subscribe(&mut self, sender: usize) -> Vec<u8> {
        let (version, id) = (self.version(sender), self.id());
        let wish = self.wish(sender);
        let mut lines = Vec::new();
        for _ in 0..1 + self.dice.below(3) {
            let handling =
                [RetainHandling::Send, RetainHandling::SendIfNew, RetainHandling::DoNotSend];
            let filter = self.filter(sender);
            let options = SubscriptionOptions {
                qos: self.qos(),
                no_local: wish.no_local_for(filter),
                retain_as_published: wish.retain_as_published,
                retain_handling: pick(&mut self.dice, &handling, RetainHandling::Send),
            };
            lines.push(Subscription { filter, options });
        }
        let mut block = PropertiesBuf::default();
        if let Some(number) = NonZeroU32::new(u32::from(id.get()))
            && version == Version::V5
            && self.dice.one_in(3)
        {
            drop(block.push(Property::SubscriptionId(number)));
        }
        bytes(|out| encode_subscribe(version, id, block.as_properties(), lines, out).is_ok())
    }

    fn unsubscribe(&mut self, sender: usize) -> Vec<u8> {
        let (version, id) = (self.version(sender), self.id());
        let filters: Vec<&str> = (0..1 + self.dice.below(2)).map(|_| self.filter(sender)).collect();
        bytes(|out| encode_unsubscribe(version, id, Properties::NONE, filters, out).is_ok())
    }

    fn publish(&mut self, sender: usize, qos: Qos) -> Vec<u8> {
        let version = self.version(sender);
        let mut topic = pick(&mut self.dice, &TOPICS, "diff0000/a");
        let mut block = PropertiesBuf::default();
        if version == Version::V5 {
            self.properties(&mut block);
            if self.alias(sender, &mut block) {
                topic = "";
            }
        }
        self.payload += 1;
        let payload = if self.dice.one_in(8) { String::new() } else { self.payload.to_string() };
        let publish = Publish {
            dup: qos != Qos::AtMostOnce && self.dice.one_in(6),
            qos,
            retain: !topic.is_empty() && topic != NEVER_RETAINED && self.dice.one_in(4),
            topic,
            packet_id: (qos != Qos::AtMostOnce).then(|| self.id()),
            properties: PublishProperties::parse(block.as_properties().as_bytes())
                .unwrap_or_default(),
            payload: payload.as_bytes(),
        };
        written(version, &Packet::Publish(publish))
    }

    fn properties(&mut self, block: &mut PropertiesBuf) {
        let all = [
            Property::ContentType("text"),
            Property::ResponseTopic("diff0000/answers"),
            Property::CorrelationData(&[0, 1, 255]),
            Property::PayloadIsText(true),
            Property::MessageExpiry(1_000),
        ];
        for property in all {
            if self.dice.one_in(6) {
                drop(block.push(property));
            }
        }
        for _ in 0..self.dice.below(4) {
            let user =
                [Property::User("b", "1"), Property::User("a", "2"), Property::User("b", "1")];
            drop(block.push(pick(&mut self.dice, &user, Property::User("", ""))));
        }
    }

    /// Gives a topic an alias, or says that the alias stands for the topic.
    fn alias(&mut self, sender: usize, block: &mut PropertiesBuf) -> bool {
        if !self.dice.one_in(5) {
            return false;
        }
        let known = self.aliases.get(sender).copied().unwrap_or_default();
        let number = 1 + u16::try_from(self.dice.below(4)).unwrap_or_default();
        if let Some(alias) = NonZeroU16::new(number) {
            drop(block.push(Property::TopicAlias(alias)));
        }
        let stands = known & 1 << number != 0 && self.dice.one_in(2);
        if let Some(place) = self.aliases.get_mut(sender) {
            *place |= 1 << number;
        }
        stands
    }
}

fn bytes(write: impl FnOnce(&mut Vec<u8>) -> bool) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(write(&mut out), "short packets can be written");
    out
}

fn written(version: Version, packet: &Packet<'_>) -> Vec<u8> {
    bytes(|out| packet.encode(version, out).is_ok())
}
