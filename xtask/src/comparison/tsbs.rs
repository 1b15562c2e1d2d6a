//! `cargo xtask bench tsbs`: the use case "IoT" of the Time Series Benchmark Suite. Loads each store,
//! compares what they answer to its 13 queries, and only then takes their times.

mod answers;
mod draws;
mod load;
mod queries;
mod rounds;
mod stage;
mod table;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use bench::tsbs::Scale;
use clap::Args;

use super::stores::{Store, install};
use crate::torture::Which;
use stage::Stage;

#[derive(Clone, Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub scale: Scale,
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "althing,duckdb-files,chdb-files,duckdb,chdb,postgres,influx,victoria"
    )]
    pub stores: Vec<Store>,
    /// Only queries whose name contains one of these.
    #[arg(long, value_delimiter = ',')]
    pub queries: Vec<String>,
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// Sets of parameters for each query that has any; each is asked for in every round.
    #[arg(long, default_value_t = 3)]
    pub draws: u32,
    /// Times that stores are loaded, in turn. The last load is the one that is asked.
    #[arg(long, default_value_t = 1)]
    pub load_rounds: u32,
    /// Of the client that loads.
    #[arg(long, default_value_t = 4)]
    pub connections: usize,
    /// What stores hold stays here, and is asked again by the next run with the same trucks. A
    /// store whose folder is removed is loaded again.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Where the data lie meanwhile, without `--data-dir`.
    #[arg(long)]
    pub work: Option<PathBuf>,
    /// The load generator; without it, it is built.
    #[arg(long)]
    pub generator: Option<PathBuf>,
    /// Althing; without it, it is built.
    #[arg(long)]
    pub althing: Option<PathBuf>,
}

/// # Errors
/// When a store cannot be had, two stores answer differently, or Althing fails.
pub(super) fn run(plan: &Plan) -> Result<()> {
    ensure!(plan.scale.trucks > 0 && plan.scale.hours > 0, "no trucks, no readings");
    let names: Vec<&str> = queries::NAMES
        .into_iter()
        .filter(|name| plan.queries.is_empty() || plan.queries.iter().any(|it| name.contains(it)))
        .collect();
    let python = install(&plan.stores)?;
    let stage = Stage::set(plan, python)?;
    let loads = load::all(plan, &stage)?;
    crate::say(&table::of_loads(&loads));
    let mut players = stage.players(&plan.stores)?;
    let mut rows = Vec::new();
    for name in names {
        let row = rounds::play(plan, name, &mut players)?;
        crate::say(&table::of_query(&row));
        rows.push(row);
    }
    crate::say(&table::of_all(&plan.stores, &rows));
    let differences = rows.iter().map(|row| row.differences.len()).sum::<usize>();
    if differences > 0 {
        bail!("{differences} answers differ, so their times mean nothing");
    }
    let failed = rows
        .iter()
        .flat_map(|row| &row.cells)
        .any(|(store, cell)| store.is_ours() && (cell.fault.is_some() || cell.seconds.is_empty()));
    ensure!(!failed, "Althing failed in a query");
    Ok(())
}

/// Althing, as it is given or built.
fn althing(plan: &Plan) -> Result<Which> {
    let binary = match &plan.althing {
        Some(path) => path.clone(),
        None => super::runner::build("althing", &[])?,
    };
    Ok(Which { binary: Some(binary), ..Which::default() })
}
