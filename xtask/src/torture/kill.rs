//! kill -9, again and again, on one data directory: under load, and while it recovers from the
//! last kill.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::device::{Device, Habits, Script};
use super::judge::{Scope, judge};
use super::ledger::Ledger;
use super::site::{Program, Site};
use super::{Verdict, Which, sql};
use crate::clock;
use crate::dice::Dice;

/// A site that opens slower than this is stuck. What it should take is measured elsewhere.
const READY_WAIT: Duration = Duration::from_secs(60);

/// A site under load that acknowledges nothing for so long is stuck.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Two days back: in the past for as long as a run lasts, and never far from the present.
const EPOCH_AGE_MS: i64 = 2 * 24 * 3600 * 1000;

/// Sequences in one question of the last check.
const QUESTION: u64 = 20_000;

#[derive(Clone, Debug, Args)]
pub struct Plan {
    #[arg(long, default_value_t = 20)]
    pub cycles: u64,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[arg(long, default_value_t = 8)]
    pub devices: u32,
    /// Messages acknowledged before a kill, at most.
    #[arg(long, default_value_t = 4000)]
    pub load: u64,
    #[command(flatten)]
    pub which: Which,
}

/// # Errors
/// When the site does not start, gets stuck or ends by itself: no verdict is possible then.
pub fn run(plan: &Plan) -> Result<Verdict> {
    let program = Program::find_to_torture(&plan.which)?;
    let scratch = tempfile::Builder::new().prefix("althing-torture-").tempdir()?;
    let mut run = Run::new(plan, &program, scratch.path());
    let outcome = run.cycles();
    let verdict = run.verdict;
    if outcome.is_err() || !verdict.is_clean() {
        let kept = scratch.keep();
        crate::say(&format!("the data and the log are kept in {}", kept.display()));
    }
    outcome.map(|()| verdict)
}

