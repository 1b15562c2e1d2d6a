//! System: what the process does, and who is connected to it.

pub(crate) mod client;

use std::time::Duration;

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use jiff::tz::TimeZone;
use model::Timestamp;
use model::census::{Client, Mark, Order, Page as Census, Presence, Question, Rate, Totals};
use serde::Deserialize;

use crate::filters;
use crate::markup::Markup;
use crate::pages::answer;
use crate::router::Ask;
use crate::shell::{Here, Shell, Theme};
use crate::show;
use crate::site::System;
use crate::urls;
use crate::words::Text;

/// Rows on a page: two screens of a desk.
const ROWS_MAX: usize = 40;

/// The question as it stands in the address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    search: String,
    presence: String,
    order: String,
    after: String,
}

impl Asked {
    /// A word that nobody knows asks for nothing, as if it were not there.
    fn question(&self) -> Question {
        let order = Order::parse(&self.order).unwrap_or_default();
        let after = (!self.after.is_empty()).then(|| Mark::parse(&self.after, order));
        Question {
            search: self.search.trim().to_owned(),
            presence: match self.presence.as_str() {
                "connected" => Presence::Connected,
                "away" => Presence::Away,
                _ => Presence::Any,
            },
            order,
            after: after.flatten(),
            limit: ROWS_MAX,
        }
    }

    /// The address with one part changed. Any change but of the place starts at the first page.
    fn with(&self, key: &str, value: &str) -> String {
        let part = |name: &str, own: &str| {
            if name == key { value.to_owned() } else { own.to_owned() }
        };
        let query = urls::query(&[
            ("search", &part("search", self.search.trim())),
            ("presence", &part("presence", &self.presence)),
            ("order", &part("order", &self.order)),
            ("after", if key == "after" { value } else { "" }),
        ]);
        format!("/system{query}")
    }
}

