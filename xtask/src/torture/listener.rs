//! A subscriber whose session lasts over all kills: it hears all devices at QoS 2, confirms what it
//! gets, and holds on its side what the standard asks of a client. At times it is away, or goes
//! without a word, so that the site has to keep messages for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use model::Qos;
use mqtt::{
    Ack, Connect, Disconnect, Packet, Properties, PropertiesBuf, Property, Publish, Reason,
    Subscription, SubscriptionOptions, Version, encode_subscribe,
};

use super::Verdict;
use super::device::Habits;
use super::readings::Reading;
use super::wire::{Heard, Wire};
use crate::clock::Stopwatch;
use crate::dice::Dice;

const VERSION: Version = Version::V5;

/// Longer than any run.
const SESSION_SECONDS: u32 = 7 * 24 * 3600;

/// One of so many cycles it stays away from.
const ABSENT_ONE_IN: u64 = 5;

/// Messages after which it goes, at most, when it goes by itself: some are then under way.
const STAY_MAX: u64 = 300;

/// Once it has everything, nothing may come again: it listens on until nothing comes for so long.
const QUIET: Duration = Duration::from_millis(200);

/// A site that sends without end ends this listening.
const CATCH_UP_MAX: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(super) struct Listener {
    epoch_ms: i64,
    dice: Dice,
    /// It was told that it is subscribed: from here on the site owes it everything.
    subscribed: bool,
    /// QoS 2 ids between PUBLISH and PUBREL, with what came under them.
    held: BTreeMap<NonZeroU16, Option<Reading>>,
    got: BTreeSet<Reading>,
    /// What it waits for, while it catches up.
    missing: BTreeSet<Reading>,
    connections: u64,
    absences: u64,
    partings: u64,
    /// Messages that came again under an id it held: a handshake went on where it was cut off.
    again: u64,
    found: Verdict,
}

impl Listener {
    #[must_use]
    pub(super) fn new(epoch_ms: i64, dice: Dice) -> Self {
        Self {
            epoch_ms,
            dice,
            subscribed: false,
            held: BTreeMap::new(),
            got: BTreeSet::new(),
            missing: BTreeSet::new(),
            connections: 0,
            absences: 0,
            partings: 0,
            again: 0,
            found: Verdict::default(),
        }
    }

    /// One that was told so, has gone since, and got nothing.
    #[must_use]
    pub(super) fn subscribed(epoch_ms: i64) -> Self {
        Self { subscribed: true, ..Self::new(epoch_ms, Dice::new(0)) }
    }

    /// Returns as soon as the site says that it is subscribed.
    ///
    /// # Errors
    /// When the connection ends before.
    pub(super) fn subscribe(&mut self, site: SocketAddr) -> Result<()> {
        let mut wire = self.connect(site)?;
        while !self.subscribed {
            wire.receive()?;
            wire.take_all(|packet, out| self.take(packet, out))?;
            wire.send()?;
        }
        Ok(())
    }

    /// One cycle, until the site is killed or it has had enough.
    ///
    /// # Errors
    /// When a connection ends and the site was not killed.
    pub(super) fn attend(&mut self, site: SocketAddr, killed: &AtomicBool) -> Result<()> {
        if self.dice.one_in(ABSENT_ONE_IN) {
            self.absences += 1;
            return Ok(());
        }
        loop {
            match self.stay(site) {
                Ok(()) => self.partings += 1,
                Err(_) if killed.load(Ordering::SeqCst) => return Ok(()),
                Err(fault) => return Err(fault.context("of the listener")),
            }
            if self.dice.one_in(3) {
                return Ok(());
            }
        }
    }

    /// One connection; every other time it ends it by itself, in any of the ways a client may.
    fn stay(&mut self, site: SocketAddr) -> Result<()> {
        let mut wire = self.connect(site)?;
        let leaves = self.dice.one_in(2).then(|| self.dice.below(STAY_MAX));
        let before = self.got.len() as u64;
        loop {
            wire.receive()?;
            wire.take_all(|packet, out| self.take(packet, out))?;
            if leaves.is_some_and(|after| self.got.len() as u64 >= before + after) {
                break;
            }
            wire.send()?;
        }
        if self.dice.one_in(2) {
            wire.out().clear();
        }
        if self.dice.one_in(2) {
            Packet::Disconnect(Disconnect::new(Reason::Success)).encode(VERSION, wire.out())?;
        }
        wire.send()
    }

    /// Stays until it has all that is owed, or nothing comes for as long as `patience`. Says what
    /// did not come.
    ///
    /// # Errors
    /// When the connection ends.
    pub(super) fn catch_up(
        &mut self,
        site: SocketAddr,
        owed: Vec<Reading>,
        patience: Duration,
    ) -> Result<Vec<Reading>> {
        self.missing = owed.into_iter().filter(|reading| !self.got.contains(reading)).collect();
        let since = Stopwatch::start();
        let mut wire = self.connect(site)?;
        while since.elapsed() < CATCH_UP_MAX {
            // A site that has forgotten the session will not send what is missing either.
            let done = self.missing.is_empty() || self.found.session_lost > 0;
            let longest = if done { QUIET } else { patience };
            if wire.receive_within(longest)? == Heard::Silence {
                break;
            }
            wire.take_all(|packet, out| self.take(packet, out))?;
            wire.send()?;
        }
        Ok(std::mem::take(&mut self.missing).into_iter().collect())
    }

