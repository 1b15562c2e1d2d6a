//! Connections that come and go: CONNECT, CONNACK, DISCONNECT, and the next one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mio::event::Source as _;
use mio::{Events, Interest, Poll, Token};
use mqtt::{Disconnect, Packet, Reason};
use socket2::{Domain, Socket, Type};

use crate::clock::{Clock, nanos};
use crate::load::Mark;
use crate::report::{ConnectReport, Samples, seconds};
use crate::wire::{VERSION, Wire};
use crate::{ConnectPlan, peer};

/// A closed connection keeps its pair of ports for a minute. 28,000 ports from each of 200
/// addresses of the loopback net last for 90,000 connections a second.
const SOURCES: u32 = 200;

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
        plan,
        begun: 0,
        connected: 0,
        samples: Samples::new()?,
    };
    let mut attempts = Vec::new();
    for place in 0..usize::try_from(plan.at_once)? {
        attempts.push(run.begin(place)?);
    }
    let start = Mark::set(&run.clock, &plan.target)?;
    let end_ns = start.at_ns + nanos(Duration::try_from_secs_f64(plan.seconds)?);
    let mut events = Events::with_capacity(attempts.len());
    let mut scratch = vec![0; 4096];
    while run.clock.nanos() < end_ns {
        run.poll.poll(&mut events, Some(ANSWER_WAIT)).context("cannot wait for sockets")?;
        if events.is_empty() {
            bail!("the broker answers no CONNECT");
        }
        for event in &events {
            let place = event.token().0;
            let Some(attempt) = attempts.get_mut(place) else { continue };
            attempt.wire.mark(event);
            run.advance(attempt, place, &mut scratch)?;
        }
    }
    let end = Mark::set(&run.clock, &plan.target)?;
    Ok(ConnectReport {
        connected: run.connected,
        seconds: seconds(end.at_ns - start.at_ns),
        broker_cpu_seconds: end.broker_cpu - start.broker_cpu,
        generator_cpu_seconds: end.own_cpu - start.own_cpu,
        connect: run.samples.latency(),
    })
}

struct Run<'a> {
    plan: &'a ConnectPlan,
    poll: Poll,
    clock: Clock,
    begun: u32,
    connected: u64,
    samples: Samples,
}

impl Run<'_> {
    fn begin(&mut self, place: usize) -> Result<Attempt> {
        self.begun += 1;
        let begun_ns = self.clock.nanos();
        let mut wire = Wire::new(open(self.plan.target.address, self.begun)?)?;
        if let Some(out) = wire.room() {
            peer::connect_packet(&format!("bench-{}", self.begun), out)?;
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
        *attempt = self.begin(place)?;
        Ok(())
    }
}

/// Begins to connect, from one of many addresses of this machine.
fn open(broker: SocketAddr, number: u32) -> Result<std::net::TcpStream> {
    let socket = Socket::new(Domain::for_address(broker), Type::STREAM, None)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    if broker.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
        let host = u8::try_from(1 + number % SOURCES).unwrap_or(1);
        socket.bind(&SocketAddr::from(([127, 0, 0, host], 0)).into())?;
    }
    match socket.connect(&broker.into()) {
        Ok(()) => {}
        Err(fault) if fault.raw_os_error() == Some(EINPROGRESS) => {}
        Err(fault) => return Err(fault).context("cannot reach the broker"),
    }
    Ok(socket.into())
}

/// The connection is under way. `std` has no stable word for it.
const EINPROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();
