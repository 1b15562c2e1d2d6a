//! Prometheus remote write, version 1 (specification of 2023): samples become points of line
//! protocol, so that they are read as such.

use std::fmt::Write as _;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use prost::Message as _;

use super::unpack::unsnapped;
use super::{Messages, bad_request, foreign, no_content, refused, take};
use crate::Api;

const TOPIC: &str = "prometheus/write";

/// The label that is a metric's name.
const NAME: &str = "__name__";

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(super) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(super) samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Label {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Sample {
    #[prost(double, tag = "1")]
    pub(super) value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub(super) timestamp: i64,
}

pub(crate) async fn remote_write(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(response) = foreign(&headers) {
        return response;
    }
    let bytes = match unsnapped(&body) {
        Ok(bytes) => bytes,
        Err(packed) => return bad_request(packed.what(), "Prometheus packs it with Snappy."),
    };
    let Ok(request) = WriteRequest::decode(&*bytes) else {
        return bad_request("The body is no WriteRequest.", "Use remote write version 1.");
    };
    match take(&api.intake, TOPIC, messages_of(&request)).await {
        Ok(()) => no_content(),
        Err(fault) => refused(fault),
    }
}

/// Without the marks of series that ended, which are no numbers.
pub(super) fn messages_of(request: &WriteRequest) -> Vec<Vec<u8>> {
    let mut messages = Messages::default();
    for series in &request.timeseries {
        let stem = stem_of(series);
        for sample in series.samples.iter().filter(|sample| sample.value.is_finite()) {
            messages.push(&format!("{stem} value={:?} {}", sample.value, sample.timestamp));
        }
    }
    messages.finish()
}

/// Measurement and tags.
fn stem_of(series: &TimeSeries) -> String {
    let name = series.labels.iter().find(|label| label.name == NAME);
    let mut stem = escaped(name.map_or("metric", |label| label.value.as_str()));
    let tags = series.labels.iter().filter(|label| label.name != NAME && !label.value.is_empty());
    for label in tags {
        // Writing to a String cannot fail.
        let written = write!(stem, ",{}={}", escaped(&label.name), escaped(&label.value));
        debug_assert_eq!(written, Ok(()));
    }
    stem
}

fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, ',' | '=' | ' ' | '\\') {
            plain.push('\\');
        }
        plain.push(if letter.is_control() { '_' } else { letter });
    }
    plain
}
