//! Posts a file of line protocol to a store, in batches over some connections, each with one batch
//! under way: as Telegraf and the suite's own loaders do.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::Latency;
use crate::clock::Clock;
use crate::cpu::seconds_of;
use crate::report::{Samples, seconds};

#[derive(Clone, Debug, Args)]
pub struct WritePlan {
    /// Where a batch is posted to.
    #[arg(long)]
    pub url: String,
    /// Read from its beginning to its end.
    #[arg(long)]
    pub file: PathBuf,
    /// Process whose CPU time is reported.
    #[arg(long)]
    pub server_pid: u32,
    #[arg(long, default_value_t = 5_000)]
    pub batch_lines: usize,
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
    let path = plan.file.display();
    let file = File::open(&plan.file).with_context(|| format!("cannot read {path}"))?;
    let source = Source(Mutex::new(BufReader::with_capacity(1 << 20, file)));
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

struct Source(Mutex<BufReader<File>>);

impl Source {
    /// The number of lines in the next batch, 0 at the end.
    fn fill(&self, batch: &mut Vec<u8>, lines: usize) -> Result<u64> {
        batch.clear();
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = 0;
        for _ in 0..lines {
            if file.read_until(b'\n', batch)? == 0 {
                break;
            }
            count += 1;
        }
        Ok(count)
    }
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
