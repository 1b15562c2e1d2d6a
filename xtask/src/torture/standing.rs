//! Compares the retained messages that greet a fresh subscriber with what devices know of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use anyhow::{Result, bail};
use model::Qos;
use mqtt::{
    Ack, Connect, Packet, Properties, Publish, Reason, Subscription, SubscriptionOptions, Version,
    encode_subscribe,
};

use super::Verdict;
use super::readings::Standing;
use super::wire::{Heard, Wire};

const VERSION: Version = Version::V311;

/// The last retained message of each device, by its number; `None` for what nobody sent so.
pub(super) type Greeting = BTreeMap<u32, Option<u64>>;

/// Subscribes as a client the site does not know, while no device publishes. Returns when all that
/// is due has come, or nothing comes for as long as `patience`.
///
/// # Errors
/// When the connection ends.
pub(super) fn greeting(site: SocketAddr, due: &[Standing], patience: Duration) -> Result<Greeting> {
    let mut heard = Greeting::new();
    let mut wire = Wire::open(site, VERSION)?;
    introduce(wire.out())?;
    wire.send()?;
    while !is_complete(due, &heard) {
        if wire.receive_within(patience)? == Heard::Silence {
            break;
        }
        wire.take_all(|packet, out| take(packet, &mut heard, out))?;
        wire.send()?;
    }
    Ok(heard)
}

fn introduce(out: &mut Vec<u8>) -> Result<()> {
    let connect = Connect {
        version: VERSION,
        clean_start: true,
        keep_alive: 0,
        client_id: "fresh",
        will: None,
        user_name: None,
        password: None,
        properties: Properties::NONE,
    };
    connect.encode(out)?;
    let options = SubscriptionOptions::with_qos(Qos::AtLeastOnce);
    let all = [Subscription { filter: Standing::FILTER, options }];
    encode_subscribe(VERSION, NonZeroU16::MIN, Properties::NONE, all, out)?;
    Ok(())
}

fn is_complete(due: &[Standing], heard: &Greeting) -> bool {
    let numbered = (0..).zip(due).filter(|(_, standing)| standing.acknowledged > 0);
    numbered.into_iter().all(|(device, _)| heard.contains_key(&device))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else comes is wrong here")]
fn take(packet: &Packet<'_>, heard: &mut Greeting, out: &mut Vec<u8>) -> Result<()> {
    match packet {
        Packet::ConnAck(ack) if ack.reason == Reason::Success => {}
        Packet::SubAck(ack) if !ack.reasons().any(Reason::is_failure) => {}
        Packet::Publish(publish) => {
            let Publish { topic, payload, packet_id, .. } = publish;
            if let Some(device) = Standing::device_of(topic) {
                let number = std::str::from_utf8(payload).ok().and_then(|text| text.parse().ok());
                heard.insert(device, number);
            }
            if let Some(packet_id) = packet_id {
                Packet::PubAck(Ack::new(*packet_id, Reason::Success)).encode(VERSION, out)?;
            }
        }
        other => bail!("the site sent {other:?} to a fresh subscriber"),
    }
    Ok(())
}

/// The message acknowledged last, or one that was sent after it, has to be there.
pub(super) fn judge(due: &[Standing], heard: &Greeting, verdict: &mut Verdict) {
    for (device, standing) in (0..).zip(due) {
        let found = heard.get(&device).copied();
        verdict.retained += u64::from(standing.acknowledged > 0);
        match found {
            Some(Some(number)) if number >= standing.acknowledged && number <= standing.sent => {}
            Some(Some(number)) if number < standing.acknowledged => {
                verdict.retained_lost(&format!("of device {device}: {number}, due {standing:?}"));
            }
            Some(other) => {
                verdict.wrong(&format!("retained of device {device}: {other:?}, {standing:?}"));
            }
            None if standing.acknowledged > 0 => {
                verdict.retained_lost(&format!("of device {device}: nothing, due {standing:?}"));
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
