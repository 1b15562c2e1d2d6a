//! The program under torture, as a process.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Which;
use crate::clock::Stopwatch;

/// Lines on standard output before `ready`: the two addresses and a few more.
const LINES_MAX: usize = 64;

#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    first: Vec<String>,
    last: Vec<String>,
}

impl Program {
    /// # Errors
    /// When `althing` has to be built and that fails.
    pub fn find(which: &Which) -> Result<Self> {
        let path = match &which.binary {
            Some(path) => path.clone(),
            None => crate::step::build_althing()?,
        };
        Ok(Self { path, first: which.binary_args.clone(), last: which.serve_args.clone() })
    }

    /// As `find`, with everything small that is usually large.
    ///
    /// # Errors
    /// As `find`.
    pub fn find_to_torture(which: &Which) -> Result<Self> {
        let program = Self::find(which)?;
        if which.as_shipped {
            return Ok(program);
        }
        Ok(program.configured(&crate::step::root()?.join("xtask/torture.toml")))
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A program that is pinned to one core of the machine.
    #[must_use]
    pub fn pinned(&self, core: u32) -> Self {
        let mut first = vec!["-c".to_owned(), core.to_string(), self.path.display().to_string()];
        first.extend(self.first.iter().cloned());
        Self { path: "taskset".into(), first, last: self.last.clone() }
    }

    /// A program that reads a configuration file.
    #[must_use]
    pub fn configured(&self, config: &Path) -> Self {
        let mut program = self.clone();
        program.last.splice(0..0, ["--config".to_owned(), config.display().to_string()]);
        program
    }

    /// What it says on standard error is appended to `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, data: &Path, log: &Path) -> Result<Starting> {
        self.spawn("serve", data, &["--anonymous"], log)
    }

    /// As `start`, with simulated devices.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_demo(&self, data: &Path, log: &Path) -> Result<Starting> {
        self.spawn("demo", data, &[], log)
    }

    fn spawn(&self, verb: &str, data: &Path, flags: &[&str], log: &Path) -> Result<Starting> {
        let log_file = File::options().create(true).append(true).open(log)?;
        let mut child = Command::new(&self.path)
            .args(&self.first)
            .args([verb, "--data"])
            .arg(data)
            .args(["--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .args(["--postgres", "127.0.0.1:0"])
            .args(flags)
            .args(&self.last)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .with_context(|| format!("cannot start {}", self.path.display()))?;
        let output = child.stdout.take().context("standard output is a pipe")?;
        let (sender, lines) = sync_channel(LINES_MAX);
        // Ends with the process; whatever it says after `ready` is read and dropped.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.try_send(line).is_err() {
                    continue;
                }
            }
        });
        Ok(Starting { process: Process(child), lines, since: Stopwatch::start(), log: log.into() })
    }
}

/// Kills what it holds: nothing that was started here outlives its owner.
#[derive(Debug)]
struct Process(Child);

impl Process {
    fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        drop(self.kill());
    }
}

#[derive(Debug)]
pub struct Starting {
    process: Process,
    lines: Receiver<String>,
    since: Stopwatch,
    log: PathBuf,
}

impl Starting {
    /// # Errors
    /// When the process cannot be killed.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()
    }

    /// # Errors
    /// When it ends before it is ready, or takes longer than `longest`.
    pub fn ready(mut self, longest: Duration) -> Result<Site> {
        let (mut mqtt, mut http, mut postgres) = (None, None, None);
        loop {
            let left = longest.saturating_sub(self.since.elapsed());
            let Ok(line) = self.lines.recv_timeout(left) else {
                let state = self.process.0.try_wait()?;
                let tail = tail(&self.log);
                match state {
                    Some(status) => bail!("the site ended with {status} before ready\n{tail}"),
                    None => bail!("the site was not ready within {longest:?}\n{tail}"),
                }
            };
            match line.split_once(' ') {
                Some(("mqtt", address)) => mqtt = Some(address.parse::<SocketAddr>()?),
                Some(("http", address)) => http = Some(address.parse::<SocketAddr>()?),
                Some(("postgres", address)) => postgres = Some(address.parse::<SocketAddr>()?),
                _ if line == "ready" => break,
                _ => {}
            }
        }
        let opened = self.since.elapsed();
        let mqtt = mqtt.context("the site told no mqtt address")?;
        let http = http.context("the site told no http address")?;
        Ok(Site { process: self.process, mqtt, http, postgres, opened, log: self.log })
    }
}

/// A site that is open.
#[derive(Debug)]
pub struct Site {
    process: Process,
    mqtt: SocketAddr,
    http: SocketAddr,
    /// Sites of older versions have none.
    postgres: Option<SocketAddr>,
    opened: Duration,
    log: PathBuf,
}

impl Site {
    #[must_use]
    pub const fn mqtt(&self) -> SocketAddr {
        self.mqtt
    }

    #[must_use]
    pub const fn http(&self) -> SocketAddr {
        self.http
    }

    #[must_use]
    pub const fn postgres(&self) -> Option<SocketAddr> {
        self.postgres
    }

    /// From the start of the process to `ready`.
    #[must_use]
    pub const fn opened(&self) -> Duration {
        self.opened
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// # Errors
    /// When the process is gone already: it ended by itself.
    pub fn kill(mut self) -> Result<()> {
        if let Some(status) = self.process.0.try_wait()? {
            bail!("the site ended by itself with {status}\n{}", tail(&self.log));
        }
        self.process.kill()
    }

    /// What it said last on standard error.
    #[must_use]
    pub fn last_words(&self) -> String {
        tail(&self.log)
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}
