//! A site under load until it is killed: devices publish, a subscriber listens, SQL is asked.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;
use std::time::Duration;

use anyhow::{Result, bail};

use super::Verdict;
use super::device::{Device, Memory, Script};
use super::ledger::Ledger;
use super::listener::Listener;
use super::sampler::sample;
use super::site::Site;
use crate::clock;

/// A site under load that acknowledges nothing for so long is stuck.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Who takes part.
#[derive(Debug)]
pub(super) struct Crew<'a> {
    pub scripts: Vec<Script>,
    pub memories: &'a mut [Memory],
    pub listener: &'a mut Listener,
}

/// When the kill comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Messages acknowledged in the whole run.
    pub goal: u64,
    /// SQL takes longer than a short load: a patient kill waits for an answer of it.
    pub patient: bool,
    /// And so long after that.
    pub jitter: Duration,
}

#[derive(Debug)]
pub(super) struct Load<'a> {
    ledger: &'a Ledger,
    epoch_ms: i64,
    mqtt: SocketAddr,
    http: SocketAddr,
    killed: AtomicBool,
}

impl<'a> Load<'a> {
    #[must_use]
    pub(super) fn new(ledger: &'a Ledger, epoch_ms: i64, site: &Site) -> Self {
        ledger.begin();
        let (mqtt, http) = (site.mqtt(), site.http());
        Self { ledger, epoch_ms, mqtt, http, killed: AtomicBool::new(false) }
    }

    /// Says what SQL said in the meantime.
    ///
    /// # Errors
    /// When a connection ends by itself, nothing is acknowledged any more, or SQL does not answer.
    pub(super) fn run(&self, crew: Crew<'_>, moment: Moment, site: Site) -> Result<Verdict> {
        let samples = std::thread::scope(|scope| {
            self.spawn(scope, crew);
            let sampler =
                scope.spawn(|| sample(self.ledger, self.http, self.epoch_ms, &self.killed));
            let reached = self.wait(moment);
            self.killed.store(true, Ordering::SeqCst);
            let ended = site.kill();
            let samples = sampler.join();
            reached?;
            ended.map(|()| samples)
        })?;
        samples.map_err(|_panic| anyhow::anyhow!("the sampler panicked"))?
    }

    fn spawn<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, crew: Crew<'scope>) {
        for (script, memory) in crew.scripts.into_iter().zip(crew.memories) {
            scope.spawn(move || {
                let Err(end) = Device::new(script, memory, self.ledger, None).run(self.mqtt);
                self.ledger.connection_ended(&end);
            });
        }
        let listener = crew.listener;
        scope.spawn(move || {
            if let Err(end) = listener.attend(self.mqtt, &self.killed) {
                self.ledger.connection_ended(&end);
            }
        });
    }

    fn wait(&self, moment: Moment) -> Result<()> {
        let reached = self.ledger.wait_for(moment.goal, SILENCE_MAX);
        if reached && moment.patient {
            self.ledger.wait_for_sample(SILENCE_MAX);
        }
        clock::pause(moment.jitter);
        match self.ledger.first_end() {
            Some(why) => bail!("a connection ended by itself: {why}"),
            None if !reached => bail!("nothing was acknowledged for {SILENCE_MAX:?}"),
            None => Ok(()),
        }
    }
}
