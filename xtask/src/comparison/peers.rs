//! The brokers: how each is had, started and stopped.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::clock::{Stopwatch, pause};
use crate::step;
use crate::torture::{Program, Site};

/// Any of them is there sooner.
const READY_WAIT: Duration = Duration::from_secs(30);

/// The registry's current one. It resolves unlocked and without its default features only.
const RUMQTTD_VERSION: &str = "0.20.0";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Peer {
    Althing,
    Mosquitto,
    Nats,
    Rumqttd,
    Limit,
}

impl Peer {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Althing => "althing",
            Self::Mosquitto => "mosquitto",
            Self::Nats => "nats",
            Self::Rumqttd => "rumqttd",
            Self::Limit => "limit",
        }
    }
}

/// A broker that runs. It ends when dropped.
pub(crate) enum Running {
    Site(Site),
    Other { process: Child, address: SocketAddr },
}

impl Running {
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Site(site) => site.mqtt(),
            Self::Other { address, .. } => *address,
        }
    }

    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Site(site) => site.pid(),
            Self::Other { process, .. } => process.id(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Other { process, .. } = self {
            // It may have ended by itself, which the generator has noticed then.
            drop(process.kill());
            drop(process.wait());
        }
    }
}

/// Starts a site on one core.
pub(super) fn start_site(program: &Program, core: u32, folder: &Path) -> Result<Running> {
    let starting = program.pinned(core).start(&folder.join("data"), &folder.join("log"))?;
    Ok(Running::Site(starting.ready(READY_WAIT)?))
}

/// Starts any other broker on one core, with its committed configuration.
pub(crate) fn start_other(
    peer: Peer,
    generator: &Path,
    core: u32,
    folder: &Path,
) -> Result<Running> {
    let address = free_address()?;
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]);
    match peer {
        Peer::Althing => bail!("althing is started as a site"),
        Peer::Mosquitto => {
            let config = config("mosquitto.conf", address, folder)?;
            command.arg("mosquitto").arg("-c").arg(config);
        }
        Peer::Nats => {
            let config = config("nats.conf", address, folder)?;
            command.arg("nats-server").arg("-c").arg(config);
        }
        Peer::Rumqttd => {
            let config = config("rumqttd.toml", address, folder)?;
            command.arg(rumqttd_path()?).arg("-c").arg(config);
        }
        Peer::Limit => {
            command.arg(generator).args(["forward", "--listen", &address.to_string()]);
        }
    }
    let log = std::fs::File::create(folder.join("log"))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let process = command.spawn().with_context(|| format!("cannot start {}", peer.name()))?;
    let mut running = Running::Other { process, address };
    wait(&mut running, folder)?;
    Ok(running)
}

fn wait(running: &mut Running, folder: &Path) -> Result<()> {
    let since = Stopwatch::start();
    let address = running.address();
    while TcpStream::connect(address).is_err() {
        if let Running::Other { process, .. } = running
            && let Some(status) = process.try_wait()?
        {
            let log = std::fs::read_to_string(folder.join("log"))?;
            bail!("the broker ended with {status}\n{log}");
        }
        ensure!(since.elapsed() < READY_WAIT, "the broker does not listen");
        pause(Duration::from_millis(10));
    }
    Ok(())
}

/// Free a moment ago; these brokers cannot tell which port they were given.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn config(name: &str, address: SocketAddr, folder: &Path) -> Result<PathBuf> {
    let template = std::fs::read_to_string(step::root()?.join("bench/peers").join(name))?;
    let text = template
        .replace("@PORT@", &address.port().to_string())
        .replace("@DIR@", &folder.join("store").to_string_lossy());
    let path = folder.join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}

fn rumqttd_path() -> Result<PathBuf> {
    let peers = step::workspace()?.target_directory.into_std_path_buf().join("peers");
    Ok(peers.join("bin/rumqttd"))
}

/// Builds it from the registry, once.
pub(super) fn install_rumqttd() -> Result<()> {
    let path = rumqttd_path()?;
    if path.exists() {
        return Ok(());
    }
    let root = path.ancestors().nth(2).context("a path in the target folder")?;
    let root = root.to_string_lossy();
    let what = ["install", "rumqttd", "--version", RUMQTTD_VERSION, "--no-default-features"];
    step::run("cargo", &[&what[..], &["--root", &root]].concat())
}
