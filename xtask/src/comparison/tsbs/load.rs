//! Loading: as each store's own agents would, in batches that are answered when they are durable.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bench::WriteReport;
use serde::{Deserialize, Serialize};

use super::super::figures::median;
use super::super::stores::{Asker, Question, Server, Store, calm, post, server_config};
use super::Plan;
use super::stage::Stage;
use crate::torture::count_readings;

/// How one store was loaded, all rounds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Load {
    pub(super) store: String,
    pub(super) rows: u64,
    pub(super) values: u64,
    pub(super) seconds: Vec<f64>,
    /// Of the store.
    pub(super) cpu: Vec<f64>,
    /// Whether each batch was durable when it was answered.
    pub(super) durable: bool,
    pub(super) words: String,
}

/// One round.
struct Round {
    seconds: f64,
    cpu: f64,
    words: String,
}

/// A store that was loaded says so here.
const RECORD: &str = "loaded.json";

/// Loads what is not loaded yet, round by round.
pub(super) fn all(plan: &Plan, stage: &Stage) -> Result<Vec<Load>> {
    let mut stores: Vec<Store> = plan.stores.clone();
    if stores.iter().any(|store| store.reads_our_files() || store.is_ours()) {
        stores.retain(|store| !store.reads_our_files() && !store.is_ours());
        stores.insert(0, Store::Althing);
    }
    let missing: Vec<Store> =
        stores.iter().copied().filter(|it| !stage.of(*it).join(RECORD).exists()).collect();
    let mut rounds: Vec<Vec<Round>> = missing.iter().map(|_| Vec::new()).collect();
    for _ in 0..plan.load_rounds.max(1) {
        for (store, done) in missing.iter().zip(&mut rounds) {
            let folder = stage.of(*store);
            if folder.exists() {
                std::fs::remove_dir_all(&folder)?;
            }
            std::fs::create_dir_all(&folder)?;
            let round = load(*store, plan, stage);
            let round = round.with_context(|| format!("{} cannot be loaded", store.name()))?;
            crate::say(&format!("{:12} loaded in {:.1} s", store.name(), round.seconds));
            done.push(round);
        }
    }
    for (store, rounds) in missing.iter().zip(rounds) {
        settle(*store, stage).with_context(|| format!("{} does not settle", store.name()))?;
        let path = stage.of(*store).join(RECORD);
        std::fs::write(path, serde_json::to_string(&record(*store, stage, &rounds))?)?;
    }
    let read = |store: &Store| -> Result<Load> {
        Ok(serde_json::from_str(&std::fs::read_to_string(stage.of(*store).join(RECORD))?)?)
    };
    stores.iter().map(read).collect()
}

fn record(store: Store, stage: &Stage, rounds: &[Round]) -> Load {
    Load {
        store: store.name().to_owned(),
        rows: stage.generated.rows(),
        values: stage.generated.values,
        seconds: rounds.iter().map(|round| round.seconds).collect(),
        cpu: rounds.iter().map(|round| round.cpu).collect(),
        durable: matches!(store, Store::Althing | Store::Postgres | Store::Influx),
        words: rounds.last().map(|round| round.words.clone()).unwrap_or_default(),
    }
}

fn load(store: Store, plan: &Plan, stage: &Stage) -> Result<Round> {
    match store {
        Store::Althing => althing(plan, stage),
        Store::Postgres => postgres(plan, stage),
        Store::Influx => {
            let server = Server::start(store, &stage.of(store))?;
            let kind = "application/x-www-form-urlencoded";
            let url = format!("http://{}/query", server.address());
            post(&url, kind, "q=CREATE+DATABASE+tsbs")?;
            let url = format!("http://{}/write?db=tsbs&precision=s", server.address());
            write(plan, stage, ("points-restored.lp", &url, server.pid()))
        }
        Store::Victoria => {
            let server = Server::start(store, &stage.of(store))?;
            let url = format!("http://{}/write?db=tsbs&precision=s", server.address());
            let round = write(plan, stage, ("points-restored.lp", &url, server.pid()))?;
            post(&format!("http://{}/internal/force_flush", server.address()), "text/plain", "")?;
            Ok(round)
        }
        Store::Duckdb | Store::Chdb => tables(store, stage),
        Store::AlthingPg | Store::DuckdbFiles | Store::ChdbFiles => {
            anyhow::bail!("{} has nothing of its own", store.name())
        }
    }
}

fn althing(plan: &Plan, stage: &Stage) -> Result<Round> {
    let site = stage.althing.start()?;
    let url = format!("http://{}/api/v2/write?bucket=tsbs&precision=s", site.http());
    let round = write(plan, stage, ("points.lp", &url, site.pid()))?;
    let (found, said) = (count_readings(&site)?, stage.generated.distinct_values);
    ensure!(found == said, "SQL has {found} readings, and {said} were acknowledged");
    Ok(round)
}

