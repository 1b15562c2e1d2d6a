//! One measurement: a fresh broker, the generator, and what SQL says of it afterwards.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bench::{ConnectReport, DiskReport, LoadReport};
use serde::de::DeserializeOwned;

use super::peers::{self, Peer, Running};
use super::rows::{Row, Unit};
use super::{Plan, table::Outcome};
use crate::step;
use crate::torture::{Program, count_readings};

const DISK_SECONDS: &str = "1";

pub(super) struct Runner<'a> {
    plan: &'a Plan,
    generator: PathBuf,
    /// Only if it takes part.
    althing: Option<Program>,
}

impl<'a> Runner<'a> {
    pub(super) fn new(plan: &'a Plan) -> Result<Self> {
        let generator = build("bench", &["--config", "profile.release.package.bench.opt-level=3"])?;
        if plan.peers.contains(&Peer::Rumqttd) {
            peers::install_rumqttd()?;
        }
        let mut which = plan.which.clone();
        let takes_part = plan.peers.contains(&Peer::Althing);
        if takes_part && which.binary.is_none() {
            which.binary = Some(build("althing", &[])?);
        }
        let althing = if takes_part { Some(Program::find(&which)?) } else { None };
        Ok(Self { plan, generator, althing })
    }

    pub(super) fn measure(&self, peer: Peer, row: &Row) -> Result<Outcome> {
        let prefix = "althing-bench-";
        let mut builder = tempfile::Builder::new();
        let folder = match &self.plan.work {
            Some(work) => builder.prefix(prefix).tempdir_in(work)?,
            None => builder.prefix(prefix).tempdir()?,
        };
        let broker = self.start(peer, folder.path())?;
        self.load(&broker, peer, row, folder.path())
            .with_context(|| format!("{} at {}", peer.name(), row.name))
    }

    fn start(&self, peer: Peer, folder: &Path) -> Result<Running> {
        let core = self.plan.broker_core;
        match (&self.althing, peer) {
            (Some(program), Peer::Althing) => peers::start_site(program, core, folder),
            _ => peers::start_other(peer, &self.generator, core, folder),
        }
    }

    fn load(&self, broker: &Running, peer: Peer, row: &Row, folder: &Path) -> Result<Outcome> {
        let (address, pid) = (broker.address().to_string(), broker.pid().to_string());
        let target = ["--address", &address, "--broker-pid", &pid];
        let seconds = self.plan.seconds.to_string();
        if row.unit == Unit::Connected {
            let flags = [&["connects", "--seconds", &seconds], &target[..], row.flags].concat();
            let report: ConnectReport = self.generate(self.plan.load_core, &flags)?;
            return Ok(Outcome::connects(&report));
        }
        let warm_up = self.plan.warm_up_seconds.to_string();
        let times = ["--seconds", &seconds, "--warm-up-seconds", &warm_up];
        let flags = [&["load"], &times[..], &target[..], row.flags].concat();
        let report: LoadReport = self.generate(self.plan.load_core, &flags)?;
        let mut outcome = Outcome::load(&report, row.unit);
        if row.unit == Unit::AcknowledgeTime {
            let folder = folder.to_string_lossy();
            let flags = ["disk", "--seconds", DISK_SECONDS, "--directory", &folder];
            let disk: DiskReport = self.generate(self.plan.broker_core, &flags)?;
            outcome.disk_us = Some(disk.sync.p50);
        }
        if let (Some(each), Peer::Althing, Running::Site(site)) = (row.readings, peer, broker) {
            let found = count_readings(site)?;
            outcome.readings_missing = (report.acknowledged_ever * each).saturating_sub(found);
            outcome.readings_extra = found.saturating_sub(report.sent * each);
        }
        Ok(outcome)
    }

    fn generate<T: DeserializeOwned>(&self, core: u32, flags: &[&str]) -> Result<T> {
        let mut command = Command::new("taskset");
        command.args(["-c", &core.to_string()]).arg(&self.generator).args(flags);
        let output = command.output().context("cannot start the generator")?;
        ensure!(
            output.status.success(),
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// Optimised, because that is what is compared.
fn build(package: &str, flags: &[&str]) -> Result<PathBuf> {
    let what = ["build", "--release", "--locked", "--package", package];
    step::run("cargo", &[&what[..], flags].concat())?;
    Ok(step::workspace()?.target_directory.into_std_path_buf().join("release").join(package))
}
