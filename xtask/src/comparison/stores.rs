//! The stores that Althing's history is compared with: what each is and how it is asked.

mod asker;
mod delta;
mod server;
mod site;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::{conformance, setup, step};
pub(super) use asker::{Answer, Asker, Question};
pub(super) use delta::{LiveFile, live_files};
pub(super) use server::{Server, post};
pub(super) use site::Althing;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Store {
    /// Over HTTP.
    Althing,
    /// The same site, as a client of `PostgreSQL` sees it.
    AlthingPg,
    /// `DuckDB` on the files that Althing wrote.
    DuckdbFiles,
    /// `ClickHouse`, in the form of chDB, on the files that Althing wrote.
    ChdbFiles,
    /// `DuckDB` on its own tables.
    Duckdb,
    /// chDB on its own tables.
    Chdb,
    Postgres,
    Influx,
    Victoria,
}

impl Store {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Althing => "althing",
            Self::AlthingPg => "althing-pg",
            Self::DuckdbFiles => "duckdb-files",
            Self::ChdbFiles => "chdb-files",
            Self::Duckdb => "duckdb",
            Self::Chdb => "chdb",
            Self::Postgres => "postgres",
            Self::Influx => "influx",
            Self::Victoria => "victoria",
        }
    }

    pub(super) const fn is_ours(self) -> bool {
        matches!(self, Self::Althing | Self::AlthingPg)
    }

    /// Reads what Althing wrote.
    pub(super) const fn reads_our_files(self) -> bool {
        matches!(self, Self::DuckdbFiles | Self::ChdbFiles)
    }

    /// The word of the asker for it.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Althing => "althing",
            Self::AlthingPg | Self::Postgres => "postgres",
            Self::DuckdbFiles | Self::Duckdb => "duckdb",
            Self::ChdbFiles | Self::Chdb => "chdb",
            Self::Influx => "influx",
            Self::Victoria => "victoria",
        }
    }

    const fn needs(self) -> &'static [setup::Need] {
        match self {
            Self::Postgres => setup::POSTGRES,
            Self::Influx => setup::INFLUX,
            Self::Victoria => setup::VICTORIA,
            Self::Althing => setup::CLOCK,
            Self::AlthingPg | Self::DuckdbFiles | Self::ChdbFiles | Self::Duckdb | Self::Chdb => {
                &[]
            }
        }
    }
}

/// Installs what the named stores need, and tells the interpreter that asks them.
pub(super) fn install(stores: &[Store]) -> Result<PathBuf> {
    setup::install(setup::PYTHON)?;
    for store in stores {
        let install = setup::install(store.needs());
        install.with_context(|| format!("{} cannot be had", store.name()))?;
    }
    let folder = step::workspace()?.target_directory.into_std_path_buf().join("conformance/venv");
    conformance::python_of_tables(&folder)
}

/// Of all files below a folder.
pub(super) fn bytes_of(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Files come and go while a store works.
        let Ok(about) = entry.metadata() else { continue };
        bytes += if about.is_dir() { bytes_of(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}
