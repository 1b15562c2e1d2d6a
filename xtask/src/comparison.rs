//! Other brokers and stores beside Althing: the same work, the same machine, the same minutes. The broker has
//! one core and the load another; brokers take turns within each round, so that a slow minute of
//! the machine hits all of them.

mod certificates;
mod figures;
mod flood;
mod generator;
mod history;
mod memory;
mod peers;
mod profile;
mod rows;
mod runner;
mod siege;
mod size;
mod stalled;
mod stores;
mod table;
mod tsbs;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use clap::{Args, Subcommand};
use tempfile::TempDir;

use crate::torture::Which;
pub use flood::Plan as FloodPlan;
pub use history::Plan as HistoryPlan;
pub use memory::Plan as MemoryPlan;
pub use peers::{Peer, Sources};
pub(crate) use peers::{Programs, Purpose, Running, start_other};
pub use profile::Plan as ProfilePlan;
use rows::Row;
use runner::Runner;
pub use size::Plan as SizePlan;
pub use stalled::Plan as StalledPlan;
pub use stores::Store;
use table::{Cell, Table};
pub use tsbs::Plan as TsbsPlan;

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Messages without readings: fan-in, fan-out, ingest, connects, latencies, many topics.
    Mqtt(Plan),
    /// JSON readings: durable and in SQL here, merely acknowledged elsewhere.
    Ingest(Plan),
    /// Bytes for each idle connection, and for what is kept without one; time to start with it.
    Memory(MemoryPlan),
    /// A thousand subscribers that stop reading, and what the others notice of them.
    Stalled(StalledPlan),
    /// More connections than there is room for, and what those who are in notice of them.
    Flood(FloodPlan),
    /// Trucks of the Time Series Benchmark Suite: loading and its 13 queries, beside other stores.
    Tsbs(TsbsPlan),
    /// Bytes of a reading on disk, flushed and when its day is closed, beside other stores.
    Size(SizePlan),
    /// A year of ten thousand devices in one site: loading, disk, memory, starts and three questions.
    History(HistoryPlan),
    /// Where a broker spends its time in one row, with `perf`.
    Profile(ProfilePlan),
}

/// Who takes part, and where.
#[derive(Clone, Debug, Args)]
pub struct Field {
    #[arg(long, value_enum, value_delimiter = ',', default_value = "althing,mosquitto,nats,limit")]
    pub peers: Vec<Peer>,
    #[arg(long, default_value_t = 0)]
    pub broker_core: u32,
    #[arg(long, default_value_t = 1)]
    pub load_core: u32,
    /// Brokers keep their files here; by default in the system's folder for such things.
    #[arg(long)]
    pub work: Option<PathBuf>,
    #[command(flatten)]
    pub sources: Sources,
    #[command(flatten)]
    pub which: Which,
}

#[derive(Clone, Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub field: Field,
    /// Only rows whose short name is one of these, or whose name contains one.
    #[arg(long, value_delimiter = ',')]
    pub rows: Vec<String>,
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    #[arg(long, default_value_t = 1.0)]
    pub warm_up_seconds: f64,
}

/// A broker that failed so often in a row of the table fails there for good.
const FAILURES_MAX: usize = 2;

/// # Errors
/// When a broker cannot be had, Althing fails in a row, or the site lost a reading.
pub fn run(bench: &Bench) -> Result<()> {
    match bench {
        Bench::Mqtt(plan) => compare(plan, rows::MQTT),
        Bench::Ingest(plan) => compare(plan, rows::INGEST),
        Bench::Memory(plan) => memory::run(plan),
        Bench::Stalled(plan) => stalled::run(plan),
        Bench::Flood(plan) => flood::run(plan),
        Bench::Profile(plan) => profile::run(plan),
        Bench::Tsbs(plan) => tsbs::run(plan),
        Bench::History(plan) => history::run(plan),
        Bench::Size(plan) => size::run(plan),
    }
}

fn compare(plan: &Plan, rows: &[Row]) -> Result<()> {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.is_meant(&plan.rows)).collect();
    ensure!(!rows.is_empty(), "no row has such a name");
    let runner = Runner::new(&plan.field)?;
    let mut table = Table::new(&plan.field.peers);
    for row in rows {
        for round in 0..plan.rounds {
            for peer in plan.field.peers.iter().copied() {
                let cell = table.cell(row, peer);
                if row.excuse(peer).is_none() && cell.failures.len() < FAILURES_MAX {
                    measure(&runner, plan, (peer, row, round), cell);
                }
            }
        }
        crate::say(&table.last_row());
    }
    crate::say(&table.to_string());
    if table.readings_missing() > 0 {
        bail!("SQL has fewer readings than were acknowledged");
    }
    let failed = plan.field.peers.iter().any(|peer| peer.is_ours() && table.failed(*peer));
    ensure!(!failed, "Althing failed in a row");
    Ok(())
}

/// What goes wrong with one broker is told, and the others go on.
fn measure(
    runner: &Runner<'_>,
    plan: &Plan,
    (peer, row, round): (Peer, &Row, u32),
    cell: &mut Cell,
) {
    let line = match runner.measure(peer, row, plan) {
        Ok(outcome) => {
            let line = outcome.line(peer);
            cell.outcomes.push(outcome);
            line
        }
        Err(fault) => {
            let why = one_line(&fault);
            let line = format!("{:10} failed: {why}", peer.name());
            cell.failures.push(why);
            line
        }
    };
    crate::say(&format!("{} {round} {line}", row.id));
}

/// A folder that stays, or one that goes with its second part.
fn folder(kept: Option<&Path>, work: Option<&Path>) -> Result<(PathBuf, Option<TempDir>)> {
    if let Some(folder) = kept {
        std::fs::create_dir_all(folder)?;
        return Ok((std::path::absolute(folder)?, None));
    }
    let mut builder = tempfile::Builder::new();
    // PostgreSQL's user must be able to pass.
    let builder = builder.prefix("althing-bench-").permissions(Permissions::from_mode(0o755));
    let temporary = match work {
        Some(work) => builder.tempdir_in(work)?,
        None => builder.tempdir()?,
    };
    Ok((temporary.path().to_owned(), Some(temporary)))
}

/// What is measured and what puts load on it.
#[derive(Clone, Debug, Args)]
pub struct Builds {
    /// The load generator; without it, it is built.
    #[arg(long)]
    pub generator: Option<PathBuf>,
    /// Althing; without it, it is built.
    #[arg(long)]
    pub althing: Option<PathBuf>,
}

impl Builds {
    fn althing(&self) -> Result<Which> {
        let binary = match &self.althing {
            Some(path) => path.clone(),
            None => runner::build("althing", &[])?,
        };
        Ok(Which { binary: Some(binary), ..Which::default() })
    }

    fn generator(&self) -> Result<PathBuf> {
        match &self.generator {
            Some(path) => Ok(path.clone()),
            None => runner::build("bench", runner::GENERATOR_FLAGS),
        }
    }
}

const REASON_CHARS_MAX: usize = 160;

fn one_line(fault: &anyhow::Error) -> String {
    let text = format!("{fault:#}");
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(REASON_CHARS_MAX).collect()
}
