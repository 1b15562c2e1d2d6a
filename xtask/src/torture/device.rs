//! A device of the torture: publishes over a real socket with a window, and notes in the ledger
//! what was answered.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU16;

use anyhow::{Context, Result, bail};
use model::Qos;
use mqtt::{Ack, Connect, Packet, Properties, Publish, PublishProperties, Reason, Version};

use super::disk::WriteCount;
use super::flights::{Cargo, Flight, Flights};
use super::ledger::Ledger;
use super::readings::{Reading, Standing};
use super::wire::Wire;

const VERSION: Version = Version::V311;

/// One of so many messages is retained, on a topic of its own.
const STANDING_ONE_IN: u64 = 16;

#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    pub qos: Qos,
    /// Messages without PUBACK or PUBCOMP at any time.
    pub window: u16,
    /// Its session outlives its connection, on both sides: it goes on where it was cut off.
    pub lasting: bool,
    /// Without such a session: sends again after a cut what was not acknowledged, as many do.
    pub resends: bool,
}

impl Habits {
    /// Of eight devices three use QoS 2, two of these with a session that lasts; of the others
    /// half resend. Windows are from 1 to 50.
    #[must_use]
    pub(super) fn of(device: u32) -> Self {
        let lasting = device % 4 == 3;
        let qos = match lasting || device % 8 == 5 {
            true => Qos::ExactlyOnce,
            false => Qos::AtLeastOnce,
        };
        let window = match device % 3 {
            0 => 20,
            1 => 1,
            _ => 50,
        };
        Self { qos, window, lasting, resends: !lasting && device % 2 == 1 }
    }
}

/// What a device sends in one connection.
#[derive(Debug)]
pub(super) struct Script {
    pub device: u32,
    pub epoch_ms: i64,
    /// To be sent before anything fresh.
    pub again: VecDeque<u64>,
    /// The first fresh sequence.
    pub next: u64,
}

/// What a device knows over all its connections.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub flights: Flights,
    /// Of its retained messages, how many were sent.
    pub standing_sent: u64,
    /// Which of them were acknowledged, each with what the disk had seen by then.
    pub standing_acknowledged: Vec<(u64, u64)>,
    /// Messages begun, of both kinds.
    pub begun: u64,
    /// The site took a message in this session: it must know the session from then on.
    pub confirmed: bool,
    /// Connections that found their session.
    pub resumed: u64,
    /// How often a session was gone that the site had confirmed.
    pub sessions_lost: u64,
}

impl Memory {
    /// What is due of its retained messages.
    #[must_use]
    pub(super) fn standing(&self) -> Standing {
        self.standing_by(u64::MAX)
    }

    /// What was due when the disk had seen no more writes than this.
    #[must_use]
    pub(super) fn standing_by(&self, most: u64) -> Standing {
        let by_then = self.standing_acknowledged.iter().rfind(|(_, writes)| *writes <= most);
        let acknowledged = by_then.map_or(0, |(number, _)| *number);
        Standing { sent: self.standing_sent, acknowledged }
    }
}

#[derive(Debug)]
pub(super) struct Device<'a> {
    habits: Habits,
    script: Script,
    memory: &'a mut Memory,
    ledger: &'a Ledger,
    disk: Option<&'a WriteCount>,
    welcomed: bool,
}

impl<'a> Device<'a> {
    #[must_use]
    pub(super) fn new(
        script: Script,
        memory: &'a mut Memory,
        ledger: &'a Ledger,
        disk: Option<&'a WriteCount>,
    ) -> Self {
        let habits = Habits::of(script.device);
        Self { habits, script, memory, ledger, disk, welcomed: false }
    }

    /// Publishes until the connection ends.
    ///
    /// # Errors
    /// Always in the end: when the site is gone, or when it broke the protocol.
    pub(super) fn run(mut self, site: SocketAddr) -> Result<Infallible> {
        let mut wire = Wire::open(site, VERSION)?;
        if !self.habits.lasting {
            self.memory.flights.clear();
        }
        self.connect(wire.out())?;
        loop {
            wire.send()?;
            wire.receive()?;
            // Read once for all answers of a read: later than each of them, which is the safe side.
            let writes = self.disk.map_or(Ok(0), WriteCount::read)?;
            wire.take_all(|packet, out| self.take(packet, writes, out))?;
            while self.welcomed && self.memory.flights.len() < usize::from(self.habits.window) {
                self.begin(wire.out())?;
            }
        }
    }

