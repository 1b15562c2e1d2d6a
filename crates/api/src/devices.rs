//! Erasure of a device: what it said so far is seen by nobody from the commit of the wish on, and by
//! and by leaves the disk. How far that is can be asked.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use model::Position;
use serde::Serialize;
use tokio::time::{interval, timeout};

use crate::clients::invalid;
use crate::{Api, fault, origin};

/// Between two looks at the horizon. A commit takes a few milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A wish that is not committed within this time may be all the same, later.
const COMMIT_WAIT: Duration = Duration::from_secs(10);

/// How far an erasure has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    /// Of the record that asked for it.
    pub position: Position,
    pub series: usize,
    /// Memory and the snapshot are free of it.
    pub flushed: bool,
    /// Files of the tables that are still to be looked at or written again; `None` before the first
    /// look.
    pub files: Option<usize>,
    /// Of these, files that cannot be read.
    pub unreadable: usize,
    /// Replaced files that wait until nobody reads them.
    pub leaving: usize,
}

/// Why a wish was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotErased {
    /// Neither the registry nor history has such a device.
    Unknown,
    /// The journal has no room.
    Full,
}

/// The devices of a site, as far as they can be erased.
pub trait Devices: Send + Sync + 'static {
    /// Hands the wish to the journal; answers the position of its record. Does not wait.
    ///
    /// # Errors
    /// When there is no such device, or the journal takes nothing.
    fn erase(&self, device: &str) -> Result<Position, NotErased>;

    /// The erasures of which something may still be in tables and snapshots, oldest first.
    fn erasures(&self) -> Vec<Erasure>;

    /// Whether the journal still holds messages from before the record, as they came.
    fn has_messages_before(&self, position: Position) -> bool;
}

#[derive(Serialize)]
struct Told {
    position: u64,
    state: &'static str,
    series: usize,
    files: Option<usize>,
    unreadable: usize,
    leaving: usize,
    raw_messages: bool,
}

pub(crate) async fn erase(
    State(api): State<Api>,
    device: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = refusal(&headers, &body) {
        return refusal;
    }
    let Ok(Path(device)) = device else {
        return invalid("The device is not UTF-8 text.", "Percent-encode its bytes.");
    };
    match api.devices.erase(&device) {
        Ok(position) if is_committed(&api, position).await => {
            fresh(StatusCode::OK, Json(of_position(&api, position)))
        }
        Ok(position) => {
            let hint = format!("GET /api/erasures/{position} tells, once there is room.");
            busy("The wish is written down but not committed yet.", &hint)
        }
        Err(NotErased::Full) => busy("The journal has no room.", "Try again in a moment."),
        Err(NotErased::Unknown) => {
            let hint = "SELECT device FROM devices lists them.";
            fault::plain(StatusCode::NOT_FOUND, "not_found", "There is no such device.", hint)
        }
    }
}

pub(crate) async fn list(State(api): State<Api>) -> Response {
    let erasures = api.devices.erasures();
    let told: Vec<Told> = erasures.iter().map(|one| told(&api, one)).collect();
    fresh(StatusCode::OK, Json(serde_json::json!({ "erasures": told })))
}

pub(crate) async fn show(
    State(api): State<Api>,
    position: Result<Path<u64>, PathRejection>,
) -> Response {
    let Ok(Path(position)) = position else {
        return invalid(
            "An erasure is asked for by its position.",
            "GET /api/erasures lists them.",
        );
    };
    let position = Position::new(position);
    if position > api.horizon.committed().position() {
        let hint = "GET /api/erasures lists them.";
        return fault::plain(StatusCode::NOT_FOUND, "not_found", "Nothing is there yet.", hint);
    }
    fresh(StatusCode::OK, Json(of_position(&api, position)))
}

/// A page of another site must not erase anything.
fn refusal(headers: &HeaderMap, body: &[u8]) -> Option<Response> {
    if !origin::is_own(headers) {
        let (message, hint) = ("Another site's page asked for this.", "Nothing was changed.");
        return Some(fault::plain(StatusCode::FORBIDDEN, "foreign", message, hint));
    }
    if !origin::is_json_or_empty(headers, body) {
        let (status, hint) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send no body, or JSON.");
        return Some(fault::plain(status, "content_type", "The body is no JSON.", hint));
    }
    None
}

async fn is_committed(api: &Api, position: Position) -> bool {
    let committed = async {
        let mut looks = interval(LOOK_EVERY);
        while api.horizon.committed().position() < position {
            looks.tick().await;
        }
    };
    timeout(COMMIT_WAIT, committed).await.is_ok()
}

/// What is not under way is over.
fn of_position(api: &Api, position: Position) -> Told {
    let erasures = api.devices.erasures();
    let found = erasures.iter().find(|erasure| erasure.position == position).copied();
    let over = Erasure { position, flushed: true, files: Some(0), ..Erasure::default() };
    told(api, &found.unwrap_or(over))
}

fn told(api: &Api, erasure: &Erasure) -> Told {
    let Erasure { position, series, flushed, files, unreadable, leaving } = *erasure;
    let state = match (flushed, files, leaving) {
        (false, ..) => "in memory",
        (true, Some(0), 0) => "done",
        (true, Some(0), _) => "leaving",
        (true, ..) => "rewriting",
    };
    let raw_messages = api.devices.has_messages_before(position);
    let position = position.get();
    Told { position, state, series, files, unreadable, leaving, raw_messages }
}

fn busy(message: &str, hint: &str) -> Response {
    let mut response = fault::plain(StatusCode::SERVICE_UNAVAILABLE, "busy", message, hint);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn fresh(status: StatusCode, body: Json<impl Serialize>) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}
