//! Stores one set in one store, and weighs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use tempfile::TempDir;

use super::super::folder;
use super::super::stores::{
    Althing, Asker, Question, Server, Store, bytes_of, bytes_on_disk, calm, post, server_config,
};
use super::sets::{Set, Table};
use super::{Cell, Plan};
use crate::torture::{Which, count_readings};

pub(super) struct Laboratory {
    pub(super) generator: PathBuf,
    which: Which,
    python: PathBuf,
    work: Option<PathBuf>,
}

impl Laboratory {
    pub(super) fn new(plan: &Plan, python: PathBuf) -> Result<Self> {
        Ok(Self {
            generator: plan.builds.generator()?,
            which: plan.builds.althing()?,
            python,
            work: plan.work.clone(),
        })
    }

    /// For one set. It goes with all that is in it.
    pub(super) fn folder(&self, set: &str) -> Result<TempDir> {
        let (_, temporary) = folder(None, self.work.as_deref())?;
        temporary.with_context(|| format!("the folder of {set} is not temporary"))
    }

    /// What a store wrote is removed again.
    pub(super) fn measure(&self, store: Store, set: &Set, folder: &Path) -> Vec<Cell> {
        let folder = folder.join(store.name());
        let cells = match store {
            Store::Althing => self.althing(set, &folder),
            Store::Influx | Store::Victoria => one(store, self.series(store, set, &folder)),
            Store::Duckdb | Store::Chdb => one(store, self.tables(store, set, &folder)),
            Store::Postgres => one(store, self.postgres(set, &folder)),
            Store::AlthingPg | Store::DuckdbFiles | Store::ChdbFiles => {
                one(store, Err(anyhow::anyhow!("it has no data of its own")))
            }
        };
        if let Err(fault) = std::fs::remove_dir_all(&folder) {
            crate::say(&format!("{} stays: {fault}", folder.display()));
        }
        cells
    }

    fn althing(&self, set: &Set, folder: &Path) -> Vec<Cell> {
        let weigh = |site: &Althing| -> Result<u64> {
            let table = site.table();
            let files = site.files()?;
            let weights =
                files.iter().map(|file| Ok(bytes_on_disk(&table.join(&file.path).metadata()?)));
            weights.sum()
        };
        let site = Althing::new(&self.which, folder);
        let flushed =
            site.as_ref().map_err(|fault| anyhow::anyhow!("{fault:#}")).and_then(|site| {
                let started = site.start()?;
                let url = format!("http://{}/api/v2/write?bucket=size", started.http());
                self.write(set, (&set.points, &url, started.pid()))?;
                let found = count_readings(&started)?;
                ensure!(found == set.values, "SQL has {found} readings of {}", set.values);
                drop(started);
                site.flush_at_once()?;
                weigh(site)
            });
        let closed = site.and_then(|site| {
            site.close()?;
            weigh(&site)
        });
        let cell = |name: &str, bytes| Cell { name: name.to_owned(), bytes };
        vec![cell("althing-flushed", flushed), cell("althing-closed", closed)]
    }

    fn write(&self, set: &Set, (points, url, pid): (&Path, &str, u32)) -> Result<()> {
        let url = format!("{url}&precision={}", set.precision);
        let output = Command::new(&self.generator)
            .args(["write", "--url", &url, "--server-pid", &pid.to_string(), "--file"])
            .arg(points)
            .output()
            .context("cannot start the generator")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Stores that take line protocol. All of their folder counts, the index included.
    fn series(&self, store: Store, set: &Set, folder: &Path) -> Result<u64> {
        let server = Server::start(store, folder)?;
        let base = format!("http://{}", server.address());
        if store == Store::Influx {
            let kind = "application/x-www-form-urlencoded";
            post(&format!("{base}/query"), kind, "q=CREATE+DATABASE+size")?;
        }
        let url = format!("{base}/write?db=size");
        self.write(set, (&set.points_of_series, &url, server.pid()))?;
        if store == Store::Victoria {
            post(&format!("{base}/internal/force_flush"), "text/plain", "")?;
            post(&format!("{base}/internal/force_merge"), "text/plain", "")?;
        }
        calm(folder)?;
        drop(server);
        bytes_of(&folder.join("store"))
    }

    /// Stores in the process that asks them.
    fn tables(&self, store: Store, set: &Set, folder: &Path) -> Result<u64> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join("tables");
        let mut asker = Asker::start(&self.python, store.kind(), &json!({ "path": path }))?;
        let mut ask = |text: &str| asker.ask(&Question::of(text)).with_context(|| text.to_owned());
        for table in &set.tables {
            let statements = if store == Store::Duckdb { duckdb(table) } else { chdb(table) };
            for statement in statements {
                ask(&statement)?;
            }
        }
        if store == Store::Duckdb {
            ask("CHECKPOINT")?;
            return Ok(bytes_on_disk(&path.metadata()?));
        }
        let answer = ask(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()",
        )?;
        first_number(&answer.rows)
    }

