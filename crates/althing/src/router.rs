//! Pages and API of a site behind one address.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use axum::Router;
use console::Identity;
use edge::Census;
use query::Engine;

use crate::broker::Broker;
use crate::catalog::SiteCatalog;
use crate::erasure::Eraser;
use crate::pages::Pages;
use crate::site::{Core, SiteOptions};

/// Ways in and out besides MQTT and pages.
pub(crate) struct Doors {
    /// Of what is written over HTTP.
    pub(crate) intake: api::Intake,
    /// By name, whether the other broker of a bridge is connected.
    pub(crate) bridges: Vec<(Box<str>, api::Watched)>,
}

/// SQL, shared by pages, API and other doors.
pub(crate) fn engine(options: &SiteOptions, core: &Core) -> anyhow::Result<Arc<Engine>> {
    let catalog =
        SiteCatalog { registry: Arc::clone(&core.registry), journal: core.journal.clone() };
    let engine = Engine::new(
        core.reader.clone(),
        Arc::clone(&core.horizon),
        Arc::new(catalog),
        options.query.clone(),
    );
    engine.map(Arc::new).context("the threads for queries could not be started")
}

pub(crate) fn router(
    options: &SiteOptions,
    (core, engine): (&Core, Arc<Engine>),
    (mqtt, census, doors): (SocketAddr, Census, Doors),
) -> Router {
    let pages = Pages {
        identity: Identity {
            name: options.name.clone(),
            zone: options.zone.clone(),
            mqtt: format!("mqtt://{mqtt}"),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            demo: options.demo,
        },
        clock: core.clock,
        horizon: Arc::clone(&core.horizon),
        reader: core.reader.clone(),
        registry: Arc::clone(&core.registry),
        feed: Arc::clone(&core.feed),
        journal: core.journal.clone(),
        engine: Arc::clone(&engine),
        received_at: Arc::clone(&core.received_at),
        counted: Mutex::new(None),
        census: census.clone(),
    };
    let api = api(core, engine, (census, doors));
    console::router(Arc::new(pages)).merge(api::router(api))
}

fn api(
    core: &Core,
    engine: Arc<Engine>,
    (census, Doors { intake, bridges }): (Census, Doors),
) -> api::Api {
    let (journal, clock) = (core.journal.clone(), core.clock);
    let devices = Eraser {
        journal: journal.clone(),
        registry: Arc::clone(&core.registry),
        reader: core.reader.clone(),
        horizon: Arc::clone(&core.horizon),
        clock,
    };
    let status = move || {
        let stats = journal.stats();
        api::Status {
            ready: !stats.disk_full,
            uptime: clock.now().moment.since(model::Moment::START),
            journal: api::JournalStats {
                last: stats.last,
                disk_bytes: stats.disk_bytes,
                commit_p50: stats.commit_p50,
                commit_p99: stats.commit_p99,
                commit_max: stats.commit_max,
                disk_full: stats.disk_full,
            },
        }
    };
    api::Api {
        engine,
        meter: Arc::clone(&core.meter),
        horizon: Arc::clone(&core.horizon),
        clients: Arc::new(Broker(census)),
        devices: Arc::new(devices),
        status: Arc::new(status),
        intake,
        bridges: bridges.into(),
    }
}