struct Run<'a> {
    plan: &'a Plan,
    program: &'a Program,
    scratch: &'a Path,
    ledger: Ledger,
    epoch_ms: i64,
    dice: Dice,
    verdict: Verdict,
    /// From this sequence on, SQL has not been asked since the last load.
    unjudged: u64,
    early_kills: u64,
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, program: &'a Program, scratch: &'a Path) -> Self {
        Self {
            plan,
            program,
            scratch,
            ledger: Ledger::new(plan.devices),
            epoch_ms: clock::unix_millis() - EPOCH_AGE_MS,
            dice: Dice::new(plan.seed),
            verdict: Verdict::default(),
            unjudged: 0,
            early_kills: 0,
        }
    }

    fn cycles(&mut self) -> Result<()> {
        for cycle in 0..self.plan.cycles {
            self.cycle().with_context(|| format!("in cycle {cycle}"))?;
            if cycle % 10 == 9 {
                let count = self.ledger.acknowledged_count();
                crate::say(&format!("{} cycles, {count} acknowledged", cycle + 1));
            }
        }
        let site = self.start()?;
        let end = self.ledger.end();
        let mut first = 0;
        while first < end {
            self.judge(&site, first, end.min(first + QUESTION))?;
            first += QUESTION;
        }
        site.kill()?;
        self.verdict.acknowledged = self.ledger.acknowledged_count();
        self.verdict.deed = format!(
            "{} kills under load and {} while starting, seed {}",
            self.plan.cycles, self.early_kills, self.plan.seed
        );
        Ok(())
    }

    fn cycle(&mut self) -> Result<()> {
        let site = self.start()?;
        let end = self.ledger.end();
        if self.unjudged < end {
            self.judge(&site, self.unjudged, end)?;
        }
        self.load_and_kill(site, end)
    }

    /// Starts the site, and every third time kills it up to three times before it is open.
    fn start(&mut self) -> Result<Site> {
        let (data, log) = (self.scratch.join("data"), self.scratch.join("log"));
        if self.dice.one_in(3) {
            let usual = self.verdict.opened_max.max(Duration::from_millis(100));
            for _ in 0..=self.dice.below(3) {
                let starting = self.program.start(&data, &log)?;
                clock::pause(self.dice.up_to(usual));
                starting.kill()?;
                self.early_kills += 1;
            }
        }
        let site = self.program.start(&data, &log)?.ready(READY_WAIT)?;
        self.verdict.opened(site.opened(), READY_WAIT);
        Ok(site)
    }

    fn judge(&mut self, site: &Site, first: u64, end: u64) -> Result<()> {
        let rows =
            sql::rows(site.http(), self.epoch_ms, first, end).with_context(|| site.last_words())?;
        let scope = Scope { devices: self.plan.devices, first, end, writes: 0 };
        judge(&self.ledger, scope, &rows, &mut self.verdict);
        Ok(())
    }

    /// All devices publish from `first` on; some send again what the last kill left open.
    fn load_and_kill(&mut self, site: Site, first: u64) -> Result<()> {
        let scripts = self.scripts(first);
        let again = scripts.iter().filter_map(|script| script.again.front().copied()).min();
        self.unjudged = again.unwrap_or(first);
        let goal = self.ledger.acknowledged_count() + 1 + self.dice.below(self.plan.load);
        let killed = AtomicBool::new(false);
        let (ledger, epoch_ms, addresses) =
            (&self.ledger, self.epoch_ms, (site.mqtt(), site.http()));
        // SQL takes longer than a short load: every other time the kill waits for an answer of it.
        let patient = self.dice.one_in(2);
        let jitter = self.dice.up_to(Duration::from_millis(3));
        let (reached, samples) = std::thread::scope(|scope| {
            for script in scripts {
                let device = Device::new(Habits::of(script.device), script, ledger, None);
                scope.spawn(move || {
                    let end = device.run(addresses.0);
                    ledger.connection_ended();
                    end
                });
            }
            let sampler = scope.spawn(|| sample(ledger, addresses.1, epoch_ms, &killed));
            let reached = ledger.wait_for(goal, SILENCE_MAX);
            if reached && patient {
                ledger.wait_for_sample(SILENCE_MAX);
            }
            clock::pause(jitter);
            killed.store(true, Ordering::SeqCst);
            let ended = site.kill();
            let samples = sampler.join();
            ended.map(|()| (reached, samples))
        })?;
        let mut samples = samples.map_err(|_panic| anyhow::anyhow!("the sampler panicked"))??;
        self.verdict.sampled += samples.sampled;
        self.verdict.late += samples.late;
        self.verdict.examples.append(&mut samples.examples);
        if !reached {
            bail!("a connection ended by itself, or nothing was acknowledged for {SILENCE_MAX:?}");
        }
        Ok(())
    }

    fn scripts(&self, next: u64) -> Vec<Script> {
        let devices = 0..self.plan.devices;
        devices
            .map(|device| {
                let again = match Habits::of(device).resends {
                    true => self.ledger.open(device, self.unjudged).into(),
                    false => VecDeque::new(),
                };
                Script { device, epoch_ms: self.epoch_ms, again, next }
            })
            .collect()
    }
}

/// Asks for the reading acknowledged last, again and again: SQL has to have it at once.
fn sample(
    ledger: &Ledger,
    http: std::net::SocketAddr,
    epoch_ms: i64,
    killed: &AtomicBool,
) -> Result<Verdict> {
    let mut samples = Verdict::default();
    let mut last = ledger.latest();
    while !killed.load(Ordering::SeqCst) {
        let latest = ledger.latest();
        let Some(reading) = latest.filter(|_| latest != last) else {
            std::thread::yield_now();
            continue;
        };
        last = latest;
        match sql::rows_of(http, epoch_ms, reading) {
            Ok(rows) => {
                samples.sampled += 1;
                ledger.sampled();
                if rows.len() != super::readings::SIGNALS.len() {
                    samples.late(&format!("{reading:?}: {} rows at once", rows.len()));
                }
            }
            Err(_) if killed.load(Ordering::SeqCst) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(samples)
}
