//! More connections than a broker has files for, thousands of them from strangers who never finish
//! their CONNECT, beside a pair that was there before.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use bench::{HoldReport, memory_of};
use clap::Args;

use super::generator::Asked;
use super::peers::Running;
use super::runner::Runner;
use super::siege::{Flow, NICE, Phases};
use super::{Field, Peer, one_line};
use crate::clock::{Stopwatch, pause};

#[derive(Clone, Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub field: Field,
    /// Each has a quiet phase and a flood.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// Of a quiet phase.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Of a flood, from the first stranger on.
    #[arg(long, default_value_t = 25.0)]
    pub flood_seconds: f64,
    /// Honest ones that connect and stay.
    #[arg(long, default_value_t = 19_000)]
    pub connections: u32,
    /// Half of them send nothing, half a byte every three seconds. Whoever is closed comes again.
    #[arg(long, default_value_t = 5_000)]
    pub strangers: u32,
    /// Messages a second of the pair.
    #[arg(long, default_value_t = 1_000)]
    pub rate: u32,
    /// The most memory for each connection and stranger, checked at Althing.
    #[arg(long, default_value_t = 16 << 10)]
    pub bound_bytes_each: u64,
}

/// When the flood is over, a broker has room again by then.
const RECOVERY: &str = "15";

/// # Errors
/// When a broker cannot be had, or Althing lost a message, kept too much or refused service after
/// the flood.
pub(super) fn run(plan: &Plan) -> Result<()> {
    let runner = Runner::new(&plan.field)?;
    let (mut table, mut faults) = (Vec::new(), 0);
    for peer in plan.field.peers.iter().copied().filter(|peer| *peer != Peer::Limit) {
        let line = match measure(&runner, plan, peer) {
            Ok(line) => line,
            Err(fault) => {
                faults += u32::from(peer.is_ours());
                format!("failed: {}", one_line(&fault))
            }
        };
        table.push(format!("  {:10} {line}", peer.name()));
    }
    crate::say(&format!("\n{} honest and {} strangers", plan.connections, plan.strangers));
    crate::say(&table.join("\n"));
    ensure!(faults == 0, "Althing did not stand it");
    Ok(())
}

fn measure(runner: &Runner<'_>, plan: &Plan, peer: Peer) -> Result<String> {
    let folder = runner.folder()?;
    let broker = runner.start(peer, false, folder.path())?;
    let done = besiege(runner, plan, peer, &broker);
    done.inspect_err(|_| broker.tell_last_words())
}

fn besiege(runner: &Runner<'_>, plan: &Plan, peer: Peer, broker: &Running) -> Result<String> {
    let address = broker.address().to_string();
    let rate = format!("--rate={}", plan.rate);
    let pair = ["--publishers=1", "--subscribers=1", "--qos=1", "--window=1000", &rate];
    let mut flow = Flow::start(runner, broker, &pair)?;
    flow.watch(1.0)?;
    let base = memory_of(broker.pid())?;
    let (mut phases, mut peak) = (Phases::default(), 0);
    for round in 0..plan.rounds {
        phases.before.push(flow.watch(plan.seconds)?);
        flow.begin()?;
        let mut flood = Flood::begin(runner, plan, &address)?;
        let told = flood.wait(plan)?;
        phases.during.push(flow.end()?);
        peak = peak.max(memory_of(broker.pid())?);
        let within = newcomer(runner, plan, &address, "3")?;
        drop(flood);
        let after = newcomer(runner, plan, &address, RECOVERY)?;
        let within = if within { "in" } else { "not in" };
        crate::say(&format!("{} {round} {told}; a newcomer is {within}", peer.name()));
        ensure!(after, "after the flood, a newcomer is not welcomed within {RECOVERY} s");
    }
    let lost = flow.finish()?;
    let bound = base + u64::from(plan.connections + plan.strangers) * plan.bound_bytes_each;
    let memory = format!("{} MB, at most {} MB", peak >> 20, bound >> 20);
    let line = format!("{}; {memory}; lost {lost}", phases.describe(true));
    if lost > 0 || peer.is_ours() && peak > bound {
        bail!("{line}");
    }
    Ok(line)
}

struct Flood {
    honest: Vec<Asked>,
    strangers: Vec<Asked>,
    since: Stopwatch,
}

impl Flood {
    fn begin(runner: &Runner<'_>, plan: &Plan, address: &str) -> Result<Self> {
        let since = Stopwatch::start();
        let half = |count: u32| [count / 2, count - count / 2];
        let start = |count: u32, first: u32, flags: &[&str]| {
            let (count, first) = (count.to_string(), first.to_string());
            let line = ["hold", "--address", address, "--connections", &count, "--first", &first];
            let line = [&line[..], &["--patience-seconds=2", "--when-asked"], flags].concat();
            runner.generator.start(plan.field.load_core, NICE, &line)
        };
        let mut strangers = Vec::new();
        for (count, manner) in half(plan.strangers).into_iter().zip(["silent", "drip"]) {
            strangers.push(start(count, 0, &["--manner", manner, "--again"])?);
        }
        let mut honest = Vec::new();
        for (count, first) in half(plan.connections).into_iter().zip([0, plan.connections]) {
            honest.push(start(count, first, &["--per-second=1000"])?);
        }
        Ok(Self { honest, strangers, since })
    }

    /// Until its time is over. Tells what became of it.
    fn wait(&mut self, plan: &Plan) -> Result<String> {
        let span = Duration::try_from_secs_f64(plan.flood_seconds)?;
        pause(span.saturating_sub(self.since.elapsed()));
        let (honest, strangers) = (count(&mut self.honest)?, count(&mut self.strangers)?);
        Ok(format!(
            "honest: {} open, {} waiting, {} closed; strangers: {} open, {} waiting",
            honest.open, honest.waiting, honest.closed, strangers.open, strangers.waiting
        ))
    }
}

/// All together, as it is now.
fn count(generators: &mut [Asked]) -> Result<HoldReport> {
    let mut sum = HoldReport::default();
    for generator in generators {
        let report: HoldReport = generator.ask()?;
        sum.open += report.open;
        sum.waiting += report.waiting;
        sum.closed += report.closed;
    }
    Ok(sum)
}

/// Whether one more client is welcomed within some seconds.
fn newcomer(runner: &Runner<'_>, plan: &Plan, address: &str, seconds: &str) -> Result<bool> {
    let flags = ["hold", "--address", address, "--connections=1", "--first=100000000"];
    let flags = [&flags[..], &["--patience-seconds", seconds]].concat();
    let mut one = runner.generator.start(plan.field.load_core, 0, &flags)?;
    Ok(one.next::<HoldReport>()?.open == 1)
}
