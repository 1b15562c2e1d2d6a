//! Readings over HTTP, from agents that are made for InfluxDB or Prometheus and need no change.

mod influx;
mod prometheus;
mod senml;
mod unpack;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use dialect::{POINTS_MAX, is_line};
use futures::future::join_all;

use crate::fault::plain;
use crate::intake::{Intake, Refused};
use crate::origin::is_own;

pub(crate) use influx::{health, ping, query, write};
pub(crate) use prometheus::remote_write;
pub(crate) use senml::packs;

/// What one request may bring, also once it is unpacked.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;

/// A message of the journal is read as far as a MiB.
const MESSAGE_BYTES_MAX: usize = 512 << 10;

/// Messages made of lines, each with its newline.
#[derive(Debug, Default)]
struct Messages {
    whole: Vec<Vec<u8>>,
    open: Vec<u8>,
    points: usize,
}

impl Messages {
    fn push(&mut self, line: &str) {
        let full = self.open.len() + line.len() >= MESSAGE_BYTES_MAX || self.points == POINTS_MAX;
        if full && !self.open.is_empty() {
            self.whole.push(std::mem::take(&mut self.open));
            self.points = 0;
        }
        self.open.extend_from_slice(line.as_bytes());
        self.open.push(b'\n');
        self.points += 1;
    }

    fn finish(mut self) -> Vec<Vec<u8>> {
        if !self.open.is_empty() {
            self.whole.push(self.open);
        }
        self.whole
    }
}

/// The lines of a body that are points, as messages; and the number of the first that is none, and
/// of how many.
fn points_of(text: &str) -> (Vec<Vec<u8>>, Option<(usize, usize)>) {
    let mut messages = Messages::default();
    let mut bad: Option<(usize, usize)> = None;
    for (index, line) in text.lines().enumerate() {
        if line.len() >= MESSAGE_BYTES_MAX || !is_line(line) {
            let (first, count) = bad.unwrap_or((index + 1, 0));
            bad = Some((first, count + 1));
        } else if !line.trim().is_empty() {
            messages.push(line);
        }
    }
    (messages.finish(), bad)
}

/// Answered when all of it is durable and visible.
async fn take(intake: &Intake, topic: &str, messages: Vec<Vec<u8>>) -> Result<(), Refused> {
    let takes = messages.into_iter().map(|message| intake.take(topic.to_owned(), message));
    join_all(takes).await.into_iter().collect()
}

fn refused(fault: Refused) -> Response {
    let hint = "Send it again in a moment.";
    let mut response =
        plain(StatusCode::SERVICE_UNAVAILABLE, "not_taken", &format!("{fault}."), hint);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn bad_request(what: &str, hint: &str) -> Response {
    plain(StatusCode::BAD_REQUEST, "invalid", what, hint)
}

/// A page of another site must not write here.
fn foreign(headers: &HeaderMap) -> Option<Response> {
    (!is_own(headers)).then(|| {
        let what = "The request comes from a page of another site.";
        plain(StatusCode::FORBIDDEN, "foreign", what, "Programs may write, other pages may not.")
    })
}

fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

#[cfg(test)]
mod tests;