#[derive(Template)]
#[template(path = "system.html")]
struct Page {
    shell: Shell,
    t: Text,
    asked: Asked,
    figures: [Figure; 4],
    facts: Vec<(&'static str, Markup)>,
    disk_full: bool,
    /// Where devices connect, while nobody has.
    empty: Option<Markup>,
    count: Markup,
    presences: [Choice; 3],
    orders: [Choice; 3],
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

struct Figure {
    label: &'static str,
    value: Markup,
    note: Markup,
}

struct Choice {
    label: &'static str,
    href: String,
    chosen: bool,
}

struct Row {
    href: String,
    id: Markup,
    peer: Option<Markup>,
    mark: &'static str,
    status: &'static str,
    waiting: Markup,
    rate: Markup,
    total: Markup,
    heard: Option<Markup>,
}

pub(crate) async fn show(ask: Ask, Query(asked): Query<Asked>) -> Response {
    let question = asked.question();
    let view = ask.read(move |site| {
        Ok((site.system()?, site.clients(&question)?, site.identity(), site.now()))
    });
    let made = view.await.map(|(system, clients, identity, now)| {
        let t = Text::default();
        let shell = Shell::new(&ask, Here::System, t.nav_system(), system.durable);
        let empty =
            (clients.totals.sessions == 0).then(|| t.clients_none_yet(&show::code(&identity.mqtt)));
        page(shell, asked, (&system, &clients), (empty, now, &identity.zone))
    });
    answer(&ask, made)
}

fn page(
    shell: Shell,
    asked: Asked,
    (system, clients): (&System, &Census),
    (empty, now, zone): (Option<Markup>, Timestamp, &TimeZone),
) -> Page {
    let t = shell.t;
    Page {
        figures: figures(system, &clients.totals, t),
        facts: facts(system, &clients.totals, t),
        disk_full: system.disk_full,
        empty,
        count: t.clients_matching(clients.matching),
        presences: presences(&asked, t),
        orders: orders(&asked, t),
        rows: clients.clients.iter().map(|client| row(client, (now, zone), t)).collect(),
        first: (!asked.after.is_empty()).then(|| asked.with("after", "")),
        next: clients
            .next
            .as_ref()
            .map(|mark| asked.with("after", &mark.text(asked.question().order))),
        t,
        shell,
        asked,
    }
}

fn figures(system: &System, totals: &Totals, t: Text) -> [Figure; 4] {
    let uptime = t.figure_uptime(&show::span(system.uptime, t));
    let memory = system.resident_bytes.map(|bytes| show::code(&show::bytes(bytes)));
    [
        Figure {
            label: t.figure_connected(),
            value: show::count(totals.connected),
            note: t.figure_sessions(totals.sessions),
        },
        Figure {
            label: t.figure_traffic(),
            value: per_second(totals.rate.received_millis),
            note: t.figure_traffic_out(&per_second(totals.rate.sent_millis)),
        },
        Figure {
            label: t.figure_commit(),
            value: millis(system.commit_p99, t),
            note: t.figure_commit_half(&millis(system.commit_p50, t)),
        },
        Figure {
            label: t.figure_memory(),
            value: memory.unwrap_or_else(|| Markup::text(t.figure_memory_unknown())),
            note: uptime,
        },
    ]
}

fn facts(system: &System, totals: &Totals, t: Text) -> Vec<(&'static str, Markup)> {
    let behind = |position: u64| {
        let mut told = show::count(position);
        let waits = system.journal.saturating_sub(position);
        told.push_own(" · ");
        told.push(&match waits {
            0 => Markup::text(t.system_lag_none()),
            waits => t.system_lag(waits),
        });
        told
    };
    vec![
        (t.system_journal(), show::count(system.journal)),
        (t.system_durable(), behind(system.durable.position)),
        (t.system_history(), behind(system.history)),
        (t.system_size(), show::code(&show::bytes(system.journal_bytes))),
        (t.system_subscriptions(), show::count(totals.subscriptions)),
        (t.system_in_flight(), show::count(totals.in_flight)),
        (t.system_queued(), show::count(totals.queued)),
        (t.system_output(), show::code(&show::bytes(totals.output_bytes))),
    ]
}

fn presences(asked: &Asked, t: Text) -> [Choice; 3] {
    let presence = asked.question().presence;
    let one = |label, word, own| Choice {
        label,
        href: asked.with("presence", word),
        chosen: presence == own,
    };
    [
        one(t.facet_all(), "", Presence::Any),
        one(t.clients_connected(), "connected", Presence::Connected),
        one(t.clients_away(), "away", Presence::Away),
    ]
}

fn orders(asked: &Asked, t: Text) -> [Choice; 3] {
    let order = asked.question().order;
    let one =
        |label, word, own| Choice { label, href: asked.with("order", word), chosen: order == own };
    [
        one(t.order_name(), "", Order::Id),
        one(t.clients_order_rate(), Order::Rate.word(), Order::Rate),
        one(t.clients_order_waiting(), Order::Waiting.word(), Order::Waiting),
    ]
}

fn row(client: &Client, (now, zone): (Timestamp, &TimeZone), t: Text) -> Row {
    let line = client.connection.as_ref();
    let rate = line.map(|line| line.rate).unwrap_or_default();
    let (mark, status) = presence(client, t);
    Row {
        href: urls::client(&client.id),
        id: show::name(&client.id),
        peer: line.map(|line| show::code(&line.peer.to_string())),
        mark,
        status,
        waiting: match client.queued + client.in_flight {
            0 => Markup::text(t.none()),
            _ => t.client_waiting(&show::count(client.queued), &show::count(client.in_flight)),
        },
        rate: in_out(rate, t),
        total: line.map_or_else(Markup::default, |line| {
            show::code(&show::compact(line.traffic.messages_in + line.traffic.messages_out))
        }),
        heard: line.map(|line| show::day_and_clock(line.last_heard, now, zone)),
    }
}

/// The mark and the word of a client.
fn presence(client: &Client, t: Text) -> (&'static str, &'static str) {
    match client.connection {
        Some(_) => ("ok", t.clients_connected()),
        None => ("stale", t.clients_away()),
    }
}

fn in_out(rate: Rate, t: Text) -> Markup {
    t.client_in_out(&per_second(rate.received_millis), &per_second(rate.sent_millis))
}

#[expect(clippy::cast_precision_loss, reason = "no broker has 2^53 thousandths of a message")]
fn per_second(millis: u64) -> Markup {
    let rate = millis as f64 / 1_000.0;
    show::code(&show::number(if rate < 10.0 { (rate * 10.0).round() / 10.0 } else { rate.round() }))
}

fn millis(span: Duration, t: Text) -> Markup {
    let millis = (span.as_secs_f64() * 100_000.0).round() / 100.0;
    show::code(&show::number_unit(millis, Some(t.unit_millisecond())))
}
