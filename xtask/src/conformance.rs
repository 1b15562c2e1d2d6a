//! `cargo xtask conformance`: foreign clients against the real binary. conformance/README.md says
//! which and how.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::torture::{Program, Site, Which};
use crate::{setup, step};

/// A site without a past is open sooner.
const READY_WAIT: Duration = Duration::from_secs(60);

/// The versions that the scenarios were written with.
const PAHO: &str = "paho-mqtt==2.2.0";
const TABLES: &[&str] =
    &["duckdb==2.0.1", "polars==2.1.0", "deltalake==1.6.6", "pyarrow==26.0.1", "chdb==4.4.0"];
const REMOTE: &[&str] = &[
    "duckdb==2.0.1",
    "polars==2.1.0",
    "deltalake==1.6.6",
    "pyarrow==26.0.1",
    "boto3==1.44.8",
    "moto[server]==5.2.5",
];
const SQL: &[&str] = &["psycopg2-binary==2.9.10", "SQLAlchemy==2.0.36", "pandas==2.2.3"];
const MQTT_JS: &str = "mqtt@5.16.0";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Client {
    Paho,
    Mosquitto,
    #[value(name = "mqtt.js")]
    MqttJs,
    /// psql, psycopg, and pandas through `SQLAlchemy`.
    Sql,
    /// `DuckDB`, Polars, deltalake and chDB on the folder of the tables. Only when it is asked for:
    /// they are some hundred megabytes.
    Tables,
    /// Backups under load, restored and compared. Only when it is asked for.
    Backups,
    /// Old days in an object store, read there by deltalake, Polars and `DuckDB`. Only when it is
    /// asked for.
    Remote,
}

impl Client {
    const fn speaks_mqtt(self) -> bool {
        matches!(self, Self::Paho | Self::Mosquitto | Self::MqttJs)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Paho => "paho",
            Self::Mosquitto => "mosquitto",
            Self::MqttJs => "mqtt.js",
            Self::Sql => "sql",
            Self::Tables => "tables",
            Self::Backups => "backups",
            Self::Remote => "remote",
        }
    }
}

#[derive(Clone, Debug, Default, Args)]
pub struct Plan {
    /// All of them, if none is named.
    #[arg(long = "client", value_delimiter = ',')]
    pub clients: Vec<Client>,
    /// Only scenarios whose name contains one of these.
    #[arg(long)]
    pub only: Vec<String>,
    #[command(flatten)]
    pub which: Which,
}

/// # Errors
/// When a scenario fails, passes unexpectedly, or a client cannot be had.
pub fn run(plan: &Plan) -> Result<()> {
    let tools = Tools::install(&plan.clients)?;
    let folder = tempfile::tempdir()?;
    let program = Program::find(&plan.which)?;
    let starting = program.start(&folder.path().join("data"), &folder.path().join("log"))?;
    let site = starting.ready(READY_WAIT)?;
    let outcome = tools
        .play(plan, &site)
        .and_then(|()| tools.play_tables(&program))
        .and_then(|()| tools.play_backups(&program))
        .and_then(|()| tools.play_remote(&program));
    if outcome.is_err() {
        crate::say(&site.last_words());
    }
    outcome
}

/// Where the clients were installed.
#[derive(Debug)]
struct Tools {
    python: PathBuf,
    modules: PathBuf,
    clients: Vec<Client>,
}

impl Tools {
    fn install(wanted: &[Client]) -> Result<Self> {
        setup::install(setup::CLIENTS)?;
        let target = step::workspace()?.target_directory.into_std_path_buf().join("conformance");
        let python = virtual_environment(&target.join("venv"))?;
        python_has(&python, "paho.mqtt", &[PAHO])?;
        let mut clients = wanted.to_vec();
        if wanted.is_empty() {
            clients.extend(Client::value_variants());
            let large = [Client::Tables, Client::Backups, Client::Remote];
            clients.retain(|client| !large.contains(client));
        }
        if clients.contains(&Client::MqttJs)
            && let Err(fault) = mqtt_js(&target)
        {
            ensure!(clients.len() > 1, "MQTT.js cannot be had: {fault:#}");
            crate::say(&format!("MQTT.js is left out: {fault:#}"));
            clients.retain(|client| *client != Client::MqttJs);
        }
        if clients.contains(&Client::Sql) {
            setup::install(setup::SQL)?;
            python_has(&python, "psycopg2, sqlalchemy, pandas", SQL)?;
        }
        if clients.contains(&Client::Tables) {
            setup::install(setup::CLOCK)?;
            python_has(&python, "duckdb, polars, deltalake, pyarrow, chdb", TABLES)?;
        }
        if clients.contains(&Client::Remote) {
            python_has(&python, "duckdb, polars, deltalake, pyarrow, boto3, moto.server", REMOTE)?;
        }
        Ok(Self { python, modules: target.join("node_modules"), clients })
    }

