//! Connections that come and go: CONNECT, CONNACK, DISCONNECT, and the next one.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use mio::event::Source as _;
use mio::{Events, Interest, Poll, Token};
use mqtt::{Disconnect, Packet, Reason};

use crate::clock::{Clock, nanos};
use crate::dial::Dialer;
use crate::load::Mark;
use crate::report::{ConnectReport, Samples, seconds};
use crate::wire::{VERSION, Wire};
use crate::{ConnectPlan, cpu, peer};

/// A broker that is alive answers sooner.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

struct Attempt {
    wire: Wire,
    begun_ns: u64,
    answered: bool,
}

/// # Errors
/// When the broker cannot be reached or refuses a connection.
pub fn connects(plan: &ConnectPlan) -> Result<ConnectReport> {
    let mut run = Run {
        poll: Poll::new()?,
        clock: Clock::start(),
        dialer: Dialer::new(plan.target.address, plan.tls_ca.as_deref())?,
        plan,
        begun: 0,
        connected: 0,
        samples: Samples::new()?,
    };
    let start = Mark::set(&run.clock, &plan.target)?;
    run.go(start.at_ns + nanos(Duration::try_from_secs_f64(plan.seconds)?))?;
    let end = Mark::set(&run.clock, &plan.target)?;
    Ok(ConnectReport {
        connected: run.connected,
        seconds: seconds(end.at_ns - start.at_ns),
        broker_cpu_seconds: end.broker_cpu - start.broker_cpu,
        generator_cpu_seconds: end.own_cpu - start.own_cpu,
        broker_memory_bytes: cpu::memory_of(plan.target.broker_pid)?,
        connect: run.samples.latency(),
    })
}

struct Run<'a> {
    plan: &'a ConnectPlan,
    dialer: Dialer,
    poll: Poll,
    clock: Clock,
    begun: u32,
    connected: u64,
    samples: Samples,
}

impl Run<'_> {
    fn go(&mut self, end_ns: u64) -> Result<()> {
        let mut attempts = Vec::new();
        let most = if self.plan.count > 0 { self.plan.count } else { u32::MAX };
        for place in 0..usize::try_from(self.plan.at_once.min(most))? {
            attempts.push(self.begin(place)?);
        }
        let mut events = Events::with_capacity(attempts.len().max(1));
        let mut scratch = vec![0; 4096];
        while self.clock.nanos() < end_ns && !self.is_complete() {
            self.poll.poll(&mut events, Some(ANSWER_WAIT)).context("cannot wait for sockets")?;
            if events.is_empty() {
                bail!("the broker answers no CONNECT");
            }
            for event in &events {
                let place = event.token().0;
                let Some(attempt) = attempts.get_mut(place) else { continue };
                attempt.wire.mark(event);
                self.advance(attempt, place, &mut scratch)?;
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.plan.count > 0 && self.connected >= u64::from(self.plan.count)
    }

    fn begin(&mut self, place: usize) -> Result<Attempt> {
        self.begun += 1;
        let begun_ns = self.clock.nanos();
        let mut wire = self.dialer.begin(self.begun)?;
        if let Some(out) = wire.room() {
            peer::connect_packet(&format!("bench-{}", self.begun), self.plan.lasting, out)?;
        }
        let both = Interest::READABLE | Interest::WRITABLE;
        wire.stream().register(self.poll.registry(), Token(place), both)?;
        Ok(Attempt { wire, begun_ns, answered: false })
    }

    fn advance(&mut self, attempt: &mut Attempt, place: usize, scratch: &mut [u8]) -> Result<()> {
        attempt.wire.flush()?;
        let (mut refused, mut answered) = (false, false);
        attempt.wire.read(scratch, |packet, _out| {
            let welcome = matches!(packet, Packet::ConnAck(ack) if ack.reason == Reason::Success);
            answered |= welcome;
            refused |= !welcome;
        })?;
        // What could not be sent before TLS was agreed on can be now.
        attempt.wire.flush()?;
        if refused {
            bail!("the broker refused a connection");
        }
        if !answered || attempt.answered {
            return Ok(());
        }
        attempt.answered = true;
        self.connected += 1;
        self.samples.record(self.clock.nanos().saturating_sub(attempt.begun_ns));
        if let Some(out) = attempt.wire.room() {
            Packet::Disconnect(Disconnect::new(Reason::Success)).encode(VERSION, out)?;
        }
        attempt.wire.flush()?;
        // A site at its limit of sessions takes no more than were asked for.
        if self.plan.count == 0 || self.begun < self.plan.count {
            *attempt = self.begin(place)?;
        }
        Ok(())
    }
}