    /// Tables with what finds their rows.
    fn postgres(&self, set: &Set, folder: &Path) -> Result<u64> {
        let server = Server::start(Store::Postgres, folder)?;
        let mut asker = Asker::start(&self.python, "postgres", &server_config(&server))?;
        let mut bytes = 0;
        for table in &set.tables {
            let (name, columns) = (table.name, columns(table, "FLOAT8"));
            let create = format!(
                "CREATE TABLE {name} (time TIMESTAMPTZ NOT NULL, device TEXT, {columns}); \
                 CREATE INDEX ON {name} USING BRIN (time); CREATE INDEX ON {name} (device, time DESC)"
            );
            asker.ask(&Question::of(&create))?;
            asker.copy(&[(name, table.rows.as_path())], 2)?;
            asker.ask(&Question::of("VACUUM ANALYZE"))?;
            let weigh = format!("SELECT pg_total_relation_size('{name}')");
            bytes += first_number(&asker.ask(&Question::of(&weigh))?.rows)?;
        }
        Ok(bytes)
    }
}

fn one(store: Store, bytes: Result<u64>) -> Vec<Cell> {
    vec![Cell { name: store.name().to_owned(), bytes }]
}

fn columns(table: &Table, kind: &str) -> String {
    table.columns.iter().map(|name| format!("{name} {kind}")).collect::<Vec<_>>().join(", ")
}

fn duckdb(table: &Table) -> Vec<String> {
    let (name, path) = (table.name, table.rows.display());
    let kinds = table.columns.iter().map(|column| format!(", '{column}': 'DOUBLE'"));
    let kinds: String = kinds.collect();
    vec![format!(
        "CREATE TABLE {name} AS FROM read_csv('{path}', header = false, \
         columns = {{'time': 'TIMESTAMP', 'device': 'VARCHAR'{kinds}}}) ORDER BY device, time"
    )]
}

/// With the encodings that its guides advise for such data.
fn chdb(table: &Table) -> Vec<String> {
    let (name, path) = (table.name, table.rows.display());
    let stored = columns(table, "Nullable(Float64) CODEC(ZSTD(3))");
    let read = columns(table, "Nullable(Float64)");
    vec![
        format!(
            "CREATE TABLE {name} (time DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(3)), \
             device LowCardinality(String) CODEC(ZSTD(3)), {stored}) ENGINE = MergeTree ORDER BY (device, time)"
        ),
        format!(
            "INSERT INTO {name} SELECT * FROM file('{path}', 'CSV', \
             'time DateTime64(3, \\'UTC\\'), device String, {read}') SETTINGS date_time_input_format = 'best_effort'"
        ),
        format!("OPTIMIZE TABLE {name} FINAL"),
    ]
}

fn first_number(rows: &[Vec<serde_json::Value>]) -> Result<u64> {
    let value = rows.first().and_then(|row| row.first()).context("no row")?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.parse::<f64>() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bytes on a disk, as one store says them"
        )]
        Ok(number) => Ok(number as u64),
        Err(_) => bail!("{text} is no number"),
    }
}