    /// Messages it has, each counted once.
    #[must_use]
    pub(super) fn count(&self) -> u64 {
        self.got.len() as u64
    }

    /// What it did, in words.
    #[must_use]
    pub(super) fn deed(&self) -> String {
        format!(
            "a subscriber with {} connections, {} left by itself, away in {} cycles, \
             {} messages again under their id",
            self.connections, self.partings, self.absences, self.again
        )
    }

    /// What it found since the last time.
    #[must_use]
    pub(super) fn findings(&mut self) -> Verdict {
        std::mem::take(&mut self.found)
    }

    fn connect(&mut self, site: SocketAddr) -> Result<Wire> {
        let mut properties = PropertiesBuf::default();
        properties.push(Property::SessionExpiry(SESSION_SECONDS))?;
        let connect = Connect {
            version: VERSION,
            clean_start: false,
            keep_alive: 0,
            client_id: "listener",
            will: None,
            user_name: None,
            password: None,
            properties: properties.as_properties(),
        };
        let mut wire = Wire::open(site, VERSION)?;
        connect.encode(wire.out())?;
        wire.send()?;
        self.connections += 1;
        Ok(wire)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else comes is wrong here")]
    fn take(&mut self, packet: &Packet<'_>, out: &mut Vec<u8>) -> Result<()> {
        match packet {
            Packet::ConnAck(ack) if ack.reason == Reason::Success => {
                self.welcomed(ack.session_present, out)?;
            }
            Packet::SubAck(ack) if !ack.reasons().any(Reason::is_failure) => {
                self.subscribed = true;
            }
            Packet::Publish(publish) => self.hear(publish, out)?,
            Packet::PubRel(ack) => {
                self.held.remove(&ack.packet_id);
                Packet::PubComp(Ack::new(ack.packet_id, Reason::Success)).encode(VERSION, out)?;
            }
            other => bail!("the site sent {other:?}"),
        }
        Ok(())
    }

    /// After a loss it subscribes again, to go on; what it was owed it is still owed.
    fn welcomed(&mut self, session_present: bool, out: &mut Vec<u8>) -> Result<()> {
        if session_present {
            self.found.resumed += 1;
        } else {
            self.held.clear();
            if std::mem::take(&mut self.subscribed) {
                let connection = self.connections;
                self.found.session_lost(&format!("of the listener, in connection {connection}"));
            }
        }
        if !self.subscribed {
            let options = SubscriptionOptions::with_qos(Qos::ExactlyOnce);
            let all = [Subscription { filter: Reading::FILTER, options }];
            encode_subscribe(VERSION, NonZeroU16::MIN, Properties::NONE, all, out)?;
        }
        Ok(())
    }

    fn hear(&mut self, publish: &Publish<'_>, out: &mut Vec<u8>) -> Result<()> {
        let reading = Reading::parse(publish.topic, publish.payload, self.epoch_ms);
        let Some(packet_id) = publish.packet_id else {
            self.found.wrong(&format!("{publish:?} came at QoS 0"));
            return Ok(());
        };
        let ack = Ack::new(packet_id, Reason::Success);
        if publish.qos == Qos::AtLeastOnce {
            self.note(publish, reading);
            Packet::PubAck(ack).encode(VERSION, out)?;
            return Ok(());
        }
        match self.held.insert(packet_id, reading) {
            None => self.note(publish, reading),
            Some(held) if held == reading => self.again += 1,
            Some(held) => {
                self.found.wrong(&format!("{publish:?} under the id of {held:?} before PUBREL"));
            }
        }
        Packet::PubRec(ack).encode(VERSION, out)?;
        Ok(())
    }

    /// A message that no handshake shows to be known.
    fn note(&mut self, publish: &Publish<'_>, reading: Option<Reading>) {
        let connection = self.connections;
        let Some(reading) = reading else {
            return self.found.wrong(&format!("{publish:?} was delivered and never sent"));
        };
        let habits = Habits::of(reading.device);
        if publish.qos != habits.qos {
            self.found.wrong(&format!("{reading:?} was delivered at {:?}", publish.qos));
        }
        self.missing.remove(&reading);
        if !self.got.insert(reading) && habits.lasting {
            let Publish { dup, packet_id, .. } = publish;
            let how = format!("{reading:?} in connection {connection}, {packet_id:?}, dup {dup}");
            self.found.delivered_twice(&how);
        }
    }
}

#[cfg(test)]
mod tests;
