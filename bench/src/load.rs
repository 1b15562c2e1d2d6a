//! The run: warm up, measure, then wait until everything that was sent has been answered.
//!
//! The measure goes from the end of the warm-up to the last answer, so that what a broker only
//! took in but did not deliver counts for nothing, and the work of delivering it late is on its
//! account.

mod counters;
mod fleet;

use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use anyhow::{Context, Result};
use mio::{Events, Poll};

use crate::clock::{Clock, nanos};
use crate::cpu;
use crate::report::{LoadReport, seconds};
use crate::subscriber::Subscriber;
use crate::{LoadPlan, Target};
use counters::Counters;
use fleet::Fleet;

/// Without any answer for so long, what is missing is taken for lost.
const STALL_NS: u64 = 1_000_000_000;

/// A broker may take so long to deliver what it took in; the rest is lost.
const DRAIN_NS_MAX: u64 = 30_000_000_000;

const SCRATCH_BYTES: usize = 256 * 1024;

/// # Errors
/// When the broker cannot be reached, refuses or closes a connection.
pub fn load(plan: &LoadPlan) -> Result<LoadReport> {
    let mut run = Run::connect(plan)?;
    let warm_up = nanos(Duration::try_from_secs_f64(plan.warm_up_seconds)?);
    let measured = nanos(Duration::try_from_secs_f64(plan.seconds)?);
    run.publish_until(run.clock.nanos() + warm_up)?;
    run.counters.restart();
    let start = Mark::set(&run.clock, &plan.target)?;
    run.publish_until(start.at_ns + measured)?;
    run.drain()?;
    let end = Mark::set(&run.clock, &plan.target)?;
    run.report(plan, &start, &end)
}

/// How often a watch looks whether somebody asks.
const ASK_NS: u64 = 50_000_000;

/// Keeps the flow going until nobody asks any more. For each question it tells what came since
/// the one before. Only the last report knows what was lost: before, it may be on the way.
///
/// # Errors
/// As `load`.
pub fn watch(
    plan: &LoadPlan,
    questions: &Receiver<()>,
    mut tell: impl FnMut(&LoadReport) -> Result<()>,
) -> Result<()> {
    let mut run = Run::connect(plan)?;
    let mut start = Mark::set(&run.clock, &plan.target)?;
    loop {
        run.publish_until(run.clock.nanos() + ASK_NS)?;
        let last = match questions.try_recv() {
            Err(TryRecvError::Empty) => continue,
            Ok(()) => false,
            Err(TryRecvError::Disconnected) => true,
        };
        if last {
            run.drain()?;
        }
        let end = Mark::set(&run.clock, &plan.target)?;
        tell(&run.report(plan, &start, &end)?)?;
        if last {
            return Ok(());
        }
        run.counters.restart();
        start = end;
    }
}

struct Run<'a> {
    plan: &'a LoadPlan,
    poll: Poll,
    events: Events,
    clock: Clock,
    fleet: Fleet,
    counters: Counters,
    scratch: Vec<u8>,
    /// In the open loop: when the next message is due.
    next_due_ns: Option<u64>,
}

impl<'a> Run<'a> {
    fn connect(plan: &'a LoadPlan) -> Result<Self> {
        plan.check()?;
        let poll = Poll::new()?;
        let fleet = Fleet::connect(plan, poll.registry())?;
        let clock = Clock::start();
        Ok(Self {
            plan,
            events: Events::with_capacity(fleet.len().max(1)),
            poll,
            next_due_ns: (plan.rate > 0).then(|| clock.nanos()),
            clock,
            fleet,
            counters: Counters::new(plan)?,
            scratch: vec![0; SCRATCH_BYTES],
        })
    }

    fn publish_until(&mut self, end_ns: u64) -> Result<()> {
        loop {
            let now = self.clock.nanos();
            if now >= end_ns {
                return Ok(());
            }
            self.owe(now);
            self.counters.forgive_stall(now, STALL_NS);
            self.fleet.publish(now, self.plan, &mut self.counters);
            self.turn(end_ns)?;
        }
    }

    /// In the open loop a message is due whether the broker keeps up or not.
    fn owe(&mut self, now: u64) {
        let Some(due) = &mut self.next_due_ns else { return };
        while *due <= now {
            self.fleet.owe(*due);
            *due += 1_000_000_000 / self.plan.rate.max(1);
        }
    }

    fn drain(&mut self) -> Result<()> {
        let give_up = self.clock.nanos() + DRAIN_NS_MAX;
        loop {
            let now = self.clock.nanos();
            let quiet = now.saturating_sub(self.counters.answer_ns) > STALL_NS;
            let done = self.fleet.open() == 0 && self.counters.on_the_way() == 0;
            if done || quiet || now > give_up {
                return Ok(());
            }
            self.turn(now + STALL_NS / 10)?;
        }
    }

    /// Waits for the sockets, at most to `until_ns`, and serves them.
    fn turn(&mut self, until_ns: u64) -> Result<()> {
        self.fleet.flush()?;
        let wait = self.wait_ns(until_ns);
        match self.poll.poll(&mut self.events, Some(Duration::from_nanos(wait))) {
            Err(fault) if fault.kind() != std::io::ErrorKind::Interrupted => {
                return Err(fault).context("cannot wait for sockets");
            }
            Ok(()) | Err(_) => {}
        }
        self.fleet.mark(&self.events);
        self.fleet.read(&self.clock, &mut self.scratch, &mut self.counters)
    }

    fn wait_ns(&mut self, until_ns: u64) -> u64 {
        if self.fleet.has_work(self.plan, &self.counters) {
            return 0;
        }
        let until = self.next_due_ns.map_or(until_ns, |due| due.min(until_ns));
        until.saturating_sub(self.clock.nanos()).min(STALL_NS / 10)
    }

    fn report(&self, plan: &LoadPlan, start: &Mark, end: &Mark) -> Result<LoadReport> {
        let sent = self.fleet.sent();
        let audience = self.fleet.audience(plan.listening);
        Ok(LoadReport {
            sent: sent.iter().sum(),
            acknowledged: self.counters.acknowledged,
            refused: self.counters.refused,
            acknowledged_ever: self.counters.acknowledged_ever,
            delivered: self.counters.delivered,
            lost: audience.iter().map(|it| it.lost(&sent)).sum(),
            duplicated: audience.iter().map(Subscriber::duplicated).sum(),
            reordered: audience.iter().map(Subscriber::reordered).sum(),
            seconds: seconds(self.counters.answer_ns.max(start.at_ns + 1) - start.at_ns),
            broker_cpu_seconds: end.broker_cpu - start.broker_cpu,
            generator_cpu_seconds: end.own_cpu - start.own_cpu,
            broker_memory_bytes: cpu::memory_of(plan.target.broker_pid)?,
            acknowledge: self.counters.acknowledge.latency(),
            deliver: self.counters.deliver.latency(),
        })
    }
}

/// Both CPU clocks at one time.
pub(crate) struct Mark {
    pub(crate) at_ns: u64,
    pub(crate) broker_cpu: f64,
    pub(crate) own_cpu: f64,
}

impl Mark {
    pub(crate) fn set(clock: &Clock, target: &Target) -> Result<Self> {
        Ok(Self {
            at_ns: clock.nanos(),
            broker_cpu: cpu::seconds_of(target.broker_pid)?,
            own_cpu: cpu::seconds_of(std::process::id())?,
        })
    }
}
