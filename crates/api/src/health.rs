//! Whether the process lives, and whether the site takes readings.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::{Api, fault};

pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

pub(crate) async fn readyz(State(api): State<Api>) -> Response {
    let status = (api.status)();
    let refuse =
        |message, hint| fault::plain(StatusCode::SERVICE_UNAVAILABLE, "not_ready", message, hint);
    if status.journal.disk_full {
        return refuse("The disk is full; new readings wait.", "Free space on the data disk.");
    }
    if !status.ready {
        return refuse("The site is starting.", "Try again in a moment.");
    }
    "ready\n".into_response()
}
