//! `cargo xtask bench tsbs`: the use case "IoT" of the Time Series Benchmark Suite. Loads each store,
//! compares what they answer to its 13 queries, and only then takes their times.

mod draws;
mod load;
mod stage;
mod statements;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use bench::tsbs::Scale;
use clap::Args;

use super::Builds;
use super::stores::{Queries, Question, Questions, Store, install, play, table};
use crate::dice::Dice;
use draws::Draw;
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
    #[command(flatten)]
    pub builds: Builds,
}

/// # Errors
/// When a store cannot be had, two stores answer differently, or Althing fails.
pub(super) fn run(plan: &Plan) -> Result<()> {
    ensure!(plan.scale.trucks > 0 && plan.scale.hours > 0, "no trucks, no readings");
    let names: Vec<&str> = statements::NAMES
        .into_iter()
        .filter(|name| plan.queries.is_empty() || plan.queries.iter().any(|it| name.contains(it)))
        .collect();
    let python = install(&plan.stores)?;
    let stage = Stage::set(plan, python)?;
    let loads = load::all(plan, &stage)?;
    crate::say(&load::table(&loads));
    let mut cast = stage.cast(&plan.stores)?;
    let mut rows = Vec::new();
    for name in names {
        let questions = questions(plan, name)?;
        let row = play(name, plan.rounds, &mut cast.players, &questions);
        crate::say(&table::of_query(&row));
        rows.push(row);
    }
    crate::say(&table::of_all(&plan.stores, &rows));
    table::verdict(&rows)
}

/// What all stores are asked, with the same parameters.
fn questions(plan: &Plan, name: &str) -> Result<Questions> {
    let mut dice = Dice::new(plan.scale.seed ^ u64::from(plan.scale.trucks));
    let draws = if statements::is_drawn(name)? { plan.draws.max(1) } else { 1 };
    let draws: Vec<Draw> =
        (0..draws).map(|_| Draw::new(plan.scale, statements::window_s(name), &mut dice)).collect();
    let mut questions = Questions::new();
    for store in plan.stores.iter().copied() {
        let queries = Queries::read(statements::FOLDER, store)?;
        let asked: Option<Vec<Question>> =
            draws.iter().map(|draw| queries.question(name, |text| draw.fill(text))).collect();
        if let Some(asked) = asked {
            questions.insert(store, asked);
        }
    }
    Ok(questions)
}
