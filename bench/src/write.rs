//! Posts line protocol to a store, from a file or made on the way, in batches over some connections,
//! each with one batch under way: as Telegraf and the suite's own loaders do.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::cpu::seconds_of;
use crate::report::{Samples, seconds};
use crate::{Latency, Year};

#[derive(Clone, Debug, Args)]
pub struct WritePlan {
    /// Where a batch is posted to.
    #[arg(long)]
    pub url: String,
    /// Read from its beginning to its end. Without it, a year of devices is made.
    #[arg(long)]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub year: Year,
    /// Process whose CPU time is reported.
    #[arg(long)]
    pub server_pid: u32,
    #[arg(long, default_value_t = 5_000)]
    pub batch_lines: u64,
    #[arg(long, default_value_t = 4)]
    pub connections: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WriteReport {
    pub lines: u64,
    pub batches: u64,
    /// Times that the store was busy (503) and a batch was posted again.
    pub again: u64,
    /// From the first byte to the last answer.
    pub seconds: f64,
    pub server_cpu_seconds: f64,
    pub client_cpu_seconds: f64,
    /// Of a batch, from its first byte to its answer.
    pub batch: Latency,
}

/// A store that takes longer for one batch is not one to wait for.
const ANSWER_WAIT: Duration = Duration::from_secs(120);

/// Before a batch is posted again to a store that was busy, and how often that is done: two
/// minutes.
const BUSY_WAIT: Duration = Duration::from_millis(20);
const AGAIN_MAX: u64 = 6_000;

const BUSY: u16 = 503;

/// # Errors
/// When the file cannot be read, or the store does not take a batch.
pub fn write(plan: &WritePlan) -> Result<WriteReport> {
    let source = Source::open(plan)?;
    let cpu = || Ok::<_, anyhow::Error>((seconds_of(plan.server_pid)?, own_cpu()?));
    let (server, client) = cpu()?;
    let clock = Clock::start();
    let tallies = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..plan.connections.max(1))
            .map(|_| scope.spawn(|| Writer::new(plan, clock)?.run(&source)))
            .collect();
        let ended = writers.into_iter().map(|writer| match writer.join() {
            Ok(tally) => tally,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect::<Result<Vec<_>>>()
    })?;
    let seconds = seconds(clock.nanos());
    let (server_after, client_after) = cpu()?;
    let mut all = Tally::new()?;
    tallies.iter().for_each(|tally| all.add(tally));
    Ok(WriteReport {
        lines: all.lines,
        batches: all.batches,
        again: all.again,
        seconds,
        server_cpu_seconds: server_after - server,
        client_cpu_seconds: client_after - client,
        batch: all.samples.latency(),
    })
}

fn own_cpu() -> Result<f64> {
    seconds_of(std::process::id())
}

/// Where all writers take their next batch from.
enum Source {
    File(Mutex<BufReader<File>>),
    /// With the number of the next reading.
    Year(Year, AtomicU64),
}

impl Source {
    fn open(plan: &WritePlan) -> Result<Self> {
        let Some(path) = &plan.file else { return Ok(Self::Year(plan.year, AtomicU64::new(0))) };
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::File(Mutex::new(BufReader::with_capacity(1 << 20, file))))
    }

    /// The number of lines in the next batch, 0 at the end.
    fn fill(&self, batch: &mut Vec<u8>, lines: u64) -> Result<u64> {
        batch.clear();
        match self {
            Self::File(file) => read(file, batch, lines),
            Self::Year(year, next) => {
                let first = next.fetch_add(lines, Ordering::Relaxed).min(year.count());
                let end = (first + lines).min(year.count());
                (first..end).try_for_each(|number| year.write_line(number, batch))?;
                Ok(end - first)
            }
        }
    }
}

fn read(file: &Mutex<BufReader<File>>, batch: &mut Vec<u8>, lines: u64) -> Result<u64> {
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    for count in 0..lines {
        if file.read_until(b'\n', batch)? == 0 {
            return Ok(count);
        }
    }
    Ok(lines)
}

struct Tally {
    lines: u64,
    batches: u64,
    again: u64,
    samples: Samples,
}

impl Tally {
    fn new() -> Result<Self> {
        Ok(Self { lines: 0, batches: 0, again: 0, samples: Samples::new()? })
    }

    fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.batches += other.batches;
        self.again += other.again;
        self.samples.add(&other.samples);
    }
}

struct Writer<'a> {
    plan: &'a WritePlan,
    clock: Clock,
    agent: ureq::Agent,
    tally: Tally,
}

impl<'a> Writer<'a> {
    fn new(plan: &'a WritePlan, clock: Clock) -> Result<Self> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER_WAIT))
            .http_status_as_error(false);
        Ok(Self { plan, clock, agent: config.build().new_agent(), tally: Tally::new()? })
    }

    fn run(mut self, source: &Source) -> Result<Tally> {
        let mut batch = Vec::new();
        loop {
            let lines = source.fill(&mut batch, self.plan.batch_lines)?;
            if lines == 0 {
                return Ok(self.tally);
            }
            let begun_ns = self.clock.nanos();
            self.post(&batch)?;
            self.tally.samples.record(self.clock.nanos() - begun_ns);
            self.tally.lines += lines;
            self.tally.batches += 1;
        }
    }

    fn post(&mut self, batch: &[u8]) -> Result<()> {
        for _ in 0..AGAIN_MAX {
            let request = self.agent.post(&self.plan.url).header("content-type", "text/plain");
            let mut answer = request.send(batch).context("the store does not answer")?;
            let status = answer.status();
            // To its end, so that the connection can be used again.
            let words = answer.body_mut().read_to_string().unwrap_or_default();
            if status.is_success() {
                return Ok(());
            }
            ensure!(status.as_u16() == BUSY, "the store answered {status}: {words}");
            self.tally.again += 1;
            std::thread::park_timeout(BUSY_WAIT);
        }
        bail!("the store was busy {AGAIN_MAX} times")
    }
}

#[cfg(test)]
mod tests;
