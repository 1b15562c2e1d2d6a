//! One measurement: a fresh broker, the generator, and what SQL says of it afterwards.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use bench::{ConnectReport, DiskReport, LoadReport};
use tempfile::TempDir;

use super::certificates::Certificates;
use super::generator::Generator;
use super::peers::{self, Peer, Programs, Purpose, Running};
use super::rows::{Pace, Row, Unit};
use super::{Field, Plan, table::Outcome};
use crate::step;
use crate::torture::{Program, count_readings};

/// The generator shall never be what is measured.
pub(super) const GENERATOR_FLAGS: &[&str] =
    &["--config", "profile.release.package.bench.opt-level=3"];

const DISK_SECONDS: f64 = 1.0;

/// At a given rate, no window of a publisher shall be what limits it.
const WIDE: &str = "--window=1000";

pub(super) struct Runner<'a> {
    pub(super) field: &'a Field,
    pub(super) generator: Generator,
    programs: Programs,
    /// Only if it takes part.
    althing: Option<Program>,
    pub(super) certificates: Certificates,
    /// The certificates are in it.
    _folder: TempDir,
}

impl<'a> Runner<'a> {
    pub(super) fn new(field: &'a Field) -> Result<Self> {
        raise_descriptor_limit()?;
        let generator = Generator::new(build("bench", GENERATOR_FLAGS)?);
        let programs = Programs::find(&field.peers, &field.sources, generator.path())?;
        let mut which = field.which.clone();
        let takes_part = field.peers.contains(&Peer::Althing);
        if takes_part && which.binary.is_none() {
            which.binary = Some(build("althing", &[])?);
        }
        let althing = if takes_part { Some(Program::find(&which)?) } else { None };
        let folder = tempfile::tempdir()?;
        let certificates = Certificates::make(folder.path())?;
        Ok(Self { field, generator, programs, althing, certificates, _folder: folder })
    }

    /// An empty directory for a broker.
    pub(super) fn folder(&self) -> Result<TempDir> {
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix("althing-bench-");
        Ok(match &self.field.work {
            Some(work) => builder.tempdir_in(work)?,
            None => builder.tempdir()?,
        })
    }

    pub(super) fn start(&self, peer: Peer, tls: bool, folder: &Path) -> Result<Running> {
        self.start_for(peer, self.purpose(tls), folder)
    }

    pub(super) fn start_durable(&self, peer: Peer, folder: &Path) -> Result<Running> {
        self.start_for(peer, Purpose { durable: true, ..self.purpose(false) }, folder)
    }

