//! The load generator as a process: asked once, or kept and asked again.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;

/// The longest that the generator waits for a broker by itself, and then some. After it, it has
/// hung, and so has the row.
const GRACE_SECONDS: f64 = 180.0;

#[derive(Clone, Debug)]
pub(super) struct Generator {
    path: PathBuf,
}

impl Generator {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it to its end, which is due after some seconds.
    pub(super) fn run<T: DeserializeOwned>(
        &self,
        core: u32,
        seconds: f64,
        flags: &[&str],
    ) -> Result<T> {
        let mut command = Command::new("timeout");
        let longest = (seconds + GRACE_SECONDS).to_string();
        command.args(["--signal=KILL", &longest, "taskset", "-c", &core.to_string()]);
        let output = command.arg(&self.path).args(flags).output();
        let output = output.context("cannot start the generator")?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let words = words.trim();
            bail!(
                "{}",
                if words.is_empty() { "the generator got no answer in time" } else { words }
            );
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Starts it to be asked. `nice` makes it give way to others on its core.
    pub(super) fn start(&self, core: u32, nice: u32, flags: &[&str]) -> Result<Asked> {
        let mut command = Command::new("nice");
        command.args(["-n", &nice.to_string(), "taskset", "-c", &core.to_string()]);
        command.arg(&self.path).args(flags).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("cannot start the generator")?;
        let answers = process.stdout.take().context("standard output is a pipe")?;
        Ok(Asked { process, answers: BufReader::new(answers) })
    }
}

/// A generator that goes on until it is dropped or finished.
#[derive(Debug)]
pub(super) struct Asked {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Asked {
    /// What it says next by itself.
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the generator ended with {}", self.process.wait()?);
        }
        Ok(serde_json::from_str(&line)?)
    }

    pub(super) fn ask<T: DeserializeOwned>(&mut self) -> Result<T> {
        let questions = self.process.stdin.as_mut().context("standard input is a pipe")?;
        questions.write_all(b"\n").context("the generator is gone")?;
        self.next()
    }

    /// Its last report.
    pub(super) fn finish<T: DeserializeOwned>(mut self) -> Result<T> {
        drop(self.process.stdin.take());
        self.next()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
