//! kill -9, again and again, on one data directory: under load, and while it recovers from the
//! last kill.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;

use super::copies::{Copies, Copying};
use super::device::{Habits, Memory, Script};
use super::judge::{Scope, judge};
use super::ledger::Ledger;
use super::listener::Listener;
use super::load::{Crew, Load, Moment};
use super::passing::Passing;
use super::readings::{Reading, Standing};
use super::site::{Program, Site};
use super::{Verdict, Which, sql, standing};
use crate::clock;
use crate::dice::Dice;

/// A site that opens slower than this is stuck. What it should take is measured elsewhere.
const READY_WAIT: Duration = Duration::from_secs(60);

/// Two days back: in the past for as long as a run lasts, and never far from the present.
const EPOCH_AGE_MS: i64 = 2 * 24 * 3600 * 1000;

/// What the site may owe the listener when a cycle begins. It keeps 100,000 messages for a client
/// and no more; a cycle adds some thousands.
const BACKLOG_MAX: u64 = 40_000;

/// A device is erased within so long after the begin of a load, if the site lives then.
const ERASE_AFTER_MAX: Duration = Duration::from_millis(600);

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
    /// Seconds without any message after which a subscriber waits no longer for what it is owed.
    #[arg(long, default_value_t = 30)]
    pub patience: u64,
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
    /// Of each device.
    memories: Vec<Memory>,
    listener: Listener,
    passing: Passing,
    copies: Copies,
}

