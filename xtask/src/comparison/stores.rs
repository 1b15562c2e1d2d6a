//! The stores that Althing's history is compared with: what each is and how it is asked.

mod answers;
mod asker;
mod delta;
mod queries;
mod rounds;
mod server;
mod setup;
mod site;
pub(super) mod table;

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::clock::pause;
use crate::setup::{self as debian, Need};
use crate::torture::Site;
use crate::{conformance, step};
pub(super) use asker::{Answer, Asker, Question};
pub(super) use delta::{LiveFile, live_files};
pub(super) use queries::Queries;
pub(super) use rounds::{Player, Questions, play};
pub(super) use server::{Server, post};
pub(super) use setup::statements;
pub(super) use site::Althing;

/// After which a server is thought to have settled: nothing on disk changed for so long.
const CALM: u32 = 40;
const CALM_LOOK: Duration = Duration::from_millis(500);
const CALM_LOOKS_MAX: u32 = 600;

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

    const fn needs(self) -> &'static [Need] {
        match self {
            Self::Postgres => debian::POSTGRES,
            Self::Influx => debian::INFLUX,
            Self::Victoria => debian::VICTORIA,
            Self::Althing => debian::CLOCK,
            Self::AlthingPg | Self::DuckdbFiles | Self::ChdbFiles | Self::Duckdb | Self::Chdb => {
                &[]
            }
        }
    }
}

/// Installs what the named stores need, and tells the interpreter that asks them.
pub(super) fn install(stores: &[Store]) -> Result<PathBuf> {
    debian::install(debian::PYTHON)?;
    for store in stores {
        let install = debian::install(store.needs());
        install.with_context(|| format!("{} cannot be had", store.name()))?;
    }
    let folder = step::workspace()?.target_directory.into_std_path_buf().join("conformance/venv");
    conformance::python_of_tables(&folder)
}

/// What a file takes on its disk: some stores make files larger than what they have written.
pub(super) fn bytes_on_disk(about: &Metadata) -> u64 {
    const BLOCK_BYTES: u64 = 512;
    about.blocks() * BLOCK_BYTES
}

/// Of all files below a folder.
pub(super) fn bytes_of(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Files come and go while a store works.
        let Ok(about) = entry.metadata() else { continue };
        bytes += if about.is_dir() { bytes_of(&entry.path())? } else { bytes_on_disk(&about) };
    }
    Ok(bytes)
}

/// What the asker needs to know of a site, over HTTP or as `PostgreSQL`.
pub(super) fn site_config(site: &Site) -> Result<Value> {
    let postgres = site.postgres().context("the site told no postgres address")?;
    let dsn = format!("host=127.0.0.1 port={} user=bench dbname=althing", postgres.port());
    Ok(json!({ "http": site.http().to_string(), "pid": site.pid(), "dsn": dsn }))
}

/// The same of a server.
pub(super) fn server_config(server: &Server) -> Value {
    let address = server.address();
    let dsn = format!("host=127.0.0.1 port={} user=bench dbname=postgres", address.port());
    json!({ "http": address.to_string(), "pid": server.pid(), "dsn": dsn })
}

/// Waits until a folder has not changed its size for a while.
pub(super) fn calm(folder: &Path) -> Result<()> {
    let (mut last, mut still) = (0, 0);
    for _ in 0..CALM_LOOKS_MAX {
        let bytes = bytes_of(folder)?;
        still = if bytes == last { still + 1 } else { 0 };
        last = bytes;
        if still >= CALM {
            return Ok(());
        }
        pause(CALM_LOOK);
    }
    Ok(())
}
