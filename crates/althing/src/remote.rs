//! The object store of a site, from its configuration.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use edge::Clock;
use history::remote::RemoteOptions;
use model::Meter;

/// What a site needs to know of its store.
#[derive(Clone, Debug)]
pub(crate) struct RemotePlan {
    pub(crate) store: s3::Options,
    /// Days that ended so long ago move.
    pub(crate) after: Duration,
    pub(crate) cache_bytes: usize,
    pub(crate) take_over: Option<String>,
}

impl RemotePlan {
    /// Nothing is asked of the store: a site starts without it.
    pub(crate) fn open(&self, clock: Clock, meter: &Arc<Meter>) -> anyhow::Result<RemoteOptions> {
        let clock = s3::Clock::new(move || clock.now().timestamp);
        let client = s3::Client::new(&self.store, clock).context("remote")?;
        let number = getrandom::u64().context("the system's random numbers")?;
        Ok(RemoteOptions {
            objects: Arc::new(client),
            after: self.after,
            cache_bytes: self.cache_bytes,
            name: format!("site-{number:016x}"),
            take_over: self.take_over.clone(),
            meter: Arc::clone(meter),
        })
    }
}
