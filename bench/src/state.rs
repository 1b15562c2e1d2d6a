//! What a broker keeps without a connection: lasting subscriptions, retained messages.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZeroU16;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use model::Qos;
use mqtt::{Outgoing, Packet};

use crate::clock::{Clock, nanos};
use crate::report::{StateReport, seconds};
use crate::wire::VERSION;
use crate::{StatePlan, Thing, peer};

/// Filters of one session, and messages before their PUBACKs are read.
const BATCH: u32 = 1_000;

const SAMPLES: u32 = 1_000;

/// When nothing came for so long, everything came.
const QUIET: Duration = Duration::from_secs(3);

/// # Errors
/// When the broker cannot be reached or refuses.
pub fn state(plan: &StatePlan) -> Result<StateReport> {
    let clock = Clock::start();
    let end_ns = nanos(Duration::try_from_secs_f64(plan.seconds)?);
    let samples = plan.thing == Thing::Sessions;
    let asked = if samples { 0 } else { u64::from(plan.count) };
    let mut report = StateReport { asked, ..StateReport::default() };
    match (plan.thing, plan.check) {
        (Thing::Sessions, true) => look_at_sessions(plan, &mut report)?,
        (Thing::Sessions, false) => bail!("`connects --lasting` makes sessions"),
        (Thing::Retained, true) => count_retained(plan, &clock, end_ns, &mut report)?,
        (Thing::Retained, false) => retain(plan, &clock, end_ns, &mut report)?,
        (Thing::Subscriptions, check) => subscribe(plan, check, (&clock, end_ns), &mut report)?,
    }
    if report.seconds == 0.0 {
        report.seconds = seconds(clock.nanos());
    }
    Ok(report)
}

/// About `SAMPLES` of them.
fn look_at_sessions(plan: &StatePlan, report: &mut StateReport) -> Result<()> {
    for number in (1..=plan.count).step_by(usize::try_from(plan.count.div_ceil(SAMPLES).max(1))?) {
        let (_stream, present) = peer::resume(plan.address, &format!("bench-{number}"))?;
        report.count += u64::from(present);
        report.asked += 1;
    }
    Ok(())
}

fn batches(plan: &StatePlan) -> impl Iterator<Item = std::ops::Range<u32>> {
    let count = plan.count;
    (0..count.div_ceil(BATCH)).map(move |batch| batch * BATCH..count.min((batch + 1) * BATCH))
}

/// The connections end with this function, their sessions do not.
fn subscribe(
    plan: &StatePlan,
    check: bool,
    (clock, end_ns): (&Clock, u64),
    report: &mut StateReport,
) -> Result<()> {
    let mut streams = Vec::new();
    for numbers in batches(plan) {
        if clock.nanos() > end_ns {
            break;
        }
        let (mut stream, present) =
            peer::resume(plan.address, &format!("state-{}", numbers.start))?;
        if !check {
            let filters: Vec<_> = numbers.clone().map(topic).collect();
            peer::subscribe(&mut stream, &filters, Qos::AtLeastOnce)?;
        }
        if !check || present {
            report.count += u64::from(numbers.end - numbers.start);
        }
        streams.push(stream);
    }
    Ok(())
}

fn topic(number: u32) -> String {
    format!("state/{}/{}", number / BATCH, number % BATCH)
}

fn retain(plan: &StatePlan, clock: &Clock, end_ns: u64, report: &mut StateReport) -> Result<()> {
    let mut stream = peer::connect(plan.address, "state-retained")?;
    let (mut out, mut scratch) = (Vec::new(), vec![0; 64 * 1024]);
    for numbers in batches(plan) {
        if clock.nanos() > end_ns {
            break;
        }
        out.clear();
        for number in numbers.clone() {
            let packet_id = NonZeroU16::new(u16::try_from(number % BATCH + 1)?);
            retained(number, packet_id.context("1 to 1,000")?, &mut out)?;
        }
        stream.write_all(&out)?;
        let mut left = numbers.end - numbers.start;
        let mut partial = Vec::new();
        while left > 0 {
            read(&mut stream, &mut scratch, &mut partial, |packet| {
                if let Packet::PubAck(ack) = packet {
                    left = left.saturating_sub(1);
                    let refused = u64::from(ack.reason.is_failure());
                    report.refused += refused;
                    report.count += 1 - refused;
                }
            })?;
        }
    }
    Ok(())
}

fn retained(number: u32, id: NonZeroU16, out: &mut Vec<u8>) -> Result<()> {
    let message = Outgoing {
        qos: Qos::AtLeastOnce,
        retain: true,
        topic: &topic(number),
        subscription_ids: &[],
        properties: &[],
        expiry_left: None,
        payload: &[&[0xFF], &number.to_le_bytes()[..]].concat(),
    };
    let start = out.len();
    let id_at = message.encode(VERSION, out)?.context("QoS 1 has a packet id")?;
    let place = out.get_mut(start + id_at..).and_then(<[u8]>::first_chunk_mut);
    *place.context("inside of the packet")? = id.get().to_be_bytes();
    Ok(())
}

fn count_retained(
    plan: &StatePlan,
    clock: &Clock,
    end_ns: u64,
    report: &mut StateReport,
) -> Result<()> {
    let mut stream = peer::connect(plan.address, "state-check")?;
    stream.set_read_timeout(Some(QUIET))?;
    let mut out = Vec::new();
    peer::subscribe_packet(&["state/#".to_owned()], Qos::AtMostOnce, &mut out)?;
    stream.write_all(&out)?;
    let (mut scratch, mut partial) = (vec![0; 64 * 1024], Vec::new());
    while report.count < u64::from(plan.count) && clock.nanos() < end_ns {
        let done = read(&mut stream, &mut scratch, &mut partial, |packet| {
            report.count += u64::from(matches!(packet, Packet::Publish(_)));
        });
        match done {
            Ok(()) => report.seconds = seconds(clock.nanos()),
            Err(fault) if is_quiet(&fault) => break,
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

fn is_quiet(fault: &anyhow::Error) -> bool {
    let io = fault.downcast_ref::<std::io::Error>();
    io.is_some_and(|io| matches!(io.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

fn read(
    stream: &mut TcpStream,
    scratch: &mut [u8],
    partial: &mut Vec<u8>,
    mut take: impl FnMut(&Packet<'_>),
) -> Result<()> {
    let count = stream.read(scratch)?;
    anyhow::ensure!(count > 0, "the broker closed a connection");
    partial.extend_from_slice(scratch.get(..count).unwrap_or_default());
    let mut used = 0;
    while let Some(rest) = partial.get(used..).filter(|rest| !rest.is_empty()) {
        let Some((packet, len)) = mqtt::decode(rest, VERSION, 1 << 20)? else { break };
        take(&packet);
        used += len;
    }
    partial.drain(..used);
    Ok(())
}
