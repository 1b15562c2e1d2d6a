//! Connections that stay: idle ones, subscribers that hear and drop, subscribers that stop
//! reading, and strangers that never finish their CONNECT.

mod guest;

use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use anyhow::{Context, Result};
use mio::{Events, Poll};
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, nanos};
use crate::dial::Dialer;
use crate::{HoldPlan, Manner};
use guest::{Guest, State};

/// Attempts without an answer at any time. Those that waited too long do not count.
const AT_ONCE: usize = 100;

/// How often timers and questions are looked at.
const TURN: Duration = Duration::from_millis(20);

/// What the kernel keeps for a subscriber that does not read: it shall be the broker who does.
const STALLED_RECEIVE_BYTES: usize = 4096;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReport {
    /// Welcomed, or for those who never ask to be, connected.
    pub open: u32,
    /// Neither welcomed nor refused so far.
    pub waiting: u32,
    /// Closed by the broker, before or after they were welcomed, or never connected.
    pub closed: u32,
    /// Messages that came. Of those that stopped reading, before they did.
    pub heard: u64,
}

/// Opens the connections, and keeps them until nobody asks any more. Tells how it stands once
/// every attempt was answered or waited its time, and then for each question.
///
/// # Errors
/// When sockets are not to be had.
pub fn hold(
    plan: &HoldPlan,
    questions: &Receiver<()>,
    mut tell: impl FnMut(&HoldReport) -> Result<()>,
) -> Result<()> {
    let mut crowd = Crowd::new(plan)?;
    let mut told = plan.when_asked;
    loop {
        crowd.turn()?;
        let ask = match questions.try_recv() {
            Ok(()) => true,
            Err(TryRecvError::Empty) => !told && crowd.is_settled(),
            Err(TryRecvError::Disconnected) => return Ok(()),
        };
        if ask {
            told = true;
            tell(&crowd.report())?;
        }
    }
}

struct Crowd<'a> {
    plan: &'a HoldPlan,
    dialer: Dialer,
    poll: Poll,
    events: Events,
    clock: Clock,
    guests: Vec<Guest>,
    /// Those behind it are not begun yet.
    begun: usize,
    scratch: Vec<u8>,
}

impl<'a> Crowd<'a> {
    fn new(plan: &'a HoldPlan) -> Result<Self> {
        let mut dialer = Dialer::new(plan.address, plan.tls_ca.as_deref())?;
        if plan.manner == Manner::Stalled {
            dialer = dialer.receive_at_most(STALLED_RECEIVE_BYTES);
        }
        let guests = (0..plan.connections).map(|number| Guest::new(plan.first + number)).collect();
        Ok(Self {
            plan,
            dialer,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            clock: Clock::start(),
            guests,
            begun: 0,
            scratch: vec![0; 64 * 1024],
        })
    }

    fn turn(&mut self) -> Result<()> {
        let now = self.clock.nanos();
        self.begin_more(now)?;
        match self.poll.poll(&mut self.events, Some(TURN)) {
            Err(fault) if fault.kind() != std::io::ErrorKind::Interrupted => {
                return Err(fault).context("cannot wait for sockets");
            }
            Ok(()) | Err(_) => {}
        }
        for event in &self.events {
            if let Some(guest) = self.guests.get_mut(event.token().0) {
                guest.serve(event, self.plan, &mut self.scratch);
            }
        }
        self.drip(now)
    }

    fn begin_more(&mut self, now: u64) -> Result<()> {
        let patience = nanos(Duration::try_from_secs_f64(self.plan.patience_seconds)?);
        let begun = self.guests.get(..self.begun).unwrap_or_default();
        let mut room =
            AT_ONCE.saturating_sub(begun.iter().filter(|it| it.is_new(now, patience)).count());
        let due = now / 1000 * u64::from(self.plan.per_second) / 1_000_000;
        while room > 0 && self.begun < self.guests.len() && self.begun as u64 <= due {
            let Some(guest) = self.guests.get_mut(self.begun) else { break };
            guest.begin(&self.dialer, self.plan, (self.poll.registry(), self.begun), now)?;
            self.begun += 1;
            room -= 1;
        }
        Ok(())
    }

    /// One more byte from those who never finish, and a new attempt for those who were closed.
    fn drip(&mut self, now: u64) -> Result<()> {
        if !matches!(self.plan.manner, Manner::Drip | Manner::Silent) {
            return Ok(());
        }
        let every = nanos(Duration::try_from_secs_f64(self.plan.drip_seconds)?);
        for (place, guest) in self.guests.iter_mut().enumerate().take(self.begun) {
            if self.plan.again && guest.may_come_again(now, every) {
                guest.begin(&self.dialer, self.plan, (self.poll.registry(), place), now)?;
            } else if self.plan.manner == Manner::Drip {
                guest.drip(now, every);
            }
        }
        Ok(())
    }

    fn is_settled(&self) -> bool {
        let patience = Duration::try_from_secs_f64(self.plan.patience_seconds).unwrap_or_default();
        let now = self.clock.nanos();
        self.begun == self.guests.len()
            && !self.guests.iter().any(|guest| guest.is_new(now, nanos(patience)))
    }

    fn report(&self) -> HoldReport {
        let mut report = HoldReport::default();
        for guest in self.guests.iter().take(self.begun) {
            report.heard += guest.heard;
            match guest.state() {
                State::Open => report.open += 1,
                State::Waiting => report.waiting += 1,
                State::Closed => report.closed += 1,
            }
        }
        report
    }
}
