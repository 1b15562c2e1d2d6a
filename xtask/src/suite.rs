//! `cargo xtask test`: everything that must hold before a change is taken.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::clock::Stopwatch;
use crate::torture::{Torture, Which, bridge, kill, power};
use crate::{browser, conformance, differential, setup, spec, step, torture};

#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// Leaves out the console in a browser.
    #[arg(long)]
    pub no_browser: bool,
    /// Leaves out the slices of torture.
    #[arg(long)]
    pub no_torture: bool,
}

const DIFFERENTIAL_PACKETS: u64 = 100_000;
const KILL_CYCLES: u64 = 10;
const POWER_IMAGES: u64 = 5;
const CUT_SECONDS: u64 = 2;

/// # Errors
/// When anything does not hold.
pub fn run(plan: &Plan) -> Result<()> {
    let mut suite = Suite::default();
    suite.take("what it needs", || setup::install(setup::COMPILER));
    suite.take("format", || step::run("cargo", &["fmt", "--all", "--check"]));
    suite.take("clippy", clippy);
    suite
        .take("statements of the standards", || spec::run(&spec::Plan { check: true, all: false }));
    suite.take("tests", tests);
    suite.take("examples in documentation", || {
        step::run("cargo", &["test", "--workspace", "--locked", "--doc"])
    });
    if let Err(fault) = setup::install(setup::CLIENTS) {
        suite.leave_out("foreign clients", &format!("{fault:#}"));
    } else {
        suite.take("foreign clients", || conformance::run(&conformance::Plan::default()));
    }
    if let Err(fault) = setup::install(setup::MOSQUITTO) {
        suite.leave_out("beside mosquitto", &format!("{fault:#}"));
    } else {
        suite.take("beside mosquitto, a slice", differential_slice);
    }
    match plan.no_torture {
        true => suite.leave_out("torture", "asked for"),
        false => torture_slices(&mut suite),
    }
    if plan.no_browser {
        suite.leave_out("console in a browser", "asked for");
    } else if let Err(fault) = setup::install(setup::BROWSER) {
        suite.leave_out("console in a browser", &format!("{fault:#}"));
    } else {
        suite.take("console in a browser", || browser::run(&browser::Plan::default()));
    }
    suite.end()
}

fn torture_slices(suite: &mut Suite) {
    suite.take("kill -9, a slice", kill_slice);
    if let Err(fault) = setup::install(setup::MOSQUITTO) {
        suite.leave_out("a bridge over a link that is cut", &format!("{fault:#}"));
    } else {
        suite.take("a bridge over a link that is cut, a slice", bridge_slice);
    }
    if !setup::power_can_be_cut() {
        suite.leave_out("power cuts", "they need root, /dev/fuse and loop devices");
    } else if let Err(fault) = setup::install(setup::POWER) {
        suite.leave_out("power cuts", &format!("{fault:#}"));
    } else {
        suite.take("power cuts, a slice", power_slice);
    }
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

fn differential_slice() -> Result<()> {
    differential::run(&differential::Plan {
        packets: DIFFERENTIAL_PACKETS,
        seed: 1,
        lanes: 16,
        script: None,
        which: Which::default(),
    })
}

fn kill_slice() -> Result<()> {
    let plan = kill::Plan {
        cycles: KILL_CYCLES,
        seed: 1,
        devices: 8,
        load: 4000,
        patience: 30,
        which: Which::default(),
    };
    torture::run(&Torture::Kill(plan))
}

fn bridge_slice() -> Result<()> {
    let plan = bridge::Plan {
        cut: CUT_SECONDS,
        publishers: 4,
        rate: 50,
        seed: 1,
        no_kill: false,
        patience: 120,
        alone: false,
        which: Which::default(),
    };
    torture::run(&Torture::Bridge(plan))
}

fn power_slice() -> Result<()> {
    let plan = power::Plan {
        images: POWER_IMAGES,
        images_per_recording: POWER_IMAGES,
        seed: 1,
        devices: 8,
        load: 5000,
        patience: 30,
        which: Which::default(),
    };
    torture::run(&Torture::Power(plan))
}

#[derive(Debug)]
enum State {
    Held,
    Broken,
    LeftOut,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    took: Duration,
    state: State,
}

#[derive(Debug, Default)]
struct Suite {
    steps: Vec<Step>,
}

impl Suite {
    /// A failure does not keep the rest from running: one run tells all that is wrong.
    fn take(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) {
        crate::say(&format!("\n== {name}"));
        let since = Stopwatch::start();
        let state = match step() {
            Ok(()) => State::Held,
            Err(fault) => {
                crate::say(&format!("{fault:#}"));
                State::Broken
            }
        };
        self.steps.push(Step { name, took: since.elapsed(), state });
    }

    fn leave_out(&mut self, name: &'static str, why: &str) {
        crate::say(&format!("\n== {name}: left out, {why}"));
        self.steps.push(Step { name, took: Duration::ZERO, state: State::LeftOut });
    }

    fn end(self) -> Result<()> {
        crate::say("\n== summary");
        let mut broken = Vec::new();
        for Step { name, took, state } in self.steps {
            let word = match state {
                State::Held => "ok",
                State::Broken => "FAILED",
                State::LeftOut => "left out",
            };
            crate::say(&format!("{word:>8}  {:6.1} s  {name}", took.as_secs_f64()));
            if matches!(state, State::Broken) {
                broken.push(name);
            }
        }
        if !broken.is_empty() {
            bail!("failed: {}", broken.join(", "));
        }
        Ok(())
    }
}
