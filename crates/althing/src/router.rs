//! Pages and API of a site behind one address.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use axum::Router;
use console::Identity;
use query::Engine;

use crate::catalog::SiteCatalog;
use crate::pages::Pages;
use crate::site::{Core, SiteOptions};

pub(crate) fn router(
    options: &SiteOptions,
    core: &Core,
    mqtt: SocketAddr,
) -> anyhow::Result<Router> {
    let catalog =
        SiteCatalog { registry: Arc::clone(&core.registry), journal: core.journal.clone() };
    let engine = Engine::new(
        core.reader.clone(),
        Arc::clone(&core.horizon),
        Arc::new(catalog),
        options.query.clone(),
    );
    let engine = Arc::new(engine.context("the threads for queries could not be started")?);
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
    };
    let console = console::router(Arc::new(pages));
    Ok(console)
}
