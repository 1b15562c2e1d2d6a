//! Addresses and what answers them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::{get, post};

use crate::live::Streams;
use crate::pages::{self, PageFault};
use crate::shell::Theme;
use crate::site::{Site, SiteFault};
use crate::{assets, live};

/// Sent on every page: nothing but our own files, no script or style inside a page.
pub const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

/// All pages, their data, their files and their live stream. They read the site; the one change
/// that they offer is to close a client of the broker.
pub fn router(site: Arc<dyn Site>) -> Router {
    let app = App { site, streams: Streams::default() };
    Router::new()
        .route("/", get(pages::overview::show))
        .route("/devices", get(pages::devices::show))
        .route("/devices.json", get(pages::devices::json))
        .route("/devices.csv", get(pages::devices::csv))
        .route("/devices/{*handle}", get(pages::device::show))
        .route("/explore", get(pages::explore::show))
        .route("/explore.csv", get(pages::explore::csv))
        .route("/explore.json", get(pages::explore::json))
        .route("/explore.parquet", get(pages::explore::parquet))
        .route("/explore/choices", get(pages::explore::lists))
        .route("/completeness", get(pages::completeness::show))
        .route("/sql", get(pages::sql::show).post(pages::sql::run))
        .route("/sql.json", get(pages::sql::json))
        .route("/sql.csv", get(pages::sql::csv))
        .route("/sql.parquet", get(pages::sql::parquet))
        .route("/system", get(pages::system::show))
        .route("/system/close", post(pages::system::client::close))
        .route("/system/clients/{*id}", get(pages::system::client::show))
        .route("/about", get(pages::about::show))
        .route("/about/licences", get(pages::about::licences))
        .route("/preferences", post(pages::preferences::change))
        .route("/live", get(live::stream))
        .route("/a/{*file}", get(file))
        .fallback(pages::faults::no_page)
        .method_not_allowed_fallback(pages::faults::no_page)
        .with_state(app)
}

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) site: Arc<dyn Site>,
    pub(crate) streams: Streams,
}

/// One request, as far as pages look at it.
pub(crate) struct Ask {
    pub(crate) site: Arc<dyn Site>,
    pub(crate) headers: HeaderMap,
    pub(crate) uri: Uri,
    pub(crate) theme: Theme,
}

impl FromRequestParts<App> for Ask {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self {
            site: Arc::clone(&app.site),
            headers: parts.headers.clone(),
            uri: parts.uri.clone(),
            theme: Theme::of(&parts.headers),
        })
    }
}

impl Ask {
    /// Reads the site on a thread that may wait for a disk. A panic there ends this page alone.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Site) -> Result<T, SiteFault> + Send + 'static,
    ) -> Result<T, PageFault> {
        let site = Arc::clone(&self.site);
        match tokio::task::spawn_blocking(move || work(&*site)).await {
            Ok(result) => result.map_err(PageFault::Site),
            Err(stopped) => Err(PageFault::Stopped(stopped)),
        }
    }
}

async fn file(ask: Ask, request: Request) -> Response {
    match assets::serve(request.uri().path(), &ask.headers) {
        Some(response) => response,
        None => pages::faults::no_page(ask).await,
    }
}
