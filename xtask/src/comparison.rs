//! Other brokers beside Althing: the same work, the same machine, the same minutes. The broker has
//! one core and the load another; brokers take turns within each round, so that a slow minute of
//! the machine hits all of them.

mod peers;
mod rows;
mod runner;
mod table;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::{Args, Subcommand};

use crate::setup;
use crate::torture::Which;
pub use peers::Peer;
pub(crate) use peers::{Running, start_other};
use rows::Row;
use runner::Runner;
use table::Table;

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Messages without readings: fan-in, fan-out, ingest, connects, and one message in flight.
    Mqtt(Plan),
    /// JSON readings: durable and in SQL here, merely acknowledged elsewhere.
    Ingest(Plan),
}

#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// althing, mosquitto, nats, rumqttd, limit (a forwarder that decides nothing).
    #[arg(long, value_delimiter = ',', default_value = "althing,mosquitto,nats,limit")]
    pub peers: Vec<Peer>,
    /// Only rows whose name contains one of these.
    #[arg(long, value_delimiter = ',')]
    pub rows: Vec<String>,
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    #[arg(long, default_value_t = 1.0)]
    pub warm_up_seconds: f64,
    #[arg(long, default_value_t = 0)]
    pub broker_core: u32,
    #[arg(long, default_value_t = 1)]
    pub load_core: u32,
    /// Brokers keep their files here; by default in the system's folder for such things.
    #[arg(long)]
    pub work: Option<PathBuf>,
    #[command(flatten)]
    pub which: Which,
}

/// # Errors
/// When a broker cannot be had, breaks off, or the site lost a reading.
pub fn run(bench: &Bench) -> Result<()> {
    let (plan, rows) = match bench {
        Bench::Mqtt(plan) => (plan, rows::MQTT),
        Bench::Ingest(plan) => (plan, rows::INGEST),
    };
    let wanted = |row: &&Row| {
        plan.rows.is_empty() || plan.rows.iter().any(|part| row.name.contains(part.as_str()))
    };
    let rows: Vec<&Row> = rows.iter().filter(wanted).collect();
    ensure!(!rows.is_empty(), "no row has such a name");
    setup::install(setup::PEERS)?;
    let runner = Runner::new(plan)?;
    let mut table = Table::new(&plan.peers);
    for row in rows {
        for round in 0..plan.rounds {
            for peer in plan.peers.iter().filter(|peer| row.fits(**peer)) {
                let outcome = runner.measure(*peer, row)?;
                crate::say(&format!("{} {round} {}", row.name, outcome.line(*peer)));
                table.add(row, *peer, outcome);
            }
        }
    }
    crate::say(&table.to_string());
    if table.readings_missing() > 0 {
        bail!("SQL has fewer readings than were acknowledged");
    }
    Ok(())
}
