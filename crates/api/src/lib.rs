//! The HTTP API of a site: SQL, clients, erasure of devices, writes of agents, health and metrics. Carries; `query` and the site decide.
//!
//! Errors are `{"error":{"code","message","hint","position"?}}` and say nothing of the inside.

mod clients;
mod devices;
mod fault;
mod format;
mod health;
mod intake;
mod metrics;
mod origin;
mod sql;
mod trace;
mod writes;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{delete, get, post};
use model::census::{Detail, Fate, Page, Question, Unanswered};
use model::trace::{Tracing, Wish};
use model::{Event, Horizon, Meter, Position};
use query::Engine;

pub use devices::{Devices, Erasure, NotErased};
pub use intake::{Dial, Intake, Refused};
pub use metrics::resident_bytes;

/// A statement longer than this was not written for reading.
const STATEMENT_BYTES_MAX: usize = 256 << 10;

/// What the journal says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalStats {
    pub last: Position,
    pub disk_bytes: u64,
    /// Of write and fsync together, over the life of the process.
    pub commit_p50: Duration,
    pub commit_p99: Duration,
    pub commit_max: Duration,
    pub disk_full: bool,
}

/// What only the wired site knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The log was replayed and what arrives is taken.
    pub ready: bool,
    pub uptime: Duration,
    pub journal: JournalStats,
}

/// Whether something is as it should be.
pub type Watched = Arc<dyn Fn() -> bool + Send + Sync>;

/// The clients of the broker, as its shards know them. The methods wait for the shards; the API
/// calls them off the async threads.
pub trait Clients: Send + Sync + 'static {
    /// # Errors
    /// When a shard does not answer in time.
    fn page(&self, question: &Question) -> Result<Page, Unanswered>;

    /// `None` when nobody has that name.
    ///
    /// # Errors
    /// When a shard does not answer in time.
    fn client(&self, client: &str) -> Result<Option<Detail>, Unanswered>;

    /// Closes the connection of a client as an administrative action.
    ///
    /// # Errors
    /// When there is no such client, or a shard does not answer in time.
    fn close(&self, client: &str, fate: Fate) -> Result<(), Unanswered>;

    /// Tells of what a client says and hears from now on, whether or not it is connected.
    ///
    /// # Errors
    /// When as many clients are traced as can be, or a shard does not answer in time.
    fn trace(&self, wish: Wish) -> Result<Tracing, Unanswered>;
}

/// What the API answers from.
#[derive(Clone)]
pub struct Api {
    pub engine: Arc<Engine>,
    pub meter: Arc<Meter>,
    pub horizon: Arc<Horizon>,
    pub clients: Arc<dyn Clients>,
    pub devices: Arc<dyn Devices>,
    pub status: Arc<dyn Fn() -> Status + Send + Sync>,
    /// Where what is written goes.
    pub intake: Intake,
    /// By name, whether the other broker of a bridge is connected.
    pub bridges: Arc<[(Box<str>, Watched)]>,
}

impl fmt::Debug for Api {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Api").field("horizon", &self.horizon).finish_non_exhaustive()
    }
}

/// All paths of the API.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/api/sql", get(sql::shared).post(sql::posted))
        .route("/api/clients", get(clients::list))
        .route("/api/clients/{id}", get(clients::show).delete(clients::close))
        .route("/api/clients/{id}/trace", post(trace::trace))
        .route("/api/devices/{device}", delete(devices::erase))
        .route("/api/erasures", get(devices::list))
        .route("/api/erasures/{position}", get(devices::show))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .layer(DefaultBodyLimit::max(STATEMENT_BYTES_MAX))
        .merge(writes())
        .layer(from_fn_with_state(api.clone(), counted))
        .with_state(api)
}

/// What agents write to. Their paths are those of the programs they were made for.
fn writes() -> Router<Api> {
    Router::new()
        .route("/write", post(writes::write))
        .route("/api/v2/write", post(writes::write))
        .route("/api/v1/write", post(writes::remote_write))
        .route("/api/senml", post(writes::packs))
        .route("/ping", get(writes::ping))
        .route("/health", get(writes::health))
        .route("/query", get(writes::query).post(writes::query))
        .layer(DefaultBodyLimit::max(writes::BODY_BYTES_MAX))
}

async fn counted(State(api): State<Api>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    api.meter.count(Event::HttpRequest);
    response
}

#[cfg(test)]
pub(crate) mod tests;
