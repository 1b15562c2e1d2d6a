//! Counters and gauges in the text format of Prometheus.

use std::fmt::Write as _;
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use model::census::{Question, Totals};
use model::{Event, Gauge};

use crate::{Api, clients};

pub(crate) async fn metrics(State(api): State<Api>) -> impl IntoResponse {
    // Without an answer of the shards the rest is still worth telling.
    let totals = clients::ask(&api, |clients| clients.page(&Question::default())).await;
    let totals = totals.ok().map(|page| page.totals);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&api, totals))
}

/// Lines grow in a String, which takes all that is written.
struct Page(String);

impl Page {
    fn metric(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        let help = help.trim();
        let told = writeln!(
            self.0,
            "# HELP althing_{name} {help}\n# TYPE althing_{name} {kind}\nalthing_{name} {value}"
        );
        debug_assert_eq!(told, Ok(()), "a String takes every line");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.metric(name, "gauge", help, value);
    }

    fn clients(&mut self, totals: &Totals) {
        for (name, help, value) in [
            ("sessions", "Sessions, those of clients that are away included.", totals.sessions),
            ("sessions_connected", "Sessions whose client is connected.", totals.connected),
            ("subscriptions", "Topic filters that sessions listen to.", totals.subscriptions),
            ("queued_messages", "Messages that wait for a subscriber.", totals.queued),
            (
                "in_flight_messages",
                "Messages sent to subscribers that have not confirmed them.",
                totals.in_flight,
            ),
            ("output_bytes", "Bytes that sockets have not taken yet.", totals.output_bytes),
        ] {
            self.gauge(name, help, value);
        }
    }
}

impl Page {
    /// One line for each. Names hold nothing that would have to be escaped.
    fn bridges(&mut self, api: &Api) {
        if api.bridges.is_empty() {
            return;
        }
        self.0.push_str(
            "# HELP althing_bridge_up 1 while the bridge is connected to its other broker.\n\
             # TYPE althing_bridge_up gauge\n",
        );
        for (name, is_up) in &*api.bridges {
            let told =
                writeln!(self.0, "althing_bridge_up{{bridge=\"{name}\"}} {}", u8::from(is_up()));
            debug_assert_eq!(told, Ok(()), "a String takes every line");
        }
    }
}

fn text(api: &Api, totals: Option<Totals>) -> String {
    let mut page = Page(String::new());
    for event in Event::ALL {
        let name = format!("{}_total", event.metric());
        page.metric(&name, "counter", event.help(), api.meter.total(*event));
    }
    let (opened, closed) = (Event::ConnectionOpened, Event::ConnectionClosed);
    let open = api.meter.total(opened).saturating_sub(api.meter.total(closed));
    page.gauge("connections_open", "Connections that are open.", open);
    if let Some(totals) = totals {
        page.clients(&totals);
    }
    let status = (api.status)();
    let horizon = &api.horizon;
    page.gauge("ready", "1 when the site takes readings.", u8::from(status.ready));
    page.gauge("uptime_seconds", "Since the process started.", status.uptime.as_secs_f64());
    let durable = horizon.durable();
    page.gauge("journal_position", "Last record handed to the journal.", status.journal.last);
    page.gauge("durable_position", "Last record that is fsynced.", durable);
    let committed = horizon.committed().position();
    page.gauge("acknowledged_position", "Last record that may be acknowledged.", committed);
    for (name, position) in horizon.readers() {
        let metric = format!("{name}_position");
        page.gauge(&metric, "Last record that this required reader has taken in.", position);
    }
    page.gauge("journal_disk_bytes", "Size of the journal.", status.journal.disk_bytes);
    page.gauge("disk_full", "1 while the disk is full.", u8::from(status.journal.disk_full));
    for (name, span) in [
        ("p50", status.journal.commit_p50),
        ("p99", status.journal.commit_p99),
        ("max", status.journal.commit_max),
    ] {
        let metric = format!("journal_commit_seconds_{name}");
        page.gauge(&metric, "Write and fsync of a journal frame.", seconds(span));
    }
    let erasures = api.devices.erasures().len();
    page.gauge("erasures_pending", "Erasures that are not through on disk.", erasures);
    page.gauge("query_rows_read", "Rows that SQL took out of history.", api.engine.rows_read());
    for (name, help, gauge) in [
        ("remote_files", "Parquet files that lie in the object store.", Gauge::RemoteFiles),
        ("remote_bytes", "Bytes of these files.", Gauge::RemoteBytes),
    ] {
        page.gauge(name, help, api.meter.level(gauge));
    }
    page.bridges(api);
    if let Some(bytes) = resident_bytes() {
        page.gauge("resident_bytes", "Memory of the process that is resident.", bytes);
    }
    page.0
}

fn seconds(span: Duration) -> f64 {
    span.as_secs_f64()
}

/// From the kernel; other systems than Linux do not tell it this way.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}
