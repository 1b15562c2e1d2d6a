//! A device of the torture: publishes over a real socket with a window, and notes in the ledger
//! what was answered.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU16;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use model::Qos;
use mqtt::{Ack, Connect, Packet, Properties, Publish, PublishProperties, Reason, Version};

use super::disk::WriteCount;
use super::ledger::Ledger;
use super::readings::Reading;

const VERSION: Version = Version::V311;
const PACKET_BYTES_MAX: u32 = 1 << 16;

/// A site under torture on two busy cores may take its time, but not this long.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    pub qos: Qos,
    /// Messages without PUBACK or PUBCOMP at any time.
    pub window: u16,
    /// Sends again after a cut what was not acknowledged, as many devices do.
    pub resends: bool,
}

impl Habits {
    /// Half of all devices resend, a quarter uses QoS 2; windows from 1 to 50.
    #[must_use]
    pub(super) fn of(device: u32) -> Self {
        let qos = if device % 4 == 3 { Qos::ExactlyOnce } else { Qos::AtLeastOnce };
        let window = match device % 3 {
            0 => 20,
            1 => 1,
            _ => 50,
        };
        Self { qos, window, resends: device % 2 == 1 }
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

#[derive(Debug)]
pub(super) struct Device<'a> {
    habits: Habits,
    script: Script,
    topic: String,
    ledger: &'a Ledger,
    disk: Option<&'a WriteCount>,
    in_flight: BTreeMap<NonZeroU16, u64>,
    next_id: NonZeroU16,
    out: Vec<u8>,
}

impl<'a> Device<'a> {
    #[must_use]
    pub(super) fn new(
        habits: Habits,
        script: Script,
        ledger: &'a Ledger,
        disk: Option<&'a WriteCount>,
    ) -> Self {
        Self {
            topic: Reading::topic(script.device),
            habits,
            script,
            ledger,
            disk,
            in_flight: BTreeMap::new(),
            next_id: NonZeroU16::MIN,
            out: Vec::new(),
        }
    }

    /// Publishes until the connection ends.
    ///
    /// # Errors
    /// Always in the end: when the site is gone, or when it broke the protocol.
    pub(super) fn run(mut self, site: SocketAddr) -> Result<()> {
        let mut stream = TcpStream::connect(site)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        self.connect()?;
        let (mut input, mut chunk) = (Vec::new(), vec![0; 64 * 1024]);
        loop {
            stream.write_all(&self.out)?;
            self.out.clear();
            let count = stream.read(&mut chunk).context("no answer")?;
            if count == 0 {
                bail!("the site closed the connection");
            }
            input.extend_from_slice(chunk.get(..count).unwrap_or_default());
            let used = self.take_all(&input)?;
            input.drain(..used);
        }
    }

    fn connect(&mut self) -> Result<()> {
        let connect = Connect {
            version: VERSION,
            clean_start: true,
            keep_alive: 0,
            client_id: &self.topic,
            will: None,
            user_name: None,
            password: None,
            properties: Properties::NONE,
        };
        connect.encode(&mut self.out)?;
        Ok(())
    }

    fn take_all(&mut self, input: &[u8]) -> Result<usize> {
        let mut used = 0;
        // Read once for all answers of a read: later than each of them, which is the safe side.
        let writes = self.disk.map_or(Ok(0), WriteCount::read)?;
        while let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) {
            let Some((packet, len)) = mqtt::decode(rest, VERSION, PACKET_BYTES_MAX)? else { break };
            self.take(&packet, writes)?;
            used += len;
        }
        while self.in_flight.len() < usize::from(self.habits.window) {
            self.publish()?;
        }
        Ok(used)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else comes is wrong here")]
    fn take(&mut self, packet: &Packet<'_>, writes: u64) -> Result<()> {
        match packet {
            Packet::ConnAck(ack) if ack.reason == Reason::Success => {}
            Packet::PubAck(ack) => {
                self.acknowledged(ack, writes)?;
                self.in_flight.remove(&ack.packet_id);
            }
            // The promise of QoS 2 is made here; PUBCOMP only frees the packet id.
            Packet::PubRec(ack) => {
                self.acknowledged(ack, writes)?;
                let release = Ack::new(ack.packet_id, Reason::Success);
                Packet::PubRel(release).encode(VERSION, &mut self.out)?;
            }
            Packet::PubComp(ack) => {
                self.in_flight.remove(&ack.packet_id).context("PUBCOMP for nothing")?;
            }
            other => bail!("the site sent {other:?}"),
        }
        Ok(())
    }

    fn acknowledged(&self, ack: &Ack<'_>, writes: u64) -> Result<()> {
        let sequence = *self.in_flight.get(&ack.packet_id).context("an answer to nothing")?;
        self.ledger.acknowledged(Reading { device: self.script.device, sequence }, writes);
        Ok(())
    }

    fn publish(&mut self) -> Result<()> {
        let sequence = self.script.again.pop_front().unwrap_or_else(|| {
            self.script.next += 1;
            self.script.next - 1
        });
        let reading = Reading { device: self.script.device, sequence };
        let payload = reading.payload(self.script.epoch_ms);
        let id = self.free_id();
        let publish = Publish {
            dup: false,
            qos: self.habits.qos,
            retain: false,
            topic: &self.topic,
            packet_id: Some(id),
            properties: PublishProperties::NONE,
            payload: payload.as_bytes(),
        };
        publish.encode(VERSION, &mut self.out)?;
        self.in_flight.insert(id, sequence);
        self.ledger.sent(reading);
        Ok(())
    }

    /// The window is far smaller than the number of ids, so one is free soon.
    fn free_id(&mut self) -> NonZeroU16 {
        while self.in_flight.contains_key(&self.next_id) {
            self.next_id = self.next_id.checked_add(1).unwrap_or(NonZeroU16::MIN);
        }
        let id = self.next_id;
        self.next_id = id.checked_add(1).unwrap_or(NonZeroU16::MIN);
        id
    }
}
