//! What is stored: as line protocol, and as rows of tables for stores that have tables.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bench::Jittered;
use bench::tsbs::Generated;

use super::Plan;
use super::real;

#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) name: String,
    /// With the parameter that says what its times count.
    pub(super) points: PathBuf,
    /// For stores that know nothing of a device beside its points.
    pub(super) points_of_series: PathBuf,
    pub(super) precision: &'static str,
    pub(super) tables: Vec<Table>,
    /// Values that are a reading of their own.
    pub(super) values: u64,
}

/// Rows of time, device and values, in a file of CSV without a head.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) rows: PathBuf,
    pub(super) columns: Vec<String>,
}

const JITTERED: &str = "jittered";
const TSBS: &str = "tsbs";

/// All that can be made.
pub(super) fn names(plan: &Plan) -> Vec<String> {
    let mut names = vec![JITTERED.to_owned(), TSBS.to_owned()];
    if let Some(data) = &plan.data {
        names.extend(real::names(data));
    }
    names
}

pub(super) fn make(name: &str, plan: &Plan, generator: &Path, folder: &Path) -> Result<Set> {
    let folder = folder.join("said");
    match name {
        JITTERED => jittered(plan, generator, &folder),
        TSBS => tsbs(plan, generator, &folder),
        _ => real::make(name, plan.data.as_deref().context("no folder of data")?, &folder),
    }
}

fn jittered(plan: &Plan, generator: &Path, folder: &Path) -> Result<Set> {
    let devices = plan.devices.to_string();
    let output = run(generator, &["jitter", "--devices", &devices], folder)?;
    let Jittered { values } = serde_json::from_slice(&output)?;
    let points = folder.join("points.lp");
    let columns = ["temperature", "humidity", "pressure", "battery"].map(str::to_owned);
    let table = Table { name: "nodes", rows: folder.join("nodes.csv"), columns: columns.to_vec() };
    let (name, points_of_series) = (JITTERED.to_owned(), points.clone());
    Ok(Set { name, points, points_of_series, precision: "ms", tables: vec![table], values })
}

fn tsbs(plan: &Plan, generator: &Path, folder: &Path) -> Result<Set> {
    let [trucks, hours] = [plan.scale.trucks, plan.scale.hours].map(|it| it.to_string());
    let seed = plan.scale.seed.to_string();
    let flags = ["tsbs", "--trucks", &trucks, "--hours", &hours, "--seed", &seed];
    let generated: Generated = serde_json::from_slice(&run(generator, &flags, folder)?)?;
    let table = |name: &'static str| Table {
        name,
        rows: folder.join(name).with_extension("csv"),
        columns: bench::tsbs::fields_of(name).iter().map(|it| (*it).to_owned()).collect(),
    };
    Ok(Set {
        name: TSBS.to_owned(),
        points: folder.join("points.lp"),
        points_of_series: folder.join("points-restored.lp"),
        precision: "s",
        tables: vec![table("readings"), table("diagnostics")],
        values: generated.distinct_values,
    })
}

fn run(generator: &Path, flags: &[&str], folder: &Path) -> Result<Vec<u8>> {
    let output = Command::new(generator).args(flags).arg("--out").arg(folder).output();
    let output = output.context("cannot start the generator")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}