fn write(plan: &Plan, stage: &Stage, (points, url, pid): (&str, &str, u32)) -> Result<Round> {
    let output = Command::new(&stage.generator)
        .args(["write", "--url", url, "--server-pid", &pid.to_string()])
        .args(["--connections", &plan.connections.to_string(), "--file"])
        .arg(stage.said(points))
        .output()
        .context("cannot start the generator")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: WriteReport = serde_json::from_slice(&output.stdout)?;
    let words = format!(
        "batches of 5,000: p50 {:.1} ms, p99 {:.1} ms; client {:.1} CPU s; busy {} times",
        report.batch.p50 / 1e3,
        report.batch.p99 / 1e3,
        report.client_cpu_seconds,
        report.again
    );
    Ok(Round { seconds: report.seconds, cpu: report.server_cpu_seconds, words })
}

fn postgres(plan: &Plan, stage: &Stage) -> Result<Round> {
    let server = Server::start(Store::Postgres, &stage.of(Store::Postgres))?;
    let mut asker = Asker::start(&stage.python, "postgres", &server_config(&server))?;
    for statement in stage.setup(Store::Postgres)? {
        asker.ask(&statement)?;
    }
    asker.copy(&[("trucks", &without_head(&stage.said("trucks.csv"))?)], 1)?;
    let (readings, diagnostics) = (stage.said("readings.csv"), stage.said("diagnostics.csv"));
    let files = [("readings", readings.as_path()), ("diagnostics", diagnostics.as_path())];
    let answer = asker.copy(&files, plan.connections)?;
    asker.ask(&Question::of("VACUUM ANALYZE"))?;
    let words = "COPY of 5,000 rows with a commit each".to_owned();
    Ok(Round { seconds: answer.seconds, cpu: answer.cpu, words })
}

/// `COPY` of CSV knows heads, but the asker cuts files into batches.
fn without_head(path: &Path) -> Result<std::path::PathBuf> {
    let text = std::fs::read_to_string(path)?;
    let (_, body) = text.split_once('\n').context("a file has a head")?;
    let bare = path.with_extension("rows.csv");
    std::fs::write(&bare, body)?;
    Ok(bare)
}

fn tables(store: Store, stage: &Stage) -> Result<Round> {
    let path = stage.tables_of(store);
    let config = serde_json::json!({ "path": path });
    let mut asker = Asker::start(&stage.python, store.kind(), &config)?;
    let (mut seconds, mut cpu) = (0.0, 0.0);
    for statement in stage.setup(store)? {
        let answer = asker.ask(&statement).with_context(|| statement.text.clone())?;
        seconds += answer.seconds;
        cpu += answer.cpu;
    }
    Ok(Round { seconds, cpu, words: "all at once from files, sorted".to_owned() })
}

/// What a store does for itself after a load, it does before it is asked.
fn settle(store: Store, stage: &Stage) -> Result<()> {
    match store {
        Store::Althing => {
            stage.althing.flush()?;
            stage.althing.close()
        }
        Store::Influx | Store::Victoria => {
            let _server = Server::start(store, &stage.of(store))?;
            calm(&stage.of(store))
        }
        Store::AlthingPg
        | Store::DuckdbFiles
        | Store::ChdbFiles
        | Store::Duckdb
        | Store::Chdb
        | Store::Postgres => Ok(()),
    }
}

/// As a table.
pub(super) fn table(loads: &[Load]) -> String {
    let first = loads.first().map_or(f64::NAN, |load| median(load.seconds.clone()));
    let head = format!(
        "\nLoading\n  {:12} {:>10} {:>12} {:>9} {:>9} {:>7}",
        "", "rows/s", "values/s", "seconds", "CPU s", "ahead"
    );
    let lines = loads.iter().map(|load| of_load(load, first));
    std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
}

fn of_load(load: &Load, first: f64) -> String {
    let (seconds, cpu) = (median(load.seconds.clone()), median(load.cpu.clone()));
    #[expect(clippy::cast_precision_loss, reason = "rows of a run are far below 2^53")]
    let (rows, values) = (load.rows as f64 / seconds, load.values as f64 / seconds);
    let (ahead, name, words) = (seconds / first, &load.store, &load.words);
    let durable = if load.durable { "durable" } else { "not durable" };
    format!(
        "  {name:12} {rows:10.0} {values:12.0} {seconds:9.1} {cpu:9.1} {ahead:7.2}  {durable}; {words}"
    )
}
