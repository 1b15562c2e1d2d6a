//! A client of the broker: its connection, its session, what it listens to, and how to close it.

use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::response::Response;
use jiff::tz::TimeZone;
use model::Timestamp;
use model::census::{Client, Connection, Detail, Expiry, Fate};
use serde::Deserialize;

use super::{in_out, presence};
use crate::filters;
use crate::markup::Markup;
use crate::pages::preferences::own_origin;
use crate::pages::{answer, faults};
use crate::reply;
use crate::router::Ask;
use crate::shell::{Here, Shell, Theme};
use crate::show;
use crate::urls;
use crate::words::Text;

#[derive(Template)]
#[template(path = "client.html")]
struct Page {
    shell: Shell,
    t: Text,
    id: String,
    mark: &'static str,
    status: &'static str,
    /// Empty while the client is away.
    connection: Vec<(&'static str, Markup)>,
    session: Vec<(&'static str, Markup)>,
    filters: Vec<(Markup, u8)>,
    filters_more: Option<Markup>,
    close: Markup,
    trace: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Closing {
    client: String,
    session: String,
}

pub(crate) async fn show(ask: Ask, Path(id): Path<String>) -> Response {
    let wanted = id.clone();
    let view = ask.read(move |site| {
        Ok((site.client(&wanted)?, site.durable(), site.identity().zone, site.now()))
    });
    let made = match view.await {
        Ok((None, ..)) => return faults::no_client(&ask, &id),
        Ok((Some(detail), durable, zone, now)) => {
            let shell = Shell::new(&ask, Here::System, &id, durable);
            Ok(page(shell, &detail, (now, &zone)))
        }
        Err(fault) => Err(fault),
    };
    answer(&ask, made)
}

fn page(shell: Shell, detail: &Detail, at: (Timestamp, &TimeZone)) -> Page {
    let t = shell.t;
    let client = &detail.client;
    let (mark, status) = presence(client, t);
    let told = detail.filters.len() as u64;
    let filters = detail.filters.iter();
    let id = show::name(&client.id);
    Page {
        t,
        id: client.id.to_string(),
        mark,
        status,
        connection: client.connection.as_ref().map(|it| connection(it, at, t)).unwrap_or_default(),
        session: session(client, t),
        filters: filters.map(|one| (show::name(&one.filter), one.qos.bits())).collect(),
        filters_more: (told < client.subscriptions)
            .then(|| t.client_filters_more(told, client.subscriptions)),
        close: match client.connection {
            Some(_) => t.client_close(&id),
            None => t.client_end(&id),
        },
        trace: urls::trace(&client.id),
        shell,
    }
}

fn connection(
    line: &Connection,
    (now, zone): (Timestamp, &TimeZone),
    t: Text,
) -> Vec<(&'static str, Markup)> {
    let traffic = line.traffic;
    let bytes = |bytes| show::code(&show::bytes(bytes));
    let (received, sent) = (show::count(traffic.messages_in), show::count(traffic.messages_out));
    let mut facts = vec![(t.client_peer(), show::code(&line.peer.to_string()))];
    facts.extend(line.door.as_ref().map(|door| {
        let mut told = show::name(&door.listener);
        told.push_own(", ");
        told.push(&show::code(door.transport.word()));
        (t.client_listener(), told)
    }));
    facts.extend([
        (t.client_version(), show::code(line.version.word())),
        (t.client_since(), show::day_and_clock_seconds(line.since, now, zone)),
        (t.client_heard(), show::day_and_clock_seconds(line.last_heard, now, zone)),
        (
            t.client_keep_alive(),
            match line.keep_alive.is_zero() {
                true => Markup::text(t.client_keep_alive_none()),
                false => show::span(line.keep_alive, t),
            },
        ),
        (t.client_messages(), t.client_in_out(&received, &sent)),
        (t.client_rate(), in_out(line.rate, t)),
        (t.client_bytes(), t.client_in_out(&bytes(traffic.bytes_in), &bytes(traffic.bytes_out))),
        (t.client_output(), bytes(line.output_bytes)),
    ]);
    facts
}

fn session(client: &Client, t: Text) -> Vec<(&'static str, Markup)> {
    let expiry = match client.expiry {
        Expiry::Never => Markup::text(t.client_expiry_never()),
        Expiry::Granted(span) if span.is_zero() => Markup::text(t.client_expiry_end()),
        Expiry::Granted(span) => t.client_expiry_granted(&show::span(span, t)),
        Expiry::Left(span) => t.client_expiry_left(&show::span(span, t)),
    };
    vec![
        (t.client_queued(), show::count(client.queued)),
        (t.client_in_flight(), show::count(client.in_flight)),
        (t.client_filters_count(), show::count(client.subscriptions)),
        (t.client_expiry(), expiry),
    ]
}

pub(crate) async fn close(ask: Ask, Form(closing): Form<Closing>) -> Response {
    if !own_origin(&ask.headers) {
        return faults::foreign(&ask);
    }
    let fate = if closing.session == "end" { Fate::Ended } else { Fate::Kept };
    let id = closing.client.clone();
    match ask.read(move |site| site.close_client(&id, fate)).await {
        Ok(true) if fate == Fate::Kept => reply::see_other(&urls::client(&closing.client)),
        Ok(true) => reply::see_other("/system"),
        Ok(false) => faults::no_client(&ask, &closing.client),
        Err(fault) => faults::broken(&ask, &fault),
    }
}
