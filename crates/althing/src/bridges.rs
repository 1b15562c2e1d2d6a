//! The bridges of a site, from its start to its stop.

use std::sync::Arc;

use anyhow::Context as _;
use bridge::{Line, Plan, Running, Shell};
use edge::{Clock, Within};
use model::Meter;

/// All bridges, with their names.
#[derive(Debug, Default)]
pub(crate) struct Bridges(Vec<(Box<str>, Running)>);

impl Bridges {
    pub(crate) fn start(
        plans: &[Plan],
        within: &Within,
        clock: Clock,
        (meter, secret): (&Arc<Meter>, u64),
    ) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for (number, plan) in (1_u64..).zip(plans) {
            let within = within.clone();
            let shell = Shell {
                dial_site: Box::new(move || within.connect().and_then(Line::within)),
                now: Box::new(move || clock.now().moment),
                meter: Arc::clone(meter),
                identity: secret,
                seed: secret.rotate_left(17).wrapping_add(number),
            };
            let running = Running::start(plan, shell);
            all.push((
                plan.name.clone(),
                running.with_context(|| format!("bridge {}", plan.name))?,
            ));
        }
        Ok(Self(all))
    }

    /// Names, and ways to ask whether each is connected.
    pub(crate) fn watch(&self) -> Vec<(Box<str>, api::Watched)> {
        let each = self.0.iter();
        each.map(|(name, running)| (name.clone(), Arc::new(running.watch()) as api::Watched))
            .collect()
    }

    pub(crate) fn stop(self) -> anyhow::Result<()> {
        for (name, running) in self.0 {
            running.stop().with_context(|| format!("bridge {name}"))?;
        }
        Ok(())
    }
}
