//! Prometheus remote write, version 1 (specification of 2023): samples become points of line
//! protocol, so that they are read as such.

use std::fmt::Write as _;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use dialect::is_line;
use prost::Message as _;

use super::unpack::unsnapped;
use super::{BODY_BYTES_MAX, Messages, bad_request, foreign, no_content, refused, take};
use crate::Api;

const TOPIC: &str = "prometheus/write";

/// Of a metric with its labels, which stand in every sample.
const STEM_BYTES_MAX: usize = 16 << 10;

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
    let Some((messages, bad)) = messages_of(&request) else {
        return bad_request("The samples are too large.", "Send fewer at once.");
    };
    match take(&api.intake, TOPIC, messages).await {
        Err(fault) => refused(fault),
        Ok(()) if bad > 0 => bad_request(
            &format!("{bad} samples have names or labels that cannot be kept."),
            "All others were written. A metric has a name, and at most 64 labels.",
        ),
        Ok(()) => no_content(),
    }
}

/// The samples as points, and how many cannot be one; `None` when they are too much. Without the
/// marks of series that ended, which are no numbers.
pub(super) fn messages_of(request: &WriteRequest) -> Option<(Vec<Vec<u8>>, usize)> {
    let (mut messages, mut bytes, mut bad) = (Messages::default(), 0, 0);
    for series in &request.timeseries {
        let stem = stem_of(series);
        let good = stem.len() <= STEM_BYTES_MAX
            && !stem.starts_with('#')
            && is_line(&format!("{stem} value=0"));
        for sample in series.samples.iter().filter(|sample| sample.value.is_finite()) {
            if !good {
                bad += 1;
                continue;
            }
            let line = format!("{stem} value={:?} {}", sample.value, sample.timestamp);
            bytes += line.len();
            if bytes > BODY_BYTES_MAX {
                return None;
            }
            messages.push(&line);
        }
    }
    Some((messages.finish(), bad))
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
