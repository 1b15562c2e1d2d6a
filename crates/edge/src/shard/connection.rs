//! One connection: what it has said and not finished, what it has not been sent, its session.

use std::net::SocketAddr;

use hub::SessionKey;
use model::Moment;
use mqtt::{Generation, Session};

use super::Limits;
use super::traffic::Counters;
use crate::output::Output;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its CONNECT is still to come.
    Greeting,
    /// Its password is being checked; it is not read meanwhile.
    Claiming,
    Open,
    /// What is in `output` is still sent, nothing more is read.
    Closing,
    /// Nothing more is sent either.
    Gone,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    /// Which listener.
    pub(super) door: u16,
    /// Tells it from earlier tenants of its slot.
    pub(super) opened: u32,
    pub(super) phase: Phase,
    pub(super) session: Session,
    pub(super) session_key: Option<SessionKey>,
    /// The start of a packet whose end has not arrived. Empty, and without memory, when idle.
    pub(super) partial: Vec<u8>,
    pub(super) output: Output,
    pub(super) counters: Counters,
    /// It is in the list of those that have something to write.
    pub(super) dirty: bool,
    /// The timer that counts; an earlier one that is still in the wheel does not.
    pub(super) timer: Moment,
}

impl Connection {
    pub(super) fn new(
        (peer, door): (SocketAddr, u16),
        opened: u32,
        limits: &Limits,
        now: Moment,
    ) -> Self {
        Self {
            peer,
            door,
            opened,
            phase: Phase::Greeting,
            session: Session::new(limits.of_session(), Generation::new(opened), now),
            session_key: None,
            partial: Vec::new(),
            output: Output::default(),
            counters: Counters::new(now),
            dirty: false,
            timer: now,
        }
    }

    pub(super) fn listens(&self) -> bool {
        matches!(self.phase, Phase::Greeting | Phase::Claiming | Phase::Open)
    }

    /// Its CONNECT has not been answered.
    pub(super) fn greets(&self) -> bool {
        matches!(self.phase, Phase::Greeting | Phase::Claiming)
    }

    /// Says whether it has to be put into the list of those that have something to write.
    pub(super) fn mark_dirty(&mut self) -> bool {
        !std::mem::replace(&mut self.dirty, true)
    }

    pub(super) fn is_finished(&self) -> bool {
        match self.phase {
            Phase::Greeting | Phase::Claiming | Phase::Open => false,
            //= mqtt-v5 MQTT-3.14.4-2, MQTT-4.13.2-1
            Phase::Closing => self.output.is_empty(),
            Phase::Gone => true,
        }
    }
}
