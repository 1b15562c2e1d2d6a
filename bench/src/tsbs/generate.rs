//! Writes what trucks say into files, once for all stores.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::entry::{Entry, Table};
use super::lines::{self, Restored};
use super::{Fleet, Scale, copy};

#[derive(Clone, Debug, Args)]
pub struct GeneratePlan {
    #[command(flatten)]
    pub scale: Scale,
    /// The folder for `points.lp`, `points-restored.lp`, `readings.csv`, `diagnostics.csv` and
    /// `trucks.csv`.
    #[arg(long)]
    pub out: PathBuf,
}

/// How much was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    pub readings_rows: u64,
    pub diagnostics_rows: u64,
    /// Values in all rows.
    pub values: u64,
    /// Values that differ in device, signal or time: rows without a name are of no truck, and
    /// those of one time are the same reading where a device is all that tells them apart.
    pub distinct_values: u64,
}

impl Generated {
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.readings_rows + self.diagnostics_rows
    }
}

/// # Errors
/// When a file cannot be written.
pub fn generate(plan: &GeneratePlan) -> Result<Generated> {
    std::fs::create_dir_all(&plan.out)?;
    let create = |name: &str| create(&plan.out, name);
    let mut points = create("points.lp")?;
    let mut restored = create("points-restored.lp")?;
    let mut readings = create("readings.csv")?;
    let mut diagnostics = create("diagnostics.csv")?;
    let mut trucks_file = create("trucks.csv")?;
    let fleet = Fleet::new(plan.scale);
    let trucks = fleet.trucks();
    copy::write_trucks(&mut trucks_file, trucks)?;
    let mut tally = Tally::default();
    for entry in plan.scale.entries() {
        let place = usize::try_from(entry.truck)?;
        let truck = trucks.get(place).context("a row is of one of the trucks")?;
        lines::write(&mut points, &entry, truck, Restored::Nothing)?;
        lines::write(&mut restored, &entry, truck, Restored::AllButName)?;
        match entry.table {
            Table::Readings => copy::write(&mut readings, &entry, truck)?,
            Table::Diagnostics => copy::write(&mut diagnostics, &entry, truck)?,
        }
        tally.take(&entry);
    }
    for mut file in [points, restored, readings, diagnostics, trucks_file] {
        file.flush()?;
    }
    Ok(tally.generated)
}

fn create(folder: &Path, name: &str) -> Result<BufWriter<File>> {
    let path = folder.join(name);
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BufWriter::with_capacity(1 << 20, file))
}

#[derive(Debug, Default)]
struct Tally {
    generated: Generated,
    /// One in 800 rows has no name.
    nameless: BTreeSet<(Table, i64, usize)>,
}

impl Tally {
    fn take(&mut self, entry: &Entry) {
        match entry.table {
            Table::Readings => self.generated.readings_rows += 1,
            Table::Diagnostics => self.generated.diagnostics_rows += 1,
        }
        for (field, _) in entry.fields() {
            self.generated.values += 1;
            let key = (entry.table, entry.time_s, field);
            if entry.has_name() || self.nameless.insert(key) {
                self.generated.distinct_values += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
