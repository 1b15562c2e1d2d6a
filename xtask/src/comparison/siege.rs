//! A steady flow between good clients, watched while something bad goes on beside it.

use std::time::Duration;

use anyhow::Result;
use bench::LoadReport;

use super::figures::median;
use super::generator::Asked;
use super::peers::Running;
use super::runner::{Runner, target};
use crate::clock::pause;

/// What is bad gives way to what is measured, on the core that both share.
pub(super) const NICE: u32 = 15;

/// Microseconds of 99 of 100.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Phase {
    pub acknowledge_us: f64,
    pub deliver_us: f64,
}

pub(super) struct Flow(Asked);

impl Flow {
    pub(super) fn start(runner: &Runner<'_>, broker: &Running, flags: &[&str]) -> Result<Self> {
        let target = target(broker);
        let mut line = vec!["watch"];
        line.extend(target.iter().map(String::as_str));
        line.extend(flags);
        Ok(Self(runner.generator.start(runner.field.load_core, 0, &line)?))
    }

    /// What was so far is not looked at.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.0.ask::<LoadReport>()?;
        Ok(())
    }

    /// Since `begin`.
    pub(super) fn end(&mut self) -> Result<Phase> {
        let report: LoadReport = self.0.ask()?;
        anyhow::ensure!(report.delivered > 0, "nothing was delivered in this phase");
        Ok(Phase { acknowledge_us: report.acknowledge.p99, deliver_us: report.deliver.p99 })
    }

    pub(super) fn watch(&mut self, seconds: f64) -> Result<Phase> {
        self.begin()?;
        pause(Duration::try_from_secs_f64(seconds)?);
        self.end()
    }

    /// Messages that never arrived.
    pub(super) fn finish(self) -> Result<u64> {
        let report: LoadReport = self.0.finish()?;
        Ok(report.lost)
    }
}

/// Phases without and with the bad, by turns.
#[derive(Clone, Debug, Default)]
pub(super) struct Phases {
    pub before: Vec<Phase>,
    pub during: Vec<Phase>,
}

impl Phases {
    /// Median before, median during, and how many times as long.
    fn compare(&self, part: impl Fn(&Phase) -> f64) -> (f64, f64, f64) {
        let over = |phases: &[Phase]| median(phases.iter().map(&part).collect());
        let (before, during) = (over(&self.before), over(&self.during));
        (before, during, during / before)
    }

    pub(super) fn describe(&self, acknowledged: bool) -> String {
        let words = |name: &str, part: fn(&Phase) -> f64| {
            let (before, during, ratio) = self.compare(part);
            format!("{name} p99 {before:.0} -> {during:.0} us ({ratio:.2} times)")
        };
        let deliver = words("arrival", |phase| phase.deliver_us);
        if !acknowledged {
            return deliver;
        }
        format!("{deliver}, {}", words("PUBACK", |phase| phase.acknowledge_us))
    }
}

#[cfg(test)]
mod tests;
