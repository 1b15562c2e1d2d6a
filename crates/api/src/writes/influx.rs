//! The write endpoints of InfluxDB 1 and 2, and what agents ask before they use them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::unpack::unpacked;
use super::{bad_request, foreign, no_content, points_of, refused, take};
use crate::Api;

/// Agents look for it in answers.
const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-influxdb-version"), HeaderValue::from_static("1.8-althing"));

const NAME_BYTES_MAX: usize = 128;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    /// Database of version 1, bucket of version 2: a level of the topic here.
    #[serde(alias = "bucket")]
    db: Option<String>,
    precision: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Question {
    q: Option<String>,
}

/// Of both versions: what differs are the names of parameters.
pub(crate) async fn write(
    State(api): State<Api>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(response) = foreign(&headers) {
        return response;
    }
    // Times tell their resolution by their size, but for these two.
    if matches!(asked.precision.as_deref(), Some("m" | "h")) {
        return bad_request("Times in minutes or hours are not taken.", "Use s, ms, us or ns.");
    }
    let text = match unpacked(&headers, &body) {
        Ok(bytes) => String::from_utf8(bytes),
        Err(packed) => return bad_request(packed.what(), packed.hint()),
    };
    let Ok(text) = text else {
        return bad_request("The body is no text in UTF-8.", "Send InfluxDB's line protocol.");
    };
    let (messages, bad) = points_of(&text);
    let topic = format!("influx/{}", level(asked.db.as_deref()));
    if let Err(fault) = take(&api.intake, &topic, messages).await {
        return refused(fault);
    }
    match bad {
        None => no_content(),
        Some((first, count)) => bad_request(
            &format!("Partial write: {count} lines are no points, the first is line {first}."),
            "All other lines were written. A point is measurement,tag=value field=1.5 time.",
        ),
    }
}

/// A name as one level of a topic.
pub(super) fn level(name: Option<&str>) -> String {
    let safe =
        |letter: char| if letter.is_control() || "/+#".contains(letter) { '_' } else { letter };
    let name = name.unwrap_or_default();
    let end = name.floor_char_boundary(NAME_BYTES_MAX);
    let level: String = name.get(..end).unwrap_or_default().chars().map(safe).collect();
    if level.is_empty() { "write".to_owned() } else { level }
}

pub(crate) async fn ping() -> Response {
    (StatusCode::NO_CONTENT, [VERSION]).into_response()
}

pub(crate) async fn health() -> Response {
    let told = serde_json::json!({ "name": "influxdb", "status": "pass", "message": "Althing" });
    ([VERSION], Json(told)).into_response()
}

/// Telegraf makes its database before it writes; here there is none to make.
pub(crate) async fn query(Query(asked): Query<Question>, body: String) -> Response {
    let question = asked.q.or_else(|| form_value(&body)).unwrap_or_default();
    let words: Vec<String> = question.split_whitespace().take(2).map(str::to_uppercase).collect();
    if words == ["CREATE", "DATABASE"] {
        let told = serde_json::json!({ "results": [{ "statement_id": 0 }] });
        return ([VERSION], Json(told)).into_response();
    }
    bad_request("InfluxQL is not spoken here.", "Ask in SQL: POST /api/sql.")
}

/// `q` of a form, as far as it begins with letters: enough for two words.
fn form_value(body: &str) -> Option<String> {
    let value = body.split('&').find_map(|pair| pair.strip_prefix("q="))?;
    Some(value.replace('+', " ").replace("%20", " "))
}