    fn connect(&self, out: &mut Vec<u8>) -> Result<()> {
        let connect = Connect {
            version: VERSION,
            clean_start: !self.habits.lasting,
            keep_alive: 0,
            client_id: &Reading::topic(self.script.device),
            will: None,
            user_name: None,
            password: None,
            properties: Properties::NONE,
        };
        connect.encode(out)?;
        Ok(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else comes is wrong here")]
    fn take(&mut self, packet: &Packet<'_>, writes: u64, out: &mut Vec<u8>) -> Result<()> {
        match packet {
            Packet::ConnAck(ack) if ack.reason == Reason::Success => {
                self.welcomed = true;
                self.resume(ack.session_present, out)?;
            }
            Packet::PubAck(ack) => {
                self.acknowledged(ack, writes)?;
                self.memory.flights.end(ack.packet_id);
            }
            // The promise of QoS 2 is made here; PUBCOMP only frees the packet id.
            Packet::PubRec(ack) => {
                self.acknowledged(ack, writes)?;
                self.memory.flights.release(ack.packet_id);
                let release = Ack::new(ack.packet_id, Reason::Success);
                Packet::PubRel(release).encode(VERSION, out)?;
            }
            Packet::PubComp(ack) => {
                self.memory.flights.end(ack.packet_id).context("PUBCOMP for nothing")?;
            }
            other => bail!("the site sent {other:?}"),
        }
        Ok(())
    }

    fn acknowledged(&mut self, ack: &Ack<'_>, writes: u64) -> Result<()> {
        let flight = self.memory.flights.of(ack.packet_id).context("an answer to nothing")?;
        self.memory.confirmed = self.habits.lasting;
        match flight.cargo {
            Cargo::Reading(sequence) => {
                let reading = Reading { device: self.script.device, sequence };
                self.ledger.acknowledged(reading, writes);
            }
            Cargo::Standing(number) => {
                self.memory.standing_acknowledged.push((number, writes));
            }
        }
        Ok(())
    }

    /// Takes up what was under way, in the order it was sent. A site that does not know the session
    /// has not taken any of it: what was not acknowledged begins anew, what was is done with.
    fn resume(&mut self, session_present: bool, out: &mut Vec<u8>) -> Result<()> {
        if session_present {
            self.memory.resumed += 1;
        } else {
            self.memory.sessions_lost += u64::from(self.memory.confirmed);
            self.memory.confirmed = false;
            self.memory.flights.forget_released();
        }
        for (id, flight) in self.memory.flights.in_order() {
            if flight.released {
                Packet::PubRel(Ack::new(id, Reason::Success)).encode(VERSION, out)?;
            } else {
                self.publish(id, flight.cargo, session_present, out)?;
            }
        }
        Ok(())
    }

    /// The next message: a retained one now and then, and never two of these at a time, so that
    /// the last one acknowledged and the last one sent are neighbours.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.memory.begun += 1;
        let due = self.memory.begun.is_multiple_of(STANDING_ONE_IN);
        let cargo = if due && !self.memory.flights.any_standing() {
            self.memory.standing_sent += 1;
            Cargo::Standing(self.memory.standing_sent)
        } else {
            Cargo::Reading(self.script.again.pop_front().unwrap_or_else(|| {
                self.script.next += 1;
                self.script.next - 1
            }))
        };
        let id = self.memory.flights.begin(Flight { cargo, released: false });
        self.publish(id, cargo, false, out)
    }

    fn publish(&self, id: NonZeroU16, cargo: Cargo, dup: bool, out: &mut Vec<u8>) -> Result<()> {
        let device = self.script.device;
        let (topic, payload) = match cargo {
            Cargo::Reading(sequence) => {
                let reading = Reading { device, sequence };
                self.ledger.sent(reading);
                (Reading::topic(device), reading.payload(self.script.epoch_ms))
            }
            Cargo::Standing(number) => (Standing::topic(device), number.to_string()),
        };
        let publish = Publish {
            dup,
            qos: self.habits.qos,
            retain: matches!(cargo, Cargo::Standing(_)),
            topic: &topic,
            packet_id: Some(id),
            properties: PublishProperties::NONE,
            payload: payload.as_bytes(),
        };
        publish.encode(VERSION, out)?;
        Ok(())
    }
}
