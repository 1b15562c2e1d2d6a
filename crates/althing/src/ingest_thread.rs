//! The thread that reads the journal into history, and moves the horizon as it goes.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use edge::Clock;
use history::Room;
use ingest::{Ingest, Source};
use journal::{Follower, Journal, ReadFault, TailEnd};
use model::promise::ReaderMark;
use model::{Horizon, Position};

/// How often an idle site looks whether its hot tail has grown old.
const IDLE: Duration = Duration::from_millis(500);

/// The same while files are looked after: what comes next should not wait long, and costs little.
const TENDING: Duration = Duration::from_millis(20);

/// How long the thread waits for the disk, or for a flush, before it looks again.
const WAIT: Duration = Duration::from_millis(1);

/// What the thread works with.
pub(crate) struct IngestWork {
    pub(crate) ingest: Ingest,
    pub(crate) follower: Follower,
    pub(crate) mark: ReaderMark,
    pub(crate) journal: Journal,
    pub(crate) horizon: Arc<Horizon>,
    pub(crate) clock: Clock,
    /// When the newest record that history holds was received.
    pub(crate) received_at: Arc<AtomicI64>,
    /// The site stops: nobody waits for room any more.
    pub(crate) stop: Arc<AtomicBool>,
}

pub(crate) type IngestThread = JoinHandle<anyhow::Result<()>>;

impl IngestWork {
    /// Takes in what the journal held when the site started, on the caller's thread.
    pub(crate) fn replay(&mut self, to: Position) -> anyhow::Result<()> {
        while self.ingest.taken() < to {
            ensure!(self.step(Source::Replay)?.is_continue(), "the journal stopped at the start");
        }
        Ok(())
    }

    /// Runs until the journal has stopped and all of it was taken in. When it fails the process ends: what it had not taken in
    /// was not acknowledged.
    pub(crate) fn spawn(
        mut self,
        on_failure: impl FnOnce() + Send + 'static,
    ) -> anyhow::Result<IngestThread> {
        let body = move || {
            let outcome = self.run();
            if outcome.is_err() {
                on_failure();
            }
            outcome
        };
        std::thread::Builder::new()
            .name("ingest".to_owned())
            .spawn(body)
            .context("the ingest thread could not be started")
    }

    fn run(&mut self) -> anyhow::Result<()> {
        while self.step(Source::Live)?.is_continue() {}
        Ok(())
    }

    /// One batch, if there is one, and whatever the tables need. Breaks at the journal's end.
    fn step(&mut self, source: Source) -> anyhow::Result<ControlFlow<()>> {
        let longest = if self.ingest.is_tending() { TENDING } else { IDLE };
        let batch = match self.follower.recv(longest) {
            Err(ReadFault::Stopped(TailEnd::Stopped)) => return Ok(ControlFlow::Break(())),
            outcome => outcome.context("the journal cannot be read")?,
        };
        if let Some(batch) = batch {
            let mut room = self.ingest.take(&batch, source)?;
            self.received_at.store(batch.time().micros(), Ordering::Release);
            self.mark.advance(self.ingest.taken());
            while room == Room::Full && !self.stop.load(Ordering::Acquire) {
                std::thread::park_timeout(WAIT);
                room =
                    self.ingest.make_room(self.horizon.committed(), self.clock.now().timestamp)?;
            }
        }
        let flushed = self.ingest.tend(self.horizon.committed(), self.clock.now().timestamp)?;
        if let Some(position) = flushed {
            self.journal.retain_from(position.next());
        }
        Ok(ControlFlow::Continue(()))
    }
}
