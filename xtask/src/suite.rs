//! `cargo xtask test`: everything that must hold before a change is taken.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::clock::Stopwatch;
use crate::torture::{Torture, Which, kill, power};
use crate::{browser, setup, step, torture};

#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// Leaves out the console in a browser.
    #[arg(long)]
    pub no_browser: bool,
    /// Leaves out the slices of torture.
    #[arg(long)]
    pub no_torture: bool,
}

const KILL_CYCLES: u64 = 10;
const POWER_IMAGES: u64 = 5;

/// # Errors
/// When anything does not hold.
pub fn run(plan: &Plan) -> Result<()> {
    let mut suite = Suite::default();
    suite.take("what it needs", || install(plan));
    suite.take("format", || step::run("cargo", &["fmt", "--all", "--check"]));
    suite.take("clippy", clippy);
    suite.take("tests", tests);
    suite.take("examples in documentation", || {
        step::run("cargo", &["test", "--workspace", "--locked", "--doc"])
    });
    if !plan.no_torture {
        suite.take("kill -9, a slice", kill_slice);
        if setup::power_can_be_cut() {
            suite.take("power cuts, a slice", power_slice);
        } else {
            crate::say("power cuts are left out: they need root, /dev/fuse and loop devices");
        }
    }
    if !plan.no_browser {
        suite.take("console in a browser", || browser::run(&browser::Plan::default()));
    }
    suite.end()
}

fn install(plan: &Plan) -> Result<()> {
    setup::install(setup::COMPILER)?;
    if !plan.no_browser {
        setup::install(setup::BROWSER)?;
    }
    if !plan.no_torture && setup::power_can_be_cut() {
        setup::install(setup::POWER)?;
    }
    Ok(())
}

fn clippy() -> Result<()> {
    let scope = ["clippy", "--workspace", "--all-targets", "--locked", "--"];
    step::run("cargo", &[&scope[..], &["-D", "warnings"]].concat())
}

/// With nextest where it is installed: it runs the same tests, each in a process of its own.
fn tests() -> Result<()> {
    if std::process::Command::new("cargo-nextest").arg("--version").output().is_ok() {
        return step::run("cargo", &["nextest", "run", "--workspace", "--locked"]);
    }
    step::run("cargo", &["test", "--workspace", "--locked", "--lib", "--bins", "--tests"])
}

fn kill_slice() -> Result<()> {
    let plan = kill::Plan {
        cycles: KILL_CYCLES,
        seed: 1,
        devices: 8,
        load: 4000,
        which: Which::default(),
    };
    torture::run(&Torture::Kill(plan))
}

fn power_slice() -> Result<()> {
    let plan = power::Plan {
        images: POWER_IMAGES,
        images_per_recording: POWER_IMAGES,
        seed: 1,
        devices: 8,
        load: 5000,
        which: Which::default(),
    };
    torture::run(&Torture::Power(plan))
}

#[derive(Debug, Default)]
struct Suite {
    steps: Vec<(&'static str, Duration, Option<anyhow::Error>)>,
}

impl Suite {
    /// A failure does not keep the rest from running: one run tells all that is wrong.
    fn take(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) {
        crate::say(&format!("\n== {name}"));
        let since = Stopwatch::start();
        let fault = step().err();
        if let Some(fault) = &fault {
            crate::say(&format!("{fault:#}"));
        }
        self.steps.push((name, since.elapsed(), fault));
    }

    fn end(self) -> Result<()> {
        crate::say("\n== summary");
        for (name, took, fault) in &self.steps {
            let state = if fault.is_none() { "ok" } else { "FAILED" };
            crate::say(&format!("{state:>6}  {:6.1} s  {name}", took.as_secs_f64()));
        }
        let failed: Vec<_> =
            self.steps.iter().filter(|step| step.2.is_some()).map(|step| step.0).collect();
        if !failed.is_empty() {
            bail!("failed: {}", failed.join(", "));
        }
        Ok(())
    }
}
