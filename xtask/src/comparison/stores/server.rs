//! The stores that are servers, each with its committed configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal};

use super::super::peers::{config, free_address};
use super::super::{Purpose, one_line};
use super::Store;
use crate::clock::{Stopwatch, pause};
use crate::step;

/// A server that finds its data is there by then.
const READY_WAIT: Duration = Duration::from_secs(120);

/// A server that is asked to end has written what it keeps by then.
const END_WAIT: Duration = Duration::from_secs(120);

/// Where Debian has the programs of `PostgreSQL`, one folder for each version.
const POSTGRES: &str = "/usr/lib/postgresql";

/// Root may not be it, and Debian's package makes this user.
const POSTGRES_USER: &str = "postgres";

/// A store that runs. It is asked to end when dropped.
#[derive(Debug)]
pub(in crate::comparison) struct Server {
    process: Child,
    address: SocketAddr,
    /// What asks it to end.
    ends_at: Signal,
}

impl Server {
    /// On what it left in `folder`, or on nothing.
    pub(in crate::comparison) fn start(store: Store, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder.join("store"))?;
        let address = free_address()?;
        let (command, ends_at) = match store {
            Store::Postgres => (postgres(address, folder)?, Signal::INT),
            Store::Influx => {
                let config = config("influxdb.conf", address, Purpose::default(), folder)?;
                let mut command = Command::new("influxd");
                command.arg("run").arg("-config").arg(config);
                (command, Signal::TERM)
            }
            Store::Victoria => (victoria(address, &folder.join("store")), Signal::TERM),
            Store::Althing
            | Store::AlthingPg
            | Store::DuckdbFiles
            | Store::ChdbFiles
            | Store::Duckdb
            | Store::Chdb => bail!("{} is no server of its own", store.name()),
        };
        Self::run(command, address, ends_at, &folder.join("log"))
    }

    fn run(mut command: Command, address: SocketAddr, ends_at: Signal, log: &Path) -> Result<Self> {
        let file = std::fs::File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let process = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let mut server = Self { process, address, ends_at };
        let since = Stopwatch::start();
        while std::net::TcpStream::connect(address).is_err() {
            if let Some(status) = server.process.try_wait()? {
                let words = std::fs::read_to_string(log)?;
                bail!("{command:?} ended with {status}\n{words}");
            }
            ensure!(since.elapsed() < READY_WAIT, "{command:?} does not listen");
            pause(Duration::from_millis(20));
        }
        Ok(server)
    }

    pub(in crate::comparison) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(in crate::comparison) const fn address(&self) -> SocketAddr {
        self.address
    }

    fn end(&mut self) -> Result<()> {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        let pid = pid.context("a process has an id")?;
        if self.process.try_wait()?.is_some() {
            return Ok(());
        }
        rustix::process::kill_process(pid, self.ends_at)?;
        let since = Stopwatch::start();
        while self.process.try_wait()?.is_none() {
            ensure!(since.elapsed() < END_WAIT, "a store does not end");
            pause(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(fault) = self.end() {
            crate::say(&one_line(&fault));
            drop(self.process.kill());
            drop(self.process.wait());
        }
    }
}

fn victoria(address: SocketAddr, store: &Path) -> Command {
    let mut command = Command::new("victoria-metrics");
    command
        .arg(format!("-storageDataPath={}", store.display()))
        .arg(format!("-httpListenAddr={address}"))
        .args(["-retentionPeriod=100y", "-search.disableCache", "-search.latencyOffset=0s"])
        .args(["-search.maxUniqueTimeseries=10000000", "-search.maxQueryDuration=300s"])
        .args(["-search.maxSamplesPerQuery=2000000000", "-influx.maxLineSize=1048576"])
        .args(["-search.maxSeries=10000000", "-loggerLevel=WARN"])
        // It closes connections that nobody uses for a minute, and others take longer in their turn.
        .args(["-http.idleConnTimeout=24h", "-http.connTimeout=24h"]);
    command
}

fn postgres(address: SocketAddr, folder: &Path) -> Result<Command> {
    let programs = postgres_programs()?;
    let cluster = folder.join("cluster");
    if !cluster.join("PG_VERSION").exists() {
        std::fs::create_dir_all(&cluster)?;
        if rustix::process::geteuid().is_root() {
            let owner = format!("{POSTGRES_USER}:");
            step::run_in(Command::new("chown").arg(&owner).arg(&cluster), &[])?;
        }
        let mut initdb = as_postgres(&programs.join("initdb"));
        initdb.stdout(Stdio::null()).args(["--auth=trust", "--encoding=UTF8", "--locale=C"]);
        initdb.args(["--username=bench", "--pgdata"]).arg(&cluster);
        step::run_in(&mut initdb, &[]).with_context(|| {
            format!("the user {POSTGRES_USER} must be able to reach {}", cluster.display())
        })?;
    }
    let config = config("postgresql.conf", address, Purpose::default(), folder)?;
    let mut command = as_postgres(&programs.join("postgres"));
    command.arg("-D").arg(&cluster);
    command.arg("-c").arg(format!("config_file={}", config.display()));
    Ok(command)
}

/// The newest that is installed.
fn postgres_programs() -> Result<PathBuf> {
    let mut versions = Vec::new();
    let folders = std::fs::read_dir(POSTGRES).context("PostgreSQL is not installed")?;
    for folder in folders {
        let path = folder?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
        versions.extend(number.map(|number| (number, path.join("bin"))));
    }
    versions.into_iter().max().map(|(_, path)| path).context("PostgreSQL is not installed")
}

fn as_postgres(program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", POSTGRES_USER, "--regid", POSTGRES_USER, "--init-groups"]);
    command.arg(program);
    command
}

/// One statement or wish to a server over HTTP.
pub(in crate::comparison) fn post(url: &str, kind: &str, body: &str) -> Result<String> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(END_WAIT))
        .http_status_as_error(false)
        .build()
        .new_agent();
    let mut answer = agent.post(url).header("content-type", kind).send(body)?;
    let words = answer.body_mut().read_to_string()?;
    ensure!(answer.status().is_success(), "{url} answered {}: {words}", answer.status());
    Ok(words)
}
