//! One of the connections that stay.

use anyhow::Result;
use mio::event::{Event, Source as _};
use mio::{Interest, Registry, Token};
use model::Qos;
use mqtt::{Ack, Packet, Reason};

use crate::dial::Dialer;
use crate::wire::{VERSION, Wire};
use crate::{HoldPlan, Manner, peer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Open,
    Closed,
}

/// The beginning of a CONNECT whose client id is 16,128 bytes long.
const ENDLESS: &[u8] = b"\x10\xFF\x7F\x00\x04MQTT\x04\x02\x00\x00\x3F\x00";

/// What came in one turn.
struct Heard {
    welcome: bool,
    count: u64,
}

impl Heard {
    fn take(&mut self, packet: &Packet<'_>, plan: &HoldPlan, out: &mut Vec<u8>) {
        if let Packet::ConnAck(ack) = packet {
            self.welcome |= plan.filter.is_none() && ack.reason == Reason::Success;
        } else if let Packet::SubAck(ack) = packet {
            self.welcome |= !ack.reasons().any(Reason::is_failure);
        } else if let Packet::Publish(publish) = packet {
            self.count += 1;
            if let (Some(id), Qos::AtLeastOnce) = (publish.packet_id, publish.qos) {
                let encoded = Packet::PubAck(Ack::new(id, Reason::Success)).encode(VERSION, out);
                debug_assert!(encoded.is_ok(), "a PUBACK is not too long");
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct Guest {
    number: u32,
    wire: Option<Wire>,
    state: State,
    begun_ns: u64,
    /// Of a CONNECT that is never finished.
    dripped: usize,
    pub(super) heard: u64,
}

impl Guest {
    pub(super) const fn new(number: u32) -> Self {
        let (wire, state) = (None, State::Waiting);
        Self { number, wire, state, begun_ns: 0, dripped: 0, heard: 0 }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    /// It waits, and not too long.
    pub(super) fn is_new(&self, now: u64, patience_ns: u64) -> bool {
        self.state == State::Waiting && now.saturating_sub(self.begun_ns) < patience_ns
    }

    /// It was closed, and does not hurry: who comes back at once is another kind of flood.
    pub(super) fn may_come_again(&self, now: u64, rest_ns: u64) -> bool {
        self.state == State::Closed && now.saturating_sub(self.begun_ns) > rest_ns
    }

    pub(super) fn begin(
        &mut self,
        dialer: &Dialer,
        plan: &HoldPlan,
        (registry, place): (&Registry, usize),
        now: u64,
    ) -> Result<()> {
        (self.state, self.begun_ns, self.dripped) = (State::Waiting, now, 0);
        let mut wire = dialer.begin(self.number)?;
        if !plan.manner.is_stranger()
            && let Some(out) = wire.room()
        {
            peer::connect_packet(&self.client_id(), false, out)?;
            if let Some(filter) = &plan.filter {
                let filter = filter.replace("@", &self.number.to_string());
                peer::subscribe_packet(&[filter], plan.qos, out)?;
            }
        }
        let both = Interest::READABLE | Interest::WRITABLE;
        wire.stream().register(registry, Token(place), both)?;
        self.wire = Some(wire);
        Ok(())
    }

    fn client_id(&self) -> String {
        format!("hold-{}", self.number)
    }

    pub(super) fn serve(&mut self, event: &Event, plan: &HoldPlan, scratch: &mut [u8]) {
        if plan.manner == Manner::Stalled && self.state == State::Open {
            if event.is_error() || event.is_write_closed() {
                self.close();
            }
            return;
        }
        let Some(wire) = &mut self.wire else { return };
        wire.mark(event);
        let mut heard =
            Heard { welcome: plan.manner.is_stranger() && event.is_writable(), count: 0 };
        let mut done = wire.flush();
        while done.is_ok() && wire.has_input() && !(plan.manner == Manner::Stalled && heard.welcome)
        {
            done = wire.read(scratch, |packet, out| heard.take(packet, plan, out));
        }
        self.heard += heard.count;
        if heard.welcome {
            self.state = State::Open;
        }
        if done.and_then(|()| wire.flush()).is_err() {
            self.close();
        }
    }

    fn close(&mut self) {
        (self.wire, self.state) = (None, State::Closed);
    }

    /// The next byte of a CONNECT with a very long client id, if it is time.
    pub(super) fn drip(&mut self, now: u64, every_ns: u64) {
        let Some(wire) = &mut self.wire else { return };
        let due = self.begun_ns + every_ns.saturating_mul(self.dripped as u64);
        if self.state != State::Open || now < due {
            return;
        }
        let byte = ENDLESS.get(self.dripped).copied().unwrap_or(b'x');
        self.dripped += 1;
        if let Some(out) = wire.room() {
            out.push(byte);
        }
        if wire.flush().is_err() {
            self.close();
        }
    }
}
