//! What a connection heard, in a form in which two brokers that obey the standard agree, and the
//! differences that the standard allows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::Qos;
use mqtt::{Kind, Malformed, Packet, Property, Publish, Reason};

/// Lines by what they are about: orders between different things are not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    about: BTreeMap<String, Vec<String>>,
    /// In the order in which they came.
    messages: Vec<Message>,
}

/// What a PUBLISH says to its subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    topic: String,
    payload: String,
    qos: Qos,
    retain: bool,
    again: bool,
    /// Sorted: they have no order.
    numbers: Vec<u32>,
    /// Properties in the order of their kinds, because only user properties have an order.
    rest: Vec<String>,
    user: Vec<String>,
}

impl Message {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is told as it is printed")]
    fn of(publish: &Publish<'_>) -> Self {
        let (mut numbers, mut rest, mut user) = (Vec::new(), Vec::new(), Vec::new());
        for property in publish.properties.all().iter() {
            match property {
                Property::User(name, value) => user.push(format!("{name}={value}")),
                Property::SubscriptionId(number) => numbers.push(number.get()),
                Property::MessageExpiry(_) => rest.push("MessageExpiry".to_owned()),
                other => rest.push(format!("{other:?}")),
            }
        }
        numbers.sort_unstable();
        rest.sort();
        Self {
            topic: publish.topic.to_owned(),
            payload: String::from_utf8_lossy(publish.payload).into_owned(),
            qos: publish.qos,
            retain: publish.retain,
            again: publish.dup,
            numbers,
            rest,
            user,
        }
    }

    fn line(&self) -> String {
        let retain = if self.retain { " retained" } else { "" };
        let again = if self.again { " again" } else { "" };
        let Self { payload, numbers, rest, user, .. } = self;
        format!("{payload:?}{retain}{again} {numbers:?} {rest:?} {user:?}")
    }
}

impl Heard {
    fn note(&mut self, about: &str, line: String) {
        self.about.entry(about.to_owned()).or_default().push(line);
    }

    pub(super) const fn messages(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn add(&mut self, packet: &Packet<'_>) {
        match packet {
            Packet::ConnAck(it) => {
                let present = if it.session_present { "present" } else { "new" };
                self.note("connack", format!("{:?} {present}", it.reason));
            }
            Packet::Publish(publish) => self.messages.push(Message::of(publish)),
            Packet::SubAck(it) | Packet::UnsubAck(it) => {
                let reasons: Vec<Reason> = it.reasons().collect();
                let about = if packet.kind() == Kind::SubAck { "suback" } else { "unsuback" };
                self.note(about, format!("{} {reasons:?}", it.packet_id()));
            }
            Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubComp(ack) => {
                let about = format!("answer {:?} {}", packet.kind(), ack.packet_id);
                self.note(&about, format!("{:?}", ack.reason));
            }
            Packet::Disconnect(it) => self.note("goodbye", format!("{:?}", it.reason)),
            Packet::PubRel(_) | Packet::PingResp => {}
            Packet::Connect(_)
            | Packet::Subscribe(_)
            | Packet::Unsubscribe(_)
            | Packet::PingReq
            | Packet::Auth(_) => self.note("out of place", format!("{:?}", packet.kind())),
        }
    }

    pub(super) fn closed(&mut self) {
        self.note("end", "closed".to_owned());
    }

    pub(super) fn no_packet(&mut self, malformed: Malformed) {
        self.note("no packet", malformed.to_string());
    }

    pub(super) fn unanswered(&mut self, owed: BTreeSet<(Kind, u16)>, pings: u32) {
        for (kind, id) in owed {
            self.note("unanswered", format!("{kind:?} {id}"));
        }
        if pings > 0 {
            self.note("unanswered", "ping".to_owned());
        }
    }

    /// Runs have names of their own; what was heard has none.
    pub(super) fn without_name(mut self, name: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name).into_owned();
        for message in &mut self.messages {
            message.topic = message.topic.replace(&name, "…");
        }
        self
    }

    /// Everything as lines; messages of one topic and QoS are in their order.
    fn lines(&self) -> BTreeMap<String, Vec<String>> {
        let mut lines = self.about.clone();
        for message in &self.messages {
            let about = format!("message {:?} {}", message.qos, message.topic);
            lines.entry(about).or_default().push(message.line());
        }
        lines
    }

