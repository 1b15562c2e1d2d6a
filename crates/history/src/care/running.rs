//! The thread that works for the files while ingest goes on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use model::Timestamp;

use crate::care::work::{Done, Work};

#[derive(Debug)]
pub(super) struct Running {
    stop: Arc<AtomicBool>,
    pub(super) since: Timestamp,
    thread: JoinHandle<Done>,
}

impl Running {
    pub(super) fn begin(work: Work, now: Timestamp) -> io::Result<Self> {
        let (stop, since) = (work.stop(), now);
        let body = move || {
            give_way();
            work.run()
        };
        let thread = std::thread::Builder::new().name("history-merge".to_owned()).spawn(body)?;
        Ok(Self { stop, since, thread })
    }

    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    pub(super) fn end(self) -> Done {
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// What is in the making is of no use to anybody.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        if self.thread.join().is_err() {
            tracing::error!("the merge that was stopped had panicked");
        }
    }
}

/// Merging and moving can wait: devices and people cannot.
pub(crate) fn give_way() {
    const NICE: i32 = 10;
    let me = rustix::thread::gettid();
    if let Err(fault) = rustix::process::setpriority_process(Some(me), NICE) {
        tracing::debug!(%fault, "care has the priority of everything else");
    }
}
