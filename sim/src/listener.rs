//! A simulated subscriber whose session lasts: it hears all devices at QoS 2, confirms what it gets,
//! and knows exactly what that was.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

use model::Qos;
use mqtt::{
    Ack, Connect, Kind, Packet, Properties, PropertiesBuf, Property, Publish, Reason, Subscription,
    SubscriptionOptions, Version, decode, encode_subscribe,
};

use crate::device::{At, FIRST_MILLIS};

#[derive(Debug, Default)]
pub(crate) struct Listener {
    pub(crate) at: Option<At>,
    /// Bytes the network has not delivered to the server yet.
    pub(crate) wire: Vec<u8>,
    partial: Vec<u8>,
    /// It was told that it is subscribed: from here on the site owes it everything.
    subscribed: bool,
    /// QoS 2 ids between PUBLISH and PUBREL.
    held: BTreeSet<NonZeroU16>,
    /// How often each message came, by topic and number.
    got: BTreeMap<(String, u64), u64>,
}

/// What the listener was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is subscribed.
    Subscribed,
    /// The site has forgotten a session that it had confirmed.
    SessionLost,
}

impl Listener {
    pub(crate) fn connect(&mut self) {
        let mut properties = PropertiesBuf::default();
        let pushed = properties.push(Property::SessionExpiry(3_600)).map(|_buf| ());
        assert_eq!(pushed, Ok(()));
        let connect = Connect {
            version: Version::V5,
            clean_start: false,
            keep_alive: 0,
            client_id: "listener",
            will: None,
            user_name: None,
            password: None,
            properties: properties.as_properties(),
        };
        self.wire.clear();
        assert_eq!(connect.encode(&mut self.wire), Ok(()));
    }

    /// The connection is gone, with everything on the wire.
    pub(crate) fn lose(&mut self) {
        self.at = None;
        self.wire.clear();
        self.partial.clear();
    }

    pub(crate) fn times(&self, topic: &str, number: u64) -> u64 {
        self.got.get(&(topic.to_owned(), number)).copied().unwrap_or_default()
    }

    pub(crate) fn count(&self) -> u64 {
        self.got.values().sum()
    }

    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Vec<News> {
        self.partial.extend_from_slice(bytes);
        let whole = std::mem::take(&mut self.partial);
        let mut rest = &whole[..];
        let mut news = Vec::new();
        while let Some((packet, length)) = decode(rest, Version::V5, 1 << 20).unwrap_or(None) {
            news.extend(self.hear_packet(&packet));
            rest = rest.get(length..).unwrap_or_default();
        }
        self.partial = rest.to_vec();
        news
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "any other packet is a fault")]
    fn hear_packet(&mut self, packet: &Packet<'_>) -> Option<News> {
        match packet {
            Packet::ConnAck(connack) => {
                assert_eq!(connack.reason, Reason::Success);
                return self.welcomed(connack.session_present);
            }
            Packet::SubAck(_) => {
                self.subscribed = true;
                return Some(News::Subscribed);
            }
            Packet::Publish(publish) => self.take(publish),
            Packet::PubRel(ack) => {
                self.held.remove(&ack.packet_id);
                self.say(&Packet::PubComp(Ack::new(ack.packet_id, Reason::Success)));
            }
            other => assert_eq!(other.kind(), Kind::Disconnect),
        }
        None
    }

    fn welcomed(&mut self, session_present: bool) -> Option<News> {
        if !session_present {
            if self.subscribed {
                return Some(News::SessionLost);
            }
            self.held.clear();
        }
        if !self.subscribed {
            let options = SubscriptionOptions::with_qos(Qos::ExactlyOnce);
            let all = [Subscription { filter: "farm/#", options }];
            let out = &mut self.wire;
            let written =
                encode_subscribe(Version::V5, NonZeroU16::MIN, Properties::NONE, all, out);
            assert_eq!(written, Ok(()));
        }
        None
    }

    fn take(&mut self, publish: &Publish<'_>) {
        let Some(packet_id) = publish.packet_id else { return self.note(publish) };
        if publish.qos == Qos::AtLeastOnce {
            self.note(publish);
            return self.say(&Packet::PubAck(Ack::new(packet_id, Reason::Success)));
        }
        if self.held.insert(packet_id) {
            self.note(publish);
        }
        self.say(&Packet::PubRec(Ack::new(packet_id, Reason::Success)));
    }

    /// What is marked as retained greets a subscriber; it is not a message of now.
    fn note(&mut self, publish: &Publish<'_>) {
        let text = String::from_utf8_lossy(publish.payload);
        let time = text.split(['{', ':', ',']).find_map(|part| part.parse::<i64>().ok());
        let number = time.map(|time| (time - FIRST_MILLIS) / 1_000);
        if let Some(number) = number.and_then(|number| u64::try_from(number).ok())
            && !publish.retain
        {
            *self.got.entry((publish.topic.to_owned(), number)).or_default() += 1;
        }
    }

    fn say(&mut self, packet: &Packet<'_>) {
        let written = packet.encode(Version::V5, &mut self.wire);
        assert_eq!(written, Ok(()), "a simulated packet is small");
    }
}
