//! Publishes numbered messages at a steady rate, at QoS 1 and in a session that lasts.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use model::Qos;
use mqtt::{Connect, Packet, Properties, Publish, PublishProperties, Reason, Version};

use super::place::Place;
use crate::clock::Stopwatch;
use crate::torture::flights::{Cargo, Flight, Flights};
use crate::torture::ledger::Ledger;
use crate::torture::readings::Reading;
use crate::torture::wire::{ANSWER_WAIT, Heard, Wire};

const VERSION: Version = Version::V311;

/// Messages without PUBACK at any time.
const WINDOW: usize = 20;

/// How often one that may send nothing looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Publisher<'a> {
    pub device: u32,
    pub epoch_ms: i64,
    /// From one message to the next.
    pub gap: Duration,
    pub place: &'a Place,
    pub ledger: &'a Ledger,
    /// Set when enough was sent.
    pub enough: &'a AtomicBool,
    pub flights: Flights,
    pub next: u64,
    pub welcomed: bool,
}

impl Publisher<'_> {
    /// Until enough was sent and all of it is acknowledged.
    ///
    /// # Errors
    /// When a connection ends and the broker was not killed, or nothing is acknowledged any more.
    pub(super) fn run(mut self) -> Result<()> {
        let mut seen = 0;
        while let Some((life, address)) = self.place.after(seen) {
            seen = life;
            match self.publish_to(address) {
                Err(_) if self.place.is_gone(life) => {}
                outcome => return outcome.with_context(|| format!("of publisher {}", self.device)),
            }
        }
        Ok(())
    }

    fn publish_to(&mut self, address: SocketAddr) -> Result<()> {
        let mut wire = Wire::open(address, VERSION)?;
        self.connect(wire.out())?;
        self.welcomed = false;
        let (since, mut quiet, mut sent) = (Stopwatch::start(), Stopwatch::start(), 0);
        loop {
            wire.send()?;
            let enough = self.enough.load(Ordering::SeqCst);
            if enough && self.welcomed && self.flights.len() == 0 {
                return Ok(());
            }
            let open = self.welcomed && !enough && self.flights.len() < WINDOW;
            let pause = (self.gap * sent).saturating_sub(since.elapsed());
            if open && pause.is_zero() {
                sent += 1;
                self.begin(wire.out())?;
                continue;
            }
            let longest = if open { pause } else { LOOK };
            // No time at all would mean for ever.
            if wire.receive_within(longest.max(Duration::from_millis(1)))? == Heard::Something {
                quiet = Stopwatch::start();
                wire.take_all(|packet, out| self.take(packet, out))?;
            } else if self.flights.len() > 0 && quiet.elapsed() > ANSWER_WAIT {
                bail!("nothing was acknowledged for {ANSWER_WAIT:?}");
            }
        }
    }

    fn connect(&self, out: &mut Vec<u8>) -> Result<()> {
        let connect = Connect {
            version: VERSION,
            clean_start: false,
            keep_alive: 0,
            client_id: &Reading::topic(self.device),
            will: None,
            user_name: None,
            password: None,
            properties: Properties::NONE,
        };
        connect.encode(out)?;
        Ok(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else comes is wrong here")]
    fn take(&mut self, packet: &Packet<'_>, out: &mut Vec<u8>) -> Result<()> {
        match packet {
            Packet::ConnAck(ack) if ack.reason == Reason::Success => {
                self.welcomed = true;
                for (id, flight) in self.flights.in_order() {
                    self.publish(id, flight.cargo, ack.session_present, out)?;
                }
            }
            Packet::PubAck(ack) => {
                let flight = self.flights.end(ack.packet_id).context("an answer to nothing")?;
                if let Cargo::Reading(sequence) = flight.cargo {
                    self.ledger.acknowledged(Reading { device: self.device, sequence }, 0);
                }
            }
            other => bail!("the broker sent {other:?}"),
        }
        Ok(())
    }

    fn begin(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let cargo = Cargo::Reading(self.next);
        self.next += 1;
        let id = self.flights.begin(Flight { cargo, released: false });
        self.publish(id, cargo, false, out)
    }

    fn publish(&self, id: NonZeroU16, cargo: Cargo, dup: bool, out: &mut Vec<u8>) -> Result<()> {
        let Cargo::Reading(sequence) = cargo else { bail!("nothing is retained here") };
        let reading = Reading { device: self.device, sequence };
        let (topic, payload) = (Reading::topic(self.device), reading.payload(self.epoch_ms));
        self.ledger.sent(reading);
        let publish = Publish {
            dup,
            qos: Qos::AtLeastOnce,
            retain: false,
            topic: &topic,
            packet_id: Some(id),
            properties: PublishProperties::NONE,
            payload: payload.as_bytes(),
        };
        publish.encode(VERSION, out)?;
        Ok(())
    }
}