    /// What is told differently: what it is about, and both sides.
    fn differences<'a>(theirs: &'a Lines, ours: &'a Lines) -> Vec<(&'a str, [&'a [String]; 2])> {
        let keys: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
        let both = keys.into_iter().map(|key| {
            let side = |lines: &'a Lines| lines.get(key).map_or(&[][..], Vec::as_slice);
            (key.as_str(), [side(theirs), side(ours)])
        });
        both.filter(|(_, [theirs, ours])| theirs != ours).collect()
    }

    fn each_line(&mut self, about: &str, mut change: impl FnMut(&mut String)) {
        let found = self.about.iter_mut().filter(|(key, _)| key.starts_with(about));
        found.flat_map(|(_, lines)| lines).for_each(&mut change);
    }
}

/// A difference that the standard leaves to the broker.
pub(super) struct Allowance {
    pub(super) name: &'static str,
    pub(super) clause: &'static str,
    /// Takes out of both what they may say differently.
    forget: fn(&mut Heard),
}

pub(super) const ALLOWED: &[Allowance] = &[
    Allowance {
        name: "an answer may tell that nobody hears a message",
        clause: "MQTT 5, 3.4.2.1: reason code 0x10",
        forget: |heard| {
            heard.each_line("answer", |line| {
                *line = line.replace("NoMatchingSubscribers", "Success");
            });
        },
    },
    Allowance {
        name: "the end of a handshake that nobody began may be told",
        clause: "MQTT 5, 3.7.2.1: PUBCOMP 0x92 or 0x00",
        forget: |heard| {
            heard.each_line("answer PubComp", |line| {
                *line = line.replace("PacketIdNotFound", "Success");
            });
        },
    },
    Allowance {
        name: "a close has a reason, another or none",
        clause: "MQTT 5, 4.13.1: DISCONNECT before a close is a SHOULD",
        forget: |heard| drop(heard.about.remove("goodbye")),
    },
];

type Lines = BTreeMap<String, Vec<String>>;

/// What came out of one script.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) difference: Option<String>,
    /// Allowances that took a difference away.
    pub(super) allowed: Vec<&'static str>,
    theirs: Vec<Heard>,
    ours: Vec<Heard>,
}

impl Verdict {
    pub(super) fn of(theirs: Vec<Heard>, ours: Vec<Heard>) -> Self {
        let mut verdict = Self { difference: None, allowed: Vec::new(), theirs, ours };
        let mut open = verdict.count();
        for allowance in ALLOWED {
            if open == 0 {
                break;
            }
            verdict.theirs.iter_mut().chain(&mut verdict.ours).for_each(allowance.forget);
            let left = verdict.count();
            if left < open {
                verdict.allowed.push(allowance.name);
            }
            open = left;
        }
        verdict.difference = verdict.first();
        verdict
    }

    fn pairs(&self) -> impl Iterator<Item = (Lines, Lines)> {
        self.theirs.iter().zip(&self.ours).map(|(theirs, ours)| (theirs.lines(), ours.lines()))
    }

    fn count(&self) -> usize {
        let counts = self.pairs().map(|(theirs, ours)| Heard::differences(&theirs, &ours).len());
        counts.sum::<usize>() + self.theirs.len().abs_diff(self.ours.len())
    }

    /// The kind of the first difference.
    fn first(&self) -> Option<String> {
        self.pairs().find_map(|(theirs, ours)| {
            let differences = Heard::differences(&theirs, &ours);
            let (about, [theirs, ours]) = differences.first()?;
            let word = about.split(' ').next().unwrap_or_default();
            let how = match theirs.len().cmp(&ours.len()) {
                std::cmp::Ordering::Less => "more here",
                std::cmp::Ordering::Equal => "other words",
                std::cmp::Ordering::Greater => "fewer here",
            };
            Some(format!("{word}: {how}"))
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (theirs, ours)) in self.pairs().enumerate() {
            for (about, [theirs, ours]) in Heard::differences(&theirs, &ours) {
                writeln!(out, "  connection {number}, {about}")?;
                writeln!(out, "    mosquitto {theirs:?}")?;
                writeln!(out, "    althing   {ours:?}")?;
            }
        }
        Ok(())
    }
}
