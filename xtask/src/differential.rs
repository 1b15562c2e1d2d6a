//! `cargo xtask differential`: the same random packets to mosquitto and to althing, and what each
//! connection hears. docs/differential.md says what this proves.

mod damage;
mod heard;
mod line;
mod play;
mod script;
mod shrink;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use clap::Args;

use crate::clock::Stopwatch;
use crate::comparison::{Peer, Programs, Purpose, start_other};
use crate::setup;
use crate::torture::{Program, Which};
use heard::{ALLOWED, Verdict};
use play::Broker;
use script::Script;

/// A site without a past is open sooner.
const READY_WAIT: Duration = Duration::from_secs(60);

/// An answer takes some milliseconds, with a slow disk some hundred; on a busy machine a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Differences that are shrunk and printed; more of them say nothing new.
const SHOWN_MAX: usize = 8;

#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// To each of the two brokers, answers and pings not counted.
    #[arg(long, default_value_t = 100_000)]
    pub packets: u64,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Scripts under way at once, each with connections and topics of its own.
    #[arg(long, default_value_t = 16)]
    pub lanes: u64,
    /// Only the script with this number, and all that was heard.
    #[arg(long)]
    pub script: Option<u64>,
    #[command(flatten)]
    pub which: Which,
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    mosquitto: Broker,
    althing: Broker,
}

/// # Errors
/// When a broker cannot be had, or there is a difference that no clause allows.
pub fn run(plan: &Plan) -> Result<()> {
    setup::install(setup::MOSQUITTO)?;
    let folder = tempfile::tempdir()?;
    let (theirs, ours) = (folder.path().join("mosquitto"), folder.path().join("althing"));
    std::fs::create_dir_all(&theirs)?;
    std::fs::create_dir_all(&ours)?;
    let mosquitto =
        start_other(Peer::Mosquitto, &Programs::in_path(), Purpose::default(), &theirs)?;
    let mut which = plan.which.clone();
    // One event loop: what is behind a ping on one connection has reached every other.
    which.serve_args.extend(["--shards".to_owned(), "1".to_owned()]);
    let site = Program::find(&which)?.start(&ours.join("data"), &ours.join("log"))?;
    let site = site.ready(READY_WAIT)?;
    let broker = |address| Broker { address, patience: PATIENCE };
    let pair = Pair { mosquitto: broker(mosquitto.address()), althing: broker(site.mqtt()) };
    match plan.script {
        Some(number) => show(pair, &Script::generate(plan.seed, number)),
        None => fuzz(plan, pair),
    }
}

/// One script, and what both brokers said.
fn show(pair: Pair, script: &Script) -> Result<()> {
    crate::say(&script.to_string());
    let outcome = compare(pair, script)?;
    crate::say(&outcome.to_string());
    if outcome.difference.is_some() {
        bail!("the brokers differ");
    }
    Ok(())
}

/// Names on the brokers that no other run of a script has.
static RUNS: AtomicU64 = AtomicU64::new(0);

fn compare(pair: Pair, script: &Script) -> Result<Verdict> {
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let theirs = play::play(pair.mosquitto, script, run, &[])?;
    let ours = play::play(pair.althing, script, run, &theirs.marks)?;
    Ok(Verdict::of(theirs.heard, ours.heard))
}

#[derive(Debug, Default)]
struct Tally {
    packets: u64,
    scripts: u64,
    allowed: BTreeMap<&'static str, u64>,
    /// By what differs: how often, and the script it was seen in first.
    differences: BTreeMap<String, (u64, u64)>,
}

fn fuzz(plan: &Plan, pair: Pair) -> Result<()> {
    let since = Stopwatch::start();
    let tally = Mutex::new(Tally::default());
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..plan.lanes.max(1))
            .map(|_| scope.spawn(|| lane(plan, pair, &next, &tally)))
            .collect();
        let mut joined = lanes.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.try_for_each(|lane| lane.map_err(|_panic| anyhow!("a lane panicked"))?)
    })?;
    let tally = tally.into_inner()?;
    report(plan, pair, &tally, since.elapsed())
}

fn lane(plan: &Plan, pair: Pair, next: &AtomicU64, tally: &Mutex<Tally>) -> Result<()> {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let script = Script::generate(plan.seed, number);
        let verdict = compare(pair, &script)?;
        let mut tally = tally.lock().map_err(|_poisoned| anyhow!("a lane panicked"))?;
        tally.scripts += 1;
        tally.packets += script.packets();
        for name in verdict.allowed {
            *tally.allowed.entry(name).or_default() += 1;
        }
        if let Some(difference) = verdict.difference {
            tally.differences.entry(difference).or_insert((0, number)).0 += 1;
        }
        if tally.packets >= plan.packets {
            return Ok(());
        }
    }
}

fn report(plan: &Plan, pair: Pair, tally: &Tally, took: Duration) -> Result<()> {
    let seconds = took.as_secs_f64();
    crate::say(&format!(
        "{} packets in {} scripts to each broker in {seconds:.1} s, seed {}",
        tally.packets, tally.scripts, plan.seed
    ));
    for allowance in ALLOWED {
        let count = tally.allowed.get(allowance.name).copied().unwrap_or_default();
        crate::say(&format!("{count:>9}  allowed: {} ({})", allowance.name, allowance.clause));
    }
    for (difference, (count, number)) in &tally.differences {
        crate::say(&format!("{count:>9}  NOT EXPLAINED: {difference}, script {number}"));
    }
    for (difference, (_, number)) in tally.differences.iter().take(SHOWN_MAX) {
        let script = Script::generate(plan.seed, *number);
        let script = shrink::shrink(script, |script| {
            let verdict = compare(pair, script);
            verdict.is_ok_and(|verdict| verdict.difference.as_ref() == Some(difference))
        });
        let flags = format!("--seed {} --script {number}", plan.seed);
        crate::say(&format!("\n{difference}: cargo xtask differential {flags}\n{script}"));
        crate::say(&compare(pair, &script)?.to_string());
    }
    if !tally.differences.is_empty() {
        bail!("{} kinds of differences are not explained", tally.differences.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
