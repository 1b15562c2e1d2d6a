//! Clients of the broker over HTTP: who is connected, one of them with its filters, and its end.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use model::census::{
    Client, Connection, Detail, Expiry, Fate, Mark, Order, PAGE_MAX, Page, Presence, Question,
    Totals, Unanswered,
};
use serde::{Deserialize, Serialize};

use crate::{Api, Clients, fault, origin};

/// Rows of a page whose length nobody chose.
const PAGE_ROWS: usize = 100;

/// What is wrong with a question, and what would be right.
type Wrong = (&'static str, &'static str);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wish {
    after: Option<String>,
    limit: Option<String>,
    search: String,
    order: Option<String>,
    connected: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Closing {
    session: Option<String>,
}

/// Times are of the site's clock, counts from the beginning of the connection.
#[derive(Serialize)]
struct Row<'a> {
    client: &'a str,
    connected: bool,
    #[serde(flatten)]
    connection: Option<Line<'a>>,
    subscriptions: u64,
    in_flight: u64,
    queued: u64,
    /// Seconds; nothing for a session that never ends.
    session_expiry: Option<u64>,
}

#[derive(Serialize)]
struct Line<'a> {
    peer: String,
    listener: Option<&'a str>,
    transport: Option<&'static str>,
    version: &'static str,
    since: String,
    last_heard: String,
    keep_alive: u64,
    messages_in: u64,
    messages_out: u64,
    bytes_in: u64,
    bytes_out: u64,
    rate_in: f64,
    rate_out: f64,
    output_bytes: u64,
}

#[derive(Serialize)]
struct Sums {
    sessions: u64,
    connected: u64,
    subscriptions: u64,
    queued: u64,
    in_flight: u64,
    output_bytes: u64,
    rate_in: f64,
    rate_out: f64,
}

#[derive(Serialize)]
struct Listing<'a> {
    clients: Vec<Row<'a>>,
    next: Option<String>,
    matching: u64,
    totals: Sums,
}

#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    row: Row<'a>,
    filters: Vec<Heard<'a>>,
}

#[derive(Serialize)]
struct Heard<'a> {
    filter: &'a str,
    qos: u8,
}

pub(crate) async fn list(State(api): State<Api>, Query(wish): Query<Wish>) -> Response {
    let question = match wish.question() {
        Ok(question) => question,
        Err((message, hint)) => return invalid(message, hint),
    };
    let order = question.order;
    match ask(&api, move |clients| clients.page(&question)).await {
        Ok(page) => fresh(Json(listing(&page, order))),
        Err(cause) => fault::unanswered(cause),
    }
}

pub(crate) async fn show(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(id)) = id else { return unreadable() };
    match ask(&api, move |clients| clients.client(&id)).await {
        Ok(Some(detail)) => fresh(Json(told(&detail))),
        Ok(None) => fault::unanswered(Unanswered::Unknown),
        Err(cause) => fault::unanswered(cause),
    }
}

pub(crate) async fn close(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    Query(closing): Query<Closing>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !origin::is_own(&headers) {
        let (message, hint) = ("Another site's page asked for this.", "Nothing was changed.");
        return fault::plain(StatusCode::FORBIDDEN, "foreign", message, hint);
    }
    if !origin::is_json_or_empty(&headers, &body) {
        let (status, hint) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send no body, or JSON.");
        return fault::plain(status, "content_type", "The body is no JSON.", hint);
    }
    let Ok(Path(id)) = id else { return unreadable() };
    let fate = match closing.session.as_deref() {
        None | Some("keep") => Fate::Kept,
        Some("end") => Fate::Ended,
        Some(_) => {
            return invalid("A session is kept or ended.", "Use session=keep or session=end.");
        }
    };
    let client = id.clone();
    match ask(&api, move |clients| clients.close(&client, fate)).await {
        Ok(()) => {
            let session = if fate == Fate::Ended { "ended" } else { "kept" };
            fresh(Json(serde_json::json!({ "client": id, "closed": true, "session": session })))
        }
        Err(cause) => fault::unanswered(cause),
    }
}

/// Waits for the shards on a thread that may wait.
pub(crate) async fn ask<T: Send + 'static>(
    api: &Api,
    work: impl FnOnce(&dyn Clients) -> Result<T, Unanswered> + Send + 'static,
) -> Result<T, Unanswered> {
    let clients = Arc::clone(&api.clients);
    let asked = tokio::task::spawn_blocking(move || work(&*clients)).await;
    asked.unwrap_or_else(|stopped| {
        tracing::warn!(error = &stopped as &dyn std::error::Error, "a question ended early");
        Err(Unanswered::Stopping)
    })
}

