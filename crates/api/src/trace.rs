//! One client packet by packet: a line of JSON for each, as long as somebody reads and the time
//! lasts.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use model::trace::{Message, Packet, SPAN_MAX, Silence, Traced, Tracing, What, Wish};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{Sender, channel};

use crate::clients::{ask, invalid, iso, unreadable};
use crate::{Api, fault, origin};

/// Seconds, when nobody says.
const SECONDS: u64 = 60;

/// Lines on their way to one reader.
const LINES_MAX: usize = 64;

/// How soon it is noticed that a reader has gone while nothing happens.
const NAP: Duration = Duration::from_secs(1);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    seconds: Option<String>,
    payload: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    /// First, so that who asks knows that it has begun.
    Begun {
        tracing: &'a str,
        seconds: u64,
    },
    Packet(Told<'a>),
    Over {
        over: bool,
        dropped: u64,
    },
}

#[derive(Default, Serialize)]
struct Told<'a> {
    time: String,
    /// `in` is from the client to the broker.
    direction: &'static str,
    packet: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<u8>,
    #[serde(flatten)]
    message: Option<Published<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    filters: &'a [Box<str>],
}

#[derive(Serialize)]
struct Published<'a> {
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<u16>,
    qos: u8,
    retain: bool,
    dup: bool,
    payload_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

pub(crate) async fn trace(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    if !origin::is_own(&headers) {
        let (message, hint) = ("Another site's page asked for this.", "Nothing is told.");
        return fault::plain(StatusCode::FORBIDDEN, "foreign", message, hint);
    }
    let Ok(Path(id)) = id else { return unreadable() };
    let seconds = asked.seconds.map_or(Some(SECONDS), |seconds| seconds.parse().ok());
    let Some(seconds) = seconds.filter(|it| (1..=SPAN_MAX.as_secs()).contains(it)) else {
        return invalid("A trace lasts for whole seconds.", "1 to 3600 of them.");
    };
    let payload = match asked.payload.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return invalid("payload is true or false.", "Or leave it out."),
    };
    let span = Duration::from_secs(seconds);
    let wish = Wish { client: id.as_str().into(), span, payload };
    match ask(&api, move |clients| clients.trace(wish)).await {
        Ok(tracing) => lines(tracing, &id, seconds),
        Err(cause) => fault::unanswered(cause),
    }
}

/// The events come through a channel that a thread waits for; the thread ends with the trace, or
/// soon after its reader has gone.
fn lines(tracing: Tracing, client: &str, seconds: u64) -> Response {
    let (sender, receiver) = channel(LINES_MAX);
    let first = text(&Line::Begun { tracing: client, seconds });
    let pumping = tokio::task::spawn_blocking(move || pump(&tracing, first, &sender));
    drop(pumping);
    let body = stream::unfold(receiver, async |mut receiver| {
        let line: Bytes = receiver.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(line), receiver))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    // A proxy that collects an answer before it passes it on would make a stream useless.
    (headers, [("x-accel-buffering", "no")], Body::from_stream(body)).into_response()
}

fn pump(tracing: &Tracing, first: Bytes, sender: &Sender<Bytes>) {
    let mut line = Some(first);
    loop {
        if let Some(line) = line.take()
            && sender.blocking_send(line).is_err()
        {
            return;
        }
        match tracing.next(NAP) {
            Ok(traced) => line = Some(told(&traced)),
            Err(Silence::Yet) if sender.is_closed() => return,
            Err(Silence::Yet) => {}
            Err(Silence::Over) => {
                let last = text(&Line::Over { over: true, dropped: tracing.dropped() });
                if sender.blocking_send(last).is_err() {
                    tracing::debug!("the reader of a trace had gone");
                }
                return;
            }
        }
    }
}

fn told(traced: &Traced) -> Bytes {
    let time = iso(traced.at);
    let (direction, packet) = match &traced.what {
        What::In(packet) => ("in", packet),
        What::Out(packet) => ("out", packet),
        What::Closed => {
            let told = Told { time, direction: "none", packet: "closed", ..Told::default() };
            return text(&Line::Packet(told));
        }
    };
    let Packet { kind, packet_id, reason, message, filters } = packet;
    let message = message.as_ref().map(published);
    let (id, reason) = (*packet_id, *reason);
    text(&Line::Packet(Told { time, direction, packet: kind, id, reason, message, filters }))
}

fn published(message: &Message) -> Published<'_> {
    Published {
        topic: &message.topic,
        alias: message.alias,
        qos: message.qos.bits(),
        retain: message.retain,
        dup: message.dup,
        payload_bytes: message.payload_bytes,
        payload: message.payload.as_ref().map(|it| String::from_utf8_lossy(it).into_owned()),
    }
}

fn text(line: &Line<'_>) -> Bytes {
    let mut text = serde_json::to_string(line).unwrap_or_default();
    text.push('\n');
    text.into()
}
