//! The brokers: how each is started and stopped.

mod programs;

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use super::certificates::Certificates;
use crate::clock::{Stopwatch, pause};
use crate::step;
use crate::torture::{Program, Site};
pub(crate) use programs::Programs;
pub use programs::Sources;

/// Any of them is there sooner, unless it has much to read first.
const READY_WAIT: Duration = Duration::from_secs(120);

/// A broker that is asked to end has written what it keeps by then.
const END_WAIT: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Peer {
    /// The whole site.
    Althing,
    /// Althing's broker and journal, without history and pages.
    Core,
    Flashmq,
    Mosquitto,
    Nanomq,
    Nats,
    Rumqttd,
    /// A forwarder that decides next to nothing.
    Limit,
}

impl Peer {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Althing => "althing",
            Self::Core => "core",
            Self::Flashmq => "flashmq",
            Self::Mosquitto => "mosquitto",
            Self::Nanomq => "nanomq",
            Self::Nats => "nats",
            Self::Rumqttd => "rumqttd",
            Self::Limit => "limit",
        }
    }
}

impl Peer {
    /// What fails there fails the run.
    pub(super) const fn is_ours(self) -> bool {
        matches!(self, Self::Althing | Self::Core)
    }

    /// As it is had and configured here.
    pub(super) const fn speaks_tls(self) -> bool {
        matches!(self, Self::Althing | Self::Flashmq | Self::Mosquitto | Self::Nats)
    }

    /// Sessions and retained messages outlive the process, as it is configured here.
    pub(super) const fn keeps_state(self) -> bool {
        matches!(self, Self::Althing | Self::Flashmq | Self::Mosquitto | Self::Nats)
    }
}

/// What a broker is started for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Purpose<'a> {
    pub(crate) core: u32,
    /// Its address speaks TLS then.
    pub(super) tls: Option<&'a Certificates>,
    /// It keeps what it is told beyond its end. Althing always does.
    pub(super) durable: bool,
    /// A site looks for readings in what it is told, instead of keeping messages only.
    pub(super) readings: bool,
}

/// A broker that runs. It ends when dropped.
pub(crate) enum Running {
    Site { site: Site, tls: Option<SocketAddr> },
    Other { process: Child, address: SocketAddr },
}

impl Running {
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Site { site, tls } => tls.unwrap_or_else(|| site.mqtt()),
            Self::Other { address, .. } => *address,
        }
    }

    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Site { site, .. } => site.pid(),
            Self::Other { process, .. } => process.id(),
        }
    }

    /// What a site said before something went wrong.
    pub(super) fn tell_last_words(&self) {
        if let Self::Site { site, .. } = self {
            crate::say(&site.last_words());
        }
    }

    /// Lets it end in its own time, so that it can write what it keeps. A site needs no time: it
    /// has written already.
    pub(super) fn end(mut self) -> Result<()> {
        let Self::Other { process, .. } = &mut self else { return Ok(()) };
        let pid = i32::try_from(process.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.context("a process has an id")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let since = Stopwatch::start();
        while process.try_wait()?.is_none() {
            ensure!(since.elapsed() < END_WAIT, "the broker does not end");
            pause(Duration::from_millis(10));
        }
        Ok(())
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
pub(super) fn start_site(
    program: &Program,
    purpose: Purpose<'_>,
    folder: &Path,
) -> Result<Running> {
    let mut program = program.pinned(purpose.core);
    let mut config = String::new();
    if !purpose.readings {
        config.push_str("[history]\nmessages-only = [\"bench/#\"]\n");
    }
    let tls = purpose.tls.map(|certificates| listener(certificates, &mut config)).transpose()?;
    let path = folder.join("althing.toml");
    std::fs::write(&path, config)?;
    program = program.configured(&path);
    let starting = program.start(&folder.join("data"), &folder.join("log"))?;
    let site = starting.ready(READY_WAIT)?;
    Ok(Running::Site { site, tls })
}

/// Adds a listener for TLS to a configuration, and says its address.
fn listener(certificates: &Certificates, config: &mut String) -> Result<SocketAddr> {
    let address = free_address()?;
    write!(
        config,
        "[[mqtt.listener]]\nname = \"bench\"\ntransport = \"tls\"\naddress = \"{address}\"\n\
         certificate = {:?}\nkey = {:?}\n",
        certificates.certificate, certificates.key
    )?;
    Ok(address)
}

/// Starts any other broker on one core, with its committed configuration.
pub(crate) fn start_other(
    peer: Peer,
    programs: &Programs,
    purpose: Purpose<'_>,
    folder: &Path,
) -> Result<Running> {
    let address = free_address()?;
    let store = folder.join("store");
    std::fs::create_dir_all(&store)?;
    let config = |name: &str| config(name, address, purpose, folder);
    let mut command = Command::new("taskset");
    command.args(["-c", &purpose.core.to_string()]);
    match peer {
        Peer::Althing => bail!("althing is started as a site"),
        Peer::Core => {
            command.arg(programs.path(peer, "broker")).arg(address.to_string()).arg(store);
        }
        Peer::Flashmq => {
            let program = programs.path(peer, "flashmq");
            command.arg(program).arg("--config-file").arg(config("flashmq.conf")?);
        }
        Peer::Mosquitto => {
            command.arg(programs.path(peer, "mosquitto")).arg("-c").arg(config("mosquitto.conf")?);
        }
        Peer::Nanomq => {
            let program = programs.path(peer, "nanomq");
            command.arg(program).args(["start", "--conf"]).arg(config("nanomq.conf")?);
        }
        Peer::Nats => {
            command.arg(programs.path(peer, "nats-server")).arg("-c").arg(config("nats.conf")?);
        }
        Peer::Rumqttd => {
            command.arg(programs.path(peer, "rumqttd")).arg("-c").arg(config("rumqttd.toml")?);
        }
        Peer::Limit => {
            let program = programs.path(peer, "bench");
            command.arg(program).args(["forward", "--listen", &address.to_string()]);
        }
    }
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log"))?;
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
pub(super) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A committed configuration with its blanks filled in, below `folder`.
pub(super) fn config(
    name: &str,
    address: SocketAddr,
    purpose: Purpose<'_>,
    folder: &Path,
) -> Result<PathBuf> {
    let template = std::fs::read_to_string(step::root()?.join("bench/peers").join(name))?;
    let lines = template.lines().filter_map(|line| meant(line, purpose));
    let mut text = lines.collect::<Vec<_>>().join("\n") + "\n";
    text = text
        .replace("@PORT@", &address.port().to_string())
        .replace("@DIR@", &folder.join("store").to_string_lossy());
    if let Some(tls) = purpose.tls {
        text = text
            .replace("@CERTIFICATE@", &tls.certificate.to_string_lossy())
            .replace("@KEY@", &tls.key.to_string_lossy());
    }
    let path = folder.join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}

/// A line may begin with what it is for.
fn meant<'a>(line: &'a str, purpose: Purpose<'_>) -> Option<&'a str> {
    let marks = [
        ("@TLS ", purpose.tls.is_some()),
        ("@DURABLE ", purpose.durable),
        ("@MEMORY ", !purpose.durable),
    ];
    let bare = line.trim_start();
    let found = marks.iter().find_map(|(mark, wanted)| Some((bare.strip_prefix(mark)?, *wanted)));
    match found {
        Some((rest, true)) => Some(rest),
        Some((_, false)) => None,
        None => Some(line),
    }
}

#[cfg(test)]
mod tests;