/// There is no disk that counts.
fn no_entries() -> Result<u64> {
    Ok(0)
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, program: &'a Program, scratch: &'a Path) -> Self {
        let epoch_ms = clock::unix_millis() - EPOCH_AGE_MS;
        Self {
            plan,
            program,
            scratch,
            ledger: Ledger::new(plan.devices),
            memories: (0..plan.devices).map(|_| Memory::default()).collect(),
            listener: Listener::new(epoch_ms, Dice::new(!plan.seed)),
            epoch_ms,
            dice: Dice::new(plan.seed),
            verdict: Verdict::default(),
            unjudged: 0,
            early_kills: 0,
            passing: Passing::default(),
            copies: Copies::new(program, &scratch.join("data"), scratch.join("backup")),
        }
    }

    fn cycles(&mut self) -> Result<()> {
        self.subscribe_and_kill()?;
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
        self.judge_retained(&site)?;
        self.judge_delivered(&site)?;
        self.judge_passing(&site)?;
        site.kill()?;
        self.judge_restored()?;
        self.verdict.acknowledged = self.ledger.acknowledged_count();
        self.verdict.deed = format!(
            "{} kills under load and {} while starting, seed {}; {}; {} devices erased, {} left by age; \
             {} backups ended, {} were killed or failed",
            self.plan.cycles,
            self.early_kills,
            self.plan.seed,
            self.listener.deed(),
            self.passing.erasures,
            self.passing.left,
            self.copies.whole,
            self.copies.broken
        );
        Ok(())
    }

    fn judge_passing(&mut self, site: &Site) -> Result<()> {
        if self.plan.which.plain {
            return Ok(());
        }
        self.passing.judge(site.http(), &mut self.verdict)?;
        self.copies.judge(&mut self.verdict)
    }

    /// One more backup of all that there is, while the site is down, becomes a site that has it.
    fn judge_restored(&mut self) -> Result<()> {
        if self.plan.which.plain {
            return Ok(());
        }
        let copying = self.copies.begin()?;
        self.copies.finish(copying)?;
        let (data, log) = (self.scratch.join("restored"), self.scratch.join("log-restored"));
        self.copies.restore(&data)?;
        let site = self.program.start(&data, &log)?.ready(READY_WAIT)?;
        let end = self.ledger.end();
        let mut first = 0;
        while first < end {
            self.judge(&site, first, end.min(first + QUESTION))?;
            first += QUESTION;
        }
        self.judge_passing(&site)?;
        site.kill()
    }

    /// The moment the listener is told that it is subscribed, it is so for good.
    fn subscribe_and_kill(&mut self) -> Result<()> {
        let site = self.start()?;
        self.listener.subscribe(site.mqtt()).context("of the listener")?;
        site.kill()
    }

    fn cycle(&mut self) -> Result<()> {
        let site = self.start()?;
        let end = self.ledger.end();
        if self.unjudged < end {
            self.judge(&site, self.unjudged, end)?;
        }
        self.judge_retained(&site)?;
        self.judge_passing(&site)?;
        if self.ledger.acknowledged_count() > self.listener.count() + BACKLOG_MAX {
            self.catch_up(&site)?;
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

    /// A fresh subscriber gets what is retained.
    fn judge_retained(&mut self, site: &Site) -> Result<()> {
        let due: Vec<Standing> = self.memories.iter().map(Memory::standing).collect();
        let patience = Duration::from_secs(self.plan.patience);
        let greeting = standing::greeting(site.mqtt(), &due, patience)?;
        standing::judge(&due, &greeting, &mut self.verdict);
        Ok(())
    }

    /// Devices are silent, so in the end the listener has everything that was acknowledged.
    fn judge_delivered(&mut self, site: &Site) -> Result<()> {
        for reading in self.catch_up(site)? {
            let fate = self.ledger.fate(reading);
            self.verdict.undelivered(&format!("{reading:?}, {fate:?}"));
        }
        self.verdict.owed = self.ledger.acknowledged_count();
        Ok(())
    }

    fn catch_up(&mut self, site: &Site) -> Result<Vec<Reading>> {
        let owed = self.ledger.acknowledged_by(0);
        let patience = Duration::from_secs(self.plan.patience);
        let left = self.listener.catch_up(site.mqtt(), owed, patience);
        self.verdict.absorb(self.listener.findings());
        left.context("of the listener")
    }

    /// All devices publish from `first` on; some send again what the last kill left open.
    fn load_and_kill(&mut self, site: Site, first: u64) -> Result<()> {
        let scripts = self.scripts(first);
        let again = scripts.iter().filter_map(|script| script.again.front().copied());
        let open = self.memories.iter().filter_map(|memory| memory.flights.oldest_open());
        self.unjudged = again.chain(open).min().unwrap_or(first);
        let moment = Moment {
            goal: self.ledger.acknowledged_count() + 1 + self.dice.below(self.plan.load),
            patient: self.dice.one_in(2),
            jitter: self.dice.up_to(Duration::from_millis(3)),
        };
        let copying = self.begin_aside(&site)?;
        let load = Load::new(&self.ledger, self.epoch_ms, &site);
        let (http, mut chance) = (site.http(), Dice::new(self.dice.next()));
        let (passing, plain) = (&mut self.passing, self.plan.which.plain);
        let listener = &mut self.listener;
        let crew = Crew { scripts, memories: &mut self.memories, listener };
        let samples = std::thread::scope(|scope| {
            let eraser = scope.spawn(move || {
                clock::pause(chance.up_to(ERASE_AFTER_MAX));
                if plain { Ok(()) } else { passing.erase_one(http, &mut chance, &no_entries) }
            });
            let samples = load.run(crew, moment, site);
            eraser.join().map_err(|_panic| anyhow::anyhow!("the eraser panicked"))??;
            anyhow::Ok(samples)
        })?;
        if let Some(copying) = copying {
            self.copies.end(copying, &mut self.dice)?;
        }
        self.verdict.absorb(self.listener.findings());
        for (device, memory) in self.memories.iter_mut().enumerate() {
            self.verdict.resumed += std::mem::take(&mut memory.resumed);
            for _ in 0..std::mem::take(&mut memory.sessions_lost) {
                self.verdict.session_lost(&format!("of device {device}"));
            }
        }
        self.verdict.absorb(samples?);
        Ok(())
    }

    /// What goes on beside the load: devices that are to be erased, and in every other cycle a backup.
    fn begin_aside(&mut self, site: &Site) -> Result<Option<Copying>> {
        if self.plan.which.plain {
            return Ok(None);
        }
        self.passing.write(site.http(), &no_entries)?;
        self.dice.one_in(2).then(|| self.copies.begin()).transpose()
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
