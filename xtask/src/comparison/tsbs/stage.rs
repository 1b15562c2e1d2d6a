//! The folder of a run: what trucks said, what each store holds, and the stores in order.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bench::tsbs::{Generated, START_S, Scale};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;

use super::super::stores::{Althing, Asker, Question, Server, Store};
use super::draws::time;
use super::{Plan, althing};
use crate::step;
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
        let generator = match &plan.generator {
            Some(path) => path.clone(),
            None => super::super::runner::build(
                "bench",
                &["--config", "profile.release.package.bench.opt-level=3"],
            )?,
        };
        let (folder, temporary) = folder(plan)?;
        let generated = generate(plan.scale, &generator, &folder)?;
        let althing = Althing::new(&althing(plan)?, &folder.join("althing"))?;
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
    pub(super) fn setup(&self, name: &str) -> Result<Vec<Question>> {
        let text = std::fs::read_to_string(step::root()?.join("bench/tsbs/setup").join(name))?;
        let text = self.fill(&text)?;
        let statements = text.split(";\n").map(str::trim).filter(|it| !it.is_empty());
        // A block of PostgreSQL has such ends inside.
        Ok(match name.starts_with("postgres") {
            true => vec![Question::of(&text)],
            false => statements.map(Question::of).collect(),
        })
    }

    fn fill(&self, text: &str) -> Result<String> {
        let table = self.althing.table();
        let mut filled = text
            .replace("{folder}", &self.folder.join("said").display().to_string())
            .replace("{begin}", &time(START_S))
            .replace("{last}", &time(self.scale.end_s() - 1))
            .replace("{table}", &table.display().to_string());
        if filled.contains("{files}") {
            let files = self.althing.files()?;
            ensure!(!files.is_empty(), "Althing has no files yet");
            let inside_braces = filled.contains("{{files}}");
            let names: Vec<String> = files
                .iter()
                .map(|file| match inside_braces {
                    true => file.path.clone(),
                    false => format!("'{}'", table.join(&file.path).display()),
                })
                .collect();
            filled = filled.replace("{files}", &names.join(","));
        }
        Ok(filled)
    }

    /// All stores, started and ready to be asked.
    pub(super) fn players(&self, stores: &[Store]) -> Result<Vec<Player>> {
        let mut site = None;
        let mut players = Vec::new();
        for store in stores.iter().copied() {
            let player = self.player(store, &mut site);
            players.push(player.with_context(|| format!("{} does not start", store.name()))?);
        }
        if let Some(first) = players.first_mut() {
            first.site = site;
        }
        Ok(players)
    }

    fn player(&self, store: Store, site: &mut Option<Site>) -> Result<Player> {
        let mut player =
            Player { asker: None, stand_in: String::new(), store, server: None, site: None };
        let config = match store {
            Store::Althing | Store::AlthingPg => {
                let site = match site {
                    Some(site) => site,
                    None => site.insert(self.althing.start()?),
                };
                player.stand_in = super::load::labels_stand_in(site, &self.said("trucks.csv"))?;
                let postgres = site.postgres().context("the site told no postgres address")?;
                let dsn =
                    format!("host=127.0.0.1 port={} user=bench dbname=althing", postgres.port());
                json!({ "http": site.http().to_string(), "pid": site.pid(), "dsn": dsn })
            }
            Store::DuckdbFiles => json!({}),
            Store::ChdbFiles => json!({ "path": self.fresh("chdb-files")? }),
            Store::Duckdb | Store::Chdb => json!({ "path": self.tables_of(store) }),
            Store::Postgres | Store::Influx | Store::Victoria => {
                let server = player.server.insert(Server::start(store, &self.of(store))?);
                server_config(server)
            }
        };
        let asker = player.asker.insert(Asker::start(&self.python, store.kind(), &config)?);
        if store.reads_our_files() {
            for statement in self.setup(&format!("{}.sql", store.name()))? {
                asker.ask(&statement)?;
            }
        }
        Ok(player)
    }

    fn fresh(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        Ok(path)
    }
}

pub(super) fn server_config(server: &Server) -> serde_json::Value {
    let address = server.address();
    let dsn = format!("host=127.0.0.1 port={} user=bench dbname=postgres", address.port());
    json!({ "http": address.to_string(), "pid": server.pid(), "dsn": dsn })
}

/// A store that can be asked. Fields end in this order.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) asker: Option<Asker>,
    /// Labels as a table expression, for a site that has none.
    pub(super) stand_in: String,
    pub(super) store: Store,
    server: Option<Server>,
    site: Option<Site>,
}

fn folder(plan: &Plan) -> Result<(PathBuf, Option<TempDir>)> {
    if let Some(folder) = &plan.data_dir {
        std::fs::create_dir_all(folder)?;
        return Ok((std::path::absolute(folder)?, None));
    }
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("althing-bench-");
    let temporary = match &plan.work {
        Some(work) => builder.tempdir_in(work)?,
        None => builder.tempdir()?,
    };
    // PostgreSQL's user must be able to pass.
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(temporary.path(), std::fs::Permissions::from_mode(0o755))?;
    Ok((temporary.path().to_owned(), Some(temporary)))
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
