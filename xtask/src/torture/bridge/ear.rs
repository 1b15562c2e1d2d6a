//! A subscriber behind the bridge: QoS 1, in a session that lasts. It keeps what came, in order.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mqtt::{
    Ack, Connect, Packet, Properties, PropertiesBuf, Property, Publish, Reason, Subscription,
    SubscriptionOptions, Version, encode_subscribe,
};

use super::heard::Heard;
use super::place::Place;
use crate::torture::readings::Reading;
use crate::torture::wire::{self, Wire};

const VERSION: Version = Version::V5;

/// Longer than any run.
const SESSION_SECONDS: u32 = 7 * 24 * 3600;

/// How often it looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Ear<'a> {
    pub epoch_ms: i64,
    /// What the bridge puts before topics.
    pub prefix: &'static str,
    pub place: &'a Place,
    pub heard: &'a Heard,
    /// Set when it has heard enough.
    pub enough: &'a AtomicBool,
}

impl Ear<'_> {
    /// # Errors
    /// When a connection ends and the broker was not killed.
    pub(super) fn run(self) -> Result<()> {
        let mut seen = 0;
        while let Some((life, address)) = self.place.after(seen) {
            seen = life;
            match self.listen(address) {
                Err(_) if self.place.is_gone(life) => {}
                outcome => return outcome.context("of a subscriber behind the bridge"),
            }
        }
        Ok(())
    }

    fn listen(&self, address: SocketAddr) -> Result<()> {
        let mut wire = Wire::open(address, VERSION)?;
        let mut properties = PropertiesBuf::default();
        properties.push(Property::SessionExpiry(SESSION_SECONDS))?;
        let connect = Connect {
            version: VERSION,
            clean_start: false,
            keep_alive: 0,
            client_id: "ear",
            will: None,
            user_name: None,
            password: None,
            properties: properties.as_properties(),
        };
        connect.encode(wire.out())?;
        while !self.enough.load(Ordering::SeqCst) {
            wire.send()?;
            if wire.receive_within(LOOK)? == wire::Heard::Something {
                wire.take_all(|packet, out| self.take(packet, out))?;
            }
        }
        Ok(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else comes is wrong here")]
    fn take(&self, packet: &Packet<'_>, out: &mut Vec<u8>) -> Result<()> {
        match packet {
            Packet::ConnAck(ack) if ack.reason == Reason::Success => {
                if !ack.session_present {
                    self.subscribe(out)?;
                }
            }
            Packet::SubAck(ack) if !ack.reasons().any(Reason::is_failure) => {}
            Packet::Publish(publish) => {
                self.hear(publish);
                let id = publish.packet_id.context("QoS 0 behind the bridge")?;
                Packet::PubAck(Ack::new(id, Reason::Success)).encode(VERSION, out)?;
            }
            other => bail!("the broker sent {other:?}"),
        }
        Ok(())
    }

    fn subscribe(&self, out: &mut Vec<u8>) -> Result<()> {
        let filter = format!("{}{}", self.prefix, Reading::FILTER);
        let options = SubscriptionOptions::with_qos(model::Qos::AtLeastOnce);
        let all = [Subscription { filter: &filter, options }];
        encode_subscribe(VERSION, NonZeroU16::MIN, Properties::NONE, all, out)?;
        Ok(())
    }

    fn hear(&self, publish: &Publish<'_>) {
        let topic = publish.topic.strip_prefix(self.prefix);
        let reading = topic.and_then(|topic| Reading::parse(topic, publish.payload, self.epoch_ms));
        match reading {
            Some(reading) => self.heard.note(reading),
            None => self.heard.note_wrong(&format!("{publish:?} was never sent")),
        }
    }
}
