//! The folder of a run: what trucks said, what each store holds, and the stores in order.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bench::tsbs::{Generated, START_S, Scale};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;

use super::super::folder;
use super::super::stores::{
    Althing, Asker, Player, Question, Server, Store, server_config, site_config, statements,
};
use super::Plan;
use super::draws::time;
use super::statements::FOLDER;
use crate::torture::Site;

/// What a folder was made for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    trucks: u32,
    hours: u32,
    seed: u64,
    generated: Generated,
}

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) folder: PathBuf,
    pub(super) scale: Scale,
    pub(super) generated: Generated,
    pub(super) generator: PathBuf,
    pub(super) python: PathBuf,
    pub(super) althing: Althing,
    /// Removed with all that is in it, if nobody asked to keep it.
    _temporary: Option<TempDir>,
}

impl Stage {
    pub(super) fn set(plan: &Plan, python: PathBuf) -> Result<Self> {
        let generator = plan.builds.generator()?;
        let (folder, temporary) = folder(plan.data_dir.as_deref(), plan.work.as_deref())?;
        let generated = generate(plan.scale, &generator, &folder)?;
        let althing = Althing::new(&plan.builds.althing()?, &folder.join("althing"))?;
        let scale = plan.scale;
        Ok(Self { folder, scale, generated, generator, python, althing, _temporary: temporary })
    }

    pub(super) fn said(&self, name: &str) -> PathBuf {
        self.folder.join("said").join(name)
    }

    /// What a store holds is here.
    pub(super) fn of(&self, store: Store) -> PathBuf {
        self.folder.join(store.name())
    }

    /// Of a store that works in the process that asks it: `DuckDB` in one file, chDB in a folder.
    pub(super) fn tables_of(&self, store: Store) -> PathBuf {
        self.of(store).join("tables")
    }

    /// Statements that a store is set up with.
    pub(super) fn setup(&self, store: Store) -> Result<Vec<Question>> {
        statements(FOLDER, store, &self.althing, |text| {
            text.replace("{folder}", &self.folder.join("said").display().to_string())
                .replace("{begin}", &time(START_S))
                .replace("{last}", &time(self.scale.end_s() - 1))
        })
    }

    /// All stores, started and ready to be asked.
    pub(super) fn cast(&self, stores: &[Store]) -> Result<Cast> {
        let mut cast = Cast { players: Vec::new(), site: None };
        for store in stores.iter().copied() {
            let player = self.player(store, &mut cast);
            let player = player.with_context(|| format!("{} does not start", store.name()))?;
            cast.players.push(player);
        }
        Ok(cast)
    }

    fn player(&self, store: Store, cast: &mut Cast) -> Result<Player> {
        let mut server = None;
        let config = match store {
            Store::Althing | Store::AlthingPg => {
                let site = match &mut cast.site {
                    Some(site) => site,
                    None => cast.site.insert(self.althing.start()?),
                };
                site_config(site)?
            }
            Store::DuckdbFiles => json!({}),
            Store::ChdbFiles => json!({ "path": self.fresh("chdb-files")? }),
            Store::Duckdb | Store::Chdb => json!({ "path": self.tables_of(store) }),
            Store::Postgres | Store::Influx | Store::Victoria => {
                server_config(server.insert(Server::start(store, &self.of(store))?))
            }
        };
        let mut asker = Asker::start(&self.python, store.kind(), &config)?;
        if store.reads_our_files() {
            for statement in self.setup(store)? {
                asker.ask(&statement)?;
            }
        }
        Ok(Player { store, asker, _server: server })
    }

    fn fresh(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        Ok(path)
    }
}

/// Whoever can be asked. They end in this order.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) players: Vec<Player>,
    site: Option<Site>,
}

/// What trucks say, unless it is there already.
fn generate(scale: Scale, generator: &Path, folder: &Path) -> Result<Generated> {
    let path = folder.join("made.json");
    if path.exists() {
        let made: Made = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
        let same = (made.trucks, made.hours, made.seed) == (scale.trucks, scale.hours, scale.seed);
        ensure!(same, "{} was made for {made:?}; name another folder", folder.display());
        return Ok(made.generated);
    }
    let said = folder.join("said");
    crate::say(&format!("writing what {} trucks say in {} hours", scale.trucks, scale.hours));
    let output = Command::new(generator)
        .args(["tsbs", "--trucks", &scale.trucks.to_string(), "--hours", &scale.hours.to_string()])
        .args(["--seed", &scale.seed.to_string(), "--out"])
        .arg(&said)
        .output()
        .context("cannot start the generator")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let generated: Generated = serde_json::from_slice(&output.stdout)?;
    let Scale { trucks, hours, seed } = scale;
    std::fs::write(&path, serde_json::to_string(&Made { trucks, hours, seed, generated })?)?;
    Ok(generated)
}
