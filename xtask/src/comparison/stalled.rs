//! A thousand subscribers that stop reading, beside a steady flow to good ones.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use bench::{HoldReport, memory_of};
use clap::Args;

use super::peers::Running;
use super::runner::Runner;
use super::siege::{Flow, NICE, Phases};
use super::{Field, Peer, one_line};
use crate::clock::pause;

/// Until a broker has noticed that they are gone.
const LEAVE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub field: Field,
    /// Each has a quiet phase and one with the stalled.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// Of one phase.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// From the moment they stop reading to the phase that counts: the kernel's buffers fill up,
    /// then the broker's. Until then it is the fan-out to them that is measured, so that is told
    /// apart.
    #[arg(long, default_value_t = 30.0)]
    pub fill_seconds: f64,
    /// Subscribers that stop reading.
    #[arg(long, default_value_t = 1000)]
    pub stalled: u32,
    /// Subscribers that read.
    #[arg(long, default_value_t = 10)]
    pub good: u32,
    /// Messages a second, from ten publishers.
    #[arg(long, default_value_t = 50)]
    pub rate: u32,
    #[arg(long, default_value_t = 2048)]
    pub payload_bytes: u32,
    /// What may wait for all of them together, checked at Althing: twice `limits.backlog`.
    #[arg(long, default_value_t = 512 << 20)]
    pub bound_bytes: u64,
}

/// # Errors
/// When a broker cannot be had, or Althing lost a message, kept too much or refused service.
pub(super) fn run(plan: &Plan) -> Result<()> {
    let runner = Runner::new(&plan.field)?;
    let mut table = Vec::new();
    let mut faults = 0;
    for qos in [0, 1] {
        table.push(format!("\nqos {qos}, {} of them stalled", plan.stalled));
        for peer in plan.field.peers.iter().copied().filter(|peer| *peer != Peer::Limit) {
            let line = match measure(&runner, plan, peer, qos) {
                Ok(line) => line,
                Err(fault) => {
                    faults += u32::from(peer.is_ours());
                    format!("failed: {}", one_line(&fault))
                }
            };
            crate::say(&format!("qos {qos} {:10} {line}", peer.name()));
            table.push(format!("  {:10} {line}", peer.name()));
        }
    }
    crate::say(&table.join("\n"));
    ensure!(faults == 0, "Althing did not stand it");
    Ok(())
}

fn measure(runner: &Runner<'_>, plan: &Plan, peer: Peer, qos: u8) -> Result<String> {
    let folder = runner.folder()?;
    let broker = runner.start(peer, false, folder.path())?;
    let done = besiege(runner, plan, (peer, qos), &broker);
    done.inspect_err(|_| broker.tell_last_words())
}

fn besiege(
    runner: &Runner<'_>,
    plan: &Plan,
    (peer, qos): (Peer, u8),
    broker: &Running,
) -> Result<String> {
    let flags = [
        "--publishers=10".to_owned(),
        "--window=1000".to_owned(),
        format!("--subscribers={}", plan.good),
        format!("--rate={}", plan.rate),
        format!("--payload-bytes={}", plan.payload_bytes),
        format!("--qos={qos}"),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut flow = Flow::start(runner, broker, &flags)?;
    flow.watch(1.0)?;
    let base = memory_of(broker.pid())?;
    let (mut phases, mut filling) = (Phases::default(), Phases::default());
    let (mut peak, mut still) = (0, 0);
    for _round in 0..plan.rounds {
        let before = flow.watch(plan.seconds)?;
        phases.before.push(before);
        filling.before.push(before);
        let mut stalled = stall(runner, plan, &broker.address().to_string(), qos)?;
        let report: HoldReport = stalled.next()?;
        ensure!(report.open > 0, "none of those who stall was welcomed");
        filling.during.push(flow.watch(plan.fill_seconds)?);
        phases.during.push(flow.watch(plan.seconds)?);
        peak = peak.max(memory_of(broker.pid())?);
        still = stalled.ask::<HoldReport>()?.open;
        drop(stalled);
        pause(LEAVE);
    }
    let lost = flow.finish()?;
    let bound = base + plan.bound_bytes;
    let (words, filling) = (phases.describe(qos > 0), filling.describe(qos > 0));
    let memory = format!("{} MB, at most {} MB", peak >> 20, bound >> 20);
    let line = format!(
        "{words}; {still} still connected; {memory}; lost {lost}\n             while buffers fill: {filling}"
    );
    // At QoS 0, a broker may drop what a subscriber is too slow for.
    let broken = qos > 0 && lost > 0;
    if broken || peer.is_ours() && peak > bound {
        bail!("{line}");
    }
    Ok(line)
}

fn stall(
    runner: &Runner<'_>,
    plan: &Plan,
    address: &str,
    qos: u8,
) -> Result<super::generator::Asked> {
    let (count, qos) = (plan.stalled.to_string(), qos.to_string());
    let flags = ["hold", "--manner=stalled", "--filter=bench/0/#", "--address", address];
    let more = ["--connections", &count, "--qos", &qos];
    runner.generator.start(plan.field.load_core, NICE, &[&flags[..], &more[..]].concat())
}
