//! Packs of SenML (RFC 8428), one in each line of the body: each becomes a message.

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use dialect::is_senml;
use serde::Deserialize;

use super::influx::level;
use super::unpack::unpacked;
use super::{MESSAGE_BYTES_MAX, bad_request, foreign, no_content, refused, take};
use crate::Api;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    /// A level of the topic, for those who look at messages.
    name: Option<String>,
}

pub(crate) async fn packs(
    State(api): State<Api>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(response) = foreign(&headers) {
        return response;
    }
    let text = match unpacked(&headers, &body) {
        Ok(bytes) => String::from_utf8(bytes),
        Err(packed) => return bad_request(packed.what(), packed.hint()),
    };
    let Ok(text) = text else {
        return bad_request("The body is no text in UTF-8.", "Send SenML as JSON.");
    };
    let mut messages = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if line.len() > MESSAGE_BYTES_MAX || !is_senml(line) {
            let what = format!("Line {} is no pack of SenML. Nothing was written.", index + 1);
            let hint = "One pack a line, of at most 1,024 records and 512 KiB.";
            return bad_request(&what, hint);
        }
        messages.push(line.as_bytes().to_vec());
    }
    let topic = format!("senml/{}", level(asked.name.as_deref()));
    match take(&api.intake, &topic, messages).await {
        Ok(()) => no_content(),
        Err(fault) => refused(fault),
    }
}
