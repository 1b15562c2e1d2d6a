//! Errors as HTTP tells them.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::census::Unanswered;
use query::{Code, QueryFault};
use serde::Serialize;

/// Seconds after which a statement refused for lack of room may be tried again.
const RETRY_AFTER: &str = "1";

#[derive(Serialize)]
struct Body {
    error: Told,
}

#[derive(Serialize)]
struct Told {
    code: &'static str,
    message: String,
    hint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<At>,
}

#[derive(Serialize)]
struct At {
    line: u64,
    column: u64,
}

pub(crate) fn plain(status: StatusCode, code: &'static str, message: &str, hint: &str) -> Response {
    let told = Told { code, message: message.to_owned(), hint: hint.to_owned(), position: None };
    (status, Json(Body { error: told })).into_response()
}

/// Of a question about clients.
pub(crate) fn unanswered(cause: Unanswered) -> Response {
    let (status, code, hint) = match cause {
        Unanswered::Unknown => (StatusCode::NOT_FOUND, "not_found", "GET /api/clients lists them."),
        Unanswered::Busy | Unanswered::Full => {
            (StatusCode::SERVICE_UNAVAILABLE, "busy", "Try again in a moment.")
        }
        Unanswered::Stopping => {
            (StatusCode::SERVICE_UNAVAILABLE, "not_ready", "Try again when it is back.")
        }
    };
    let mut message = cause.to_string();
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    message.push('.');
    let mut response = plain(status, code, &message, hint);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let retry = HeaderValue::from_static(RETRY_AFTER);
        response.headers_mut().insert(header::RETRY_AFTER, retry);
    }
    response
}

pub(crate) fn of(fault: QueryFault) -> Response {
    let status = match fault.code {
        Code::Invalid | Code::NoTable | Code::NoColumn => StatusCode::BAD_REQUEST,
        Code::ReadOnly => StatusCode::FORBIDDEN,
        // Not the gateway's nor the client's slowness: the statement asks for too much.
        Code::Time | Code::Memory => StatusCode::UNPROCESSABLE_ENTITY,
        Code::Busy | Code::Away => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let position = fault.place.map(|place| At { line: place.line, column: place.column });
    let (message, hint) = (fault.message, fault.hint);
    let told = Told { code: fault.code.as_str(), message, hint, position };
    let mut response = (status, Json(Body { error: told })).into_response();
    if fault.code == Code::Busy {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    }
    response
}