    fn purpose(&self, tls: bool) -> Purpose<'_> {
        let tls = tls.then_some(&self.certificates);
        Purpose { core: self.field.broker_core, tls, durable: false, readings: false }
    }

    fn start_for(&self, peer: Peer, purpose: Purpose<'_>, folder: &Path) -> Result<Running> {
        match (&self.althing, peer) {
            (Some(program), Peer::Althing) => peers::start_site(program, purpose, folder),
            _ => peers::start_other(peer, &self.programs, purpose, folder),
        }
    }

    pub(super) fn measure(&self, peer: Peer, row: &Row, plan: &Plan) -> Result<Outcome> {
        let rate = match row.pace {
            Pace::Full => None,
            Pace::Rate(rate) => Some(rate),
            Pace::Half => Some(self.saturate(peer, row, plan)? / 2),
        };
        let folder = self.folder()?;
        let readings = row.readings.is_some();
        let purpose = Purpose { readings, ..self.purpose(row.tls) };
        let broker = self.start_for(peer, purpose, folder.path())?;
        let done = self.measure_at(&broker, row, rate, (plan, folder.path()));
        done.inspect_err(|_| broker.tell_last_words())
    }

    fn measure_at(
        &self,
        broker: &Running,
        row: &Row,
        rate: Option<u32>,
        (plan, folder): (&Plan, &Path),
    ) -> Result<Outcome> {
        if row.unit == Unit::Connected {
            return self.connect(broker, row, plan.seconds);
        }
        let report = self.load(broker, row, rate, plan)?;
        let mut outcome = Outcome::load(&report, row.unit);
        ensure!(outcome.per_second > 0.0, "nothing arrived");
        if row.unit == Unit::AcknowledgeTime {
            outcome.disk_us = Some(self.disk(folder)?.sync.p50);
        }
        if let (Some(each), Running::Site { site, .. }) = (row.readings, broker) {
            let found = count_readings(site)?;
            outcome.readings_missing = (report.acknowledged_ever * each).saturating_sub(found);
            outcome.readings_extra = found.saturating_sub(report.sent * each);
        }
        Ok(outcome)
    }

    /// Messages a second that a fresh broker takes and delivers at most.
    fn saturate(&self, peer: Peer, row: &Row, plan: &Plan) -> Result<u32> {
        let folder = self.folder()?;
        let broker = self.start(peer, row.tls, folder.path())?;
        let report = self.load(&broker, row, None, plan)?;
        let outcome = Outcome::load(&report, Unit::Delivered);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "messages a second of one machine"
        )]
        let rate = outcome.per_second as u32;
        ensure!(rate > 1, "nothing was delivered at full load");
        Ok(rate)
    }

    fn connect(&self, broker: &Running, row: &Row, seconds: f64) -> Result<Outcome> {
        let authority = self.certificates.authority.to_string_lossy();
        let tls = if row.tls { vec!["--tls-ca", &authority] } else { Vec::new() };
        let (target, time) = (target(broker), seconds.to_string());
        let mut flags = vec!["connects", "--seconds", &time];
        flags.extend(target.iter().map(String::as_str));
        flags.extend(tls);
        let report: ConnectReport = self.generator.run(self.field.load_core, seconds, &flags)?;
        Ok(Outcome::connects(&report))
    }

    /// `bench load`; without a rate, as fast as the windows allow.
    pub(super) fn load(
        &self,
        broker: &Running,
        row: &Row,
        rate: Option<u32>,
        plan: &Plan,
    ) -> Result<LoadReport> {
        let (seconds, warm_up) = (plan.seconds.to_string(), plan.warm_up_seconds.to_string());
        let (target, rate_text) = (target(broker), rate.unwrap_or_default().to_string());
        let mut flags = vec!["load", "--seconds", &seconds, "--warm-up-seconds", &warm_up];
        flags.extend(target.iter().map(String::as_str));
        flags.extend(row.flags);
        match rate {
            None => flags.extend(row.windows),
            Some(_) => flags.extend(["--rate", &rate_text, WIDE]),
        }
        self.generator.run(self.field.load_core, plan.seconds + plan.warm_up_seconds, &flags)
    }

    fn disk(&self, folder: &Path) -> Result<DiskReport> {
        let (time, folder) = (DISK_SECONDS.to_string(), folder.to_string_lossy());
        let flags = ["disk", "--seconds", &time, "--directory", &folder];
        self.generator.run(self.field.broker_core, DISK_SECONDS, &flags)
    }
}

/// Flags that tell the generator whom to load.
pub(super) fn target(broker: &Running) -> [String; 4] {
    let (address, pid) = (broker.address().to_string(), broker.pid().to_string());
    ["--address".to_owned(), address, "--broker-pid".to_owned(), pid]
}

/// Optimised, because that is what is compared.
pub(super) fn build(package: &str, flags: &[&str]) -> Result<PathBuf> {
    let what = ["build", "--release", "--locked", "--package", package];
    step::run("cargo", &[&what[..], flags].concat())?;
    Ok(step::workspace()?.target_directory.into_std_path_buf().join("release").join(package))
}

/// As many files as the system lets us have: brokers and generators inherit it.
fn raise_descriptor_limit() -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}
