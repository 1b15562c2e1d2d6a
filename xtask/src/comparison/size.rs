//! `cargo xtask bench size`: what a reading costs on disk, in Althing when it is flushed and when its day
//! is closed, and in other stores when they have settled.

mod measure;
mod real;
mod sets;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bench::tsbs::Scale;
use clap::Args;

use super::Builds;
use super::figures::per;
use super::one_line;
use super::stores::{Store, install};
use measure::Laboratory;
use sets::Set;

#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// Folder of real data sets, each in a folder of its name: `beijing-air`, `greenhouse`, `nab`,
    /// `ett`. Without it, only what is made here is stored.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Only sets whose name contains one of these.
    #[arg(long, value_delimiter = ',')]
    pub sets: Vec<String>,
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "althing,victoria,chdb,duckdb,influx,postgres"
    )]
    pub stores: Vec<Store>,
    /// Trucks of the set `tsbs`.
    #[command(flatten)]
    pub scale: Scale,
    /// Devices of the set `jittered`, which each send four values a minute for a day.
    #[arg(long, default_value_t = 1_000)]
    pub devices: u32,
    /// Where the data lie meanwhile.
    #[arg(long)]
    pub work: Option<PathBuf>,
    #[command(flatten)]
    pub builds: Builds,
}

/// Bytes of one set in one store, or why there are none. Althing has two of them.
#[derive(Debug)]
struct Cell {
    name: String,
    bytes: Result<u64>,
}

/// # Errors
/// When a set cannot be made, or Althing fails with one.
pub(super) fn run(plan: &Plan) -> Result<()> {
    let wanted = |name: &str| plan.sets.is_empty() || plan.sets.iter().any(|it| name.contains(it));
    let foreign = plan.stores.iter().find(|it| it.reads_our_files() || **it == Store::AlthingPg);
    ensure!(foreign.is_none(), "{:?} has no data of its own", foreign.map(|it| it.name()));
    let laboratory = Laboratory::new(plan, install(&plan.stores)?)?;
    let (mut lines, mut faults) = (Vec::new(), 0);
    for name in sets::names(plan).into_iter().filter(|name| wanted(name)) {
        let folder = laboratory.folder(&name)?;
        let set = sets::make(&name, plan, &laboratory.generator, folder.path());
        let set = set.with_context(|| format!("the set {name} cannot be made"))?;
        let mut cells = Vec::new();
        for store in plan.stores.iter().copied() {
            let measured = laboratory.measure(store, &set, folder.path());
            for cell in &measured {
                crate::say(&format!("{name}: {:16} {}", cell.name, words(cell, &set)));
                let failed = store.is_ours() && cell.bytes.is_err();
                faults += u32::from(failed);
            }
            cells.extend(measured);
        }
        lines.push(line(&set, &cells));
    }
    crate::say(&format!("\nBytes of a reading\n{}", lines.join("\n")));
    ensure!(faults == 0, "Althing failed with a set");
    Ok(())
}

fn words(cell: &Cell, set: &Set) -> String {
    match &cell.bytes {
        Ok(bytes) => format!("{:.2} bytes a reading", per(*bytes, set.values)),
        Err(fault) => format!("failed: {}", one_line(fault)),
    }
}

fn line(set: &Set, cells: &[Cell]) -> String {
    let each = cells.iter().map(|cell| match &cell.bytes {
        Ok(bytes) => format!("  {} {:.2}", cell.name, per(*bytes, set.values)),
        Err(_) => format!("  {} failed", cell.name),
    });
    format!("  {:12} {:>11} readings{}", set.name, set.values, each.collect::<String>())
}