impl Wish {
    fn question(self) -> Result<Question, Wrong> {
        let order = self.order.as_deref().unwrap_or_default();
        let order = match (order, Order::parse(order)) {
            ("", _) => Order::Id,
            (_, Some(order)) => order,
            (_, None) => {
                let hint = "Use order=id, order=rate or order=waiting.";
                return Err(("There is no such order.", hint));
            }
        };
        let after = self.after.filter(|after| !after.is_empty());
        let after = after.map(|after| {
            let hint = "Use the next of the answer before, with the same order.";
            Mark::parse(&after, order).ok_or(("after names no place.", hint))
        });
        let limit = self.limit.map_or(Some(PAGE_ROWS), |limit| limit.parse().ok());
        let Some(limit) = limit.filter(|limit| *limit <= PAGE_MAX) else {
            return Err(("The limit is no number that can be.", "0 to 1000 clients."));
        };
        let presence = match self.connected.as_deref() {
            None | Some("") => Presence::Any,
            Some("true") => Presence::Connected,
            Some("false") => Presence::Away,
            Some(_) => return Err(("connected is true or false.", "Or leave it out.")),
        };
        Ok(Question { search: self.search, presence, order, after: after.transpose()?, limit })
    }
}

pub(crate) fn invalid(message: &str, hint: &str) -> Response {
    fault::plain(StatusCode::BAD_REQUEST, "invalid", message, hint)
}

pub(crate) fn unreadable() -> Response {
    invalid("The client id is not UTF-8 text.", "Percent-encode its bytes.")
}

fn fresh(body: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], body).into_response()
}

fn listing(page: &Page, order: Order) -> Listing<'_> {
    Listing {
        clients: page.clients.iter().map(row).collect(),
        next: page.next.as_ref().map(|mark| mark.text(order)),
        matching: page.matching,
        totals: sums(&page.totals),
    }
}

fn told(detail: &Detail) -> Told<'_> {
    let filters = detail.filters.iter();
    let filters = filters.map(|one| Heard { filter: &one.filter, qos: one.qos.bits() });
    Told { row: row(&detail.client), filters: filters.collect() }
}

fn row(client: &Client) -> Row<'_> {
    Row {
        client: &client.id,
        connected: client.connection.is_some(),
        connection: client.connection.as_ref().map(line),
        subscriptions: client.subscriptions,
        in_flight: client.in_flight,
        queued: client.queued,
        session_expiry: match client.expiry {
            Expiry::Never => None,
            Expiry::Granted(span) | Expiry::Left(span) => Some(span.as_secs()),
        },
    }
}

fn line(line: &Connection) -> Line<'_> {
    Line {
        peer: line.peer.to_string(),
        listener: line.door.as_ref().map(|door| &*door.listener),
        transport: line.door.as_ref().map(|door| door.transport.word()),
        version: line.version.word(),
        since: iso(line.since),
        last_heard: iso(line.last_heard),
        keep_alive: line.keep_alive.as_secs(),
        messages_in: line.traffic.messages_in,
        messages_out: line.traffic.messages_out,
        bytes_in: line.traffic.bytes_in,
        bytes_out: line.traffic.bytes_out,
        rate_in: per_second(line.rate.received_millis),
        rate_out: per_second(line.rate.sent_millis),
        output_bytes: line.output_bytes,
    }
}

fn sums(totals: &Totals) -> Sums {
    Sums {
        sessions: totals.sessions,
        connected: totals.connected,
        subscriptions: totals.subscriptions,
        queued: totals.queued,
        in_flight: totals.in_flight,
        output_bytes: totals.output_bytes,
        rate_in: per_second(totals.rate.received_millis),
        rate_out: per_second(totals.rate.sent_millis),
    }
}

#[expect(clippy::cast_precision_loss, reason = "no broker has 2^53 thousandths of a message")]
fn per_second(millis: u64) -> f64 {
    millis as f64 / 1_000.0
}

/// RFC 3339, in UTC. A time that no calendar has is told as its beginning.
pub(crate) fn iso(time: model::Timestamp) -> String {
    Timestamp::from_microsecond(time.micros()).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