    fn play(&self, plan: &Plan, site: &Site) -> Result<()> {
        if self.clients.iter().any(|client| client.speaks_mqtt()) {
            self.play_mqtt(plan, site)?;
        }
        if self.clients.contains(&Client::Sql) {
            self.play_sql(site)?;
        }
        Ok(())
    }

    fn play_backups(&self, program: &Program) -> Result<()> {
        if !self.clients.contains(&Client::Backups) {
            return Ok(());
        }
        self.play_with_sites("backups.py", program)
    }

    fn play_tables(&self, program: &Program) -> Result<()> {
        if !self.clients.contains(&Client::Tables) {
            return Ok(());
        }
        self.play_with_sites("tables.py", program)
    }

    fn play_remote(&self, program: &Program) -> Result<()> {
        if !self.clients.contains(&Client::Remote) {
            return Ok(());
        }
        self.play_with_sites("remote.py", program)
    }

    /// A script that starts its own sites.
    fn play_with_sites(&self, script: &str, program: &Program) -> Result<()> {
        let root = step::root()?;
        let script = root.join("conformance").join(script).display().to_string();
        let (path, config) = (program.path().display(), root.join("xtask/torture.toml"));
        let (path, config) = (path.to_string(), config.display().to_string());
        let arguments = ["-B", &script, &path, "--config", &config];
        step::run_in(&mut Command::new(&self.python), &arguments)
    }

    fn play_sql(&self, site: &Site) -> Result<()> {
        let script = step::root()?.join("conformance/sql.py").display().to_string();
        let postgres = site.postgres().context("the site told no postgres address")?;
        let (host, mqtt) = (site.mqtt().ip().to_string(), site.mqtt().port().to_string());
        let arguments = ["-B", &script, &host, &mqtt, &postgres.port().to_string()];
        step::run_in(&mut Command::new(&self.python), &arguments)
    }

    fn play_mqtt(&self, plan: &Plan, site: &Site) -> Result<()> {
        let script = step::root()?.join("conformance/run.py");
        let mut arguments = vec!["-B".to_owned(), script.display().to_string()];
        arguments.extend([site.mqtt().ip().to_string(), site.mqtt().port().to_string()]);
        for client in self.clients.iter().filter(|client| client.speaks_mqtt()) {
            arguments.extend(["--client".to_owned(), client.name().to_owned()]);
        }
        for part in &plan.only {
            arguments.extend(["--only".to_owned(), part.clone()]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        step::run_in(Command::new(&self.python).env("NODE_PATH", &self.modules), &arguments)
    }
}

/// The interpreter of a virtual environment that reads tables and asks in SQL.
pub(crate) fn python_of_tables(folder: &Path) -> Result<PathBuf> {
    let python = virtual_environment(folder)?;
    python_has(&python, "duckdb, polars, deltalake, pyarrow, chdb", TABLES)?;
    python_has(&python, "psycopg2, sqlalchemy, pandas", SQL)?;
    Ok(python)
}

/// The interpreter of a virtual environment.
fn virtual_environment(folder: &Path) -> Result<PathBuf> {
    let path = folder.display().to_string();
    let python = folder.join("bin/python");
    if !python.exists() {
        step::run("python3", &["-m", "venv", &path]).context("python3-venv is needed")?;
    }
    Ok(python)
}

/// Installs `packages` unless `modules` are there.
fn python_has(python: &Path, modules: &str, packages: &[&str]) -> Result<()> {
    let import = format!("import {modules}");
    if Command::new(python).args(["-c", &import]).output()?.status.success() {
        return Ok(());
    }
    crate::say(&format!("installing {} from PyPI", packages.join(", ")));
    let quiet = ["-m", "pip", "install", "-q", "--disable-pip-version-check"];
    step::run(&python.display().to_string(), &[&quiet[..], packages].concat())
}

fn mqtt_js(folder: &Path) -> Result<()> {
    if folder.join("node_modules/mqtt/package.json").exists() {
        return Ok(());
    }
    setup::install(setup::NODE)?;
    let path = folder.display().to_string();
    crate::say(&format!("installing {MQTT_JS} from npm into {path}"));
    let quiet = ["install", "--silent", "--no-fund", "--no-audit", "--prefix", &path, MQTT_JS];
    step::run("npm", &quiet)
}
