//! The API without a port.

mod clients;
mod devices;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::{Request, StatusCode, header};
use history::storage::memory::Memory;
use http_body_util::BodyExt as _;
use model::{Event, Horizon, Meter, Position, Timestamp};
use query::{Catalog, DeviceRow, Engine, Limits, MessageScan, Messages};
use tower::ServiceExt as _;

use crate::{Api, Intake, JournalStats, Status, router};

#[derive(Debug)]
struct Empty;

impl Catalog for Empty {
    fn devices(&self) -> Vec<DeviceRow> {
        Vec::new()
    }

    fn messages(&self, _scan: MessageScan) -> Messages {
        Box::new(std::iter::empty())
    }
}

fn api(status: Status) -> Api {
    // Nobody is there to take what is written.
    let (intake, _never) =
        Intake::new(Arc::new(|| Err(std::io::ErrorKind::NotConnected.into())), "http".to_owned());
    api_with(status, intake)
}

pub(crate) fn api_with(status: Status, intake: Intake) -> Api {
    let (options, now) = (history::Options::new("unused"), Timestamp::EPOCH);
    let opened = history::open_on(Arc::new(Memory::default()), options, now);
    let (_, reader, _) = opened.unwrap();
    let (horizon, ..) = Horizon::new(Position::new(7), &["history"], Box::new(|_| {}));
    let limits = Limits { time: Duration::from_secs(2), ..Limits::default() };
    let engine = Engine::new(reader, Arc::clone(&horizon), Arc::new(Empty), limits).unwrap();
    let (engine, meter) = (Arc::new(engine), Arc::new(Meter::default()));
    let clients = Arc::new(clients::Invented::default());
    let devices = Arc::new(devices::Invented::default());
    let (status, bridges) = (Arc::new(move || status), Arc::default());
    Api { engine, meter, horizon, clients, devices, status, intake, bridges }
}

fn ready() -> Api {
    api(Status { ready: true, ..Status::default() })
}

struct Told {
    status: StatusCode,
    kind: String,
    retry: bool,
    body: Result<String, String>,
}

async fn ask(api: &Api, request: Request<Body>) -> Told {
    let response = router(api.clone()).oneshot(request).await.unwrap();
    let kind = response.headers().get(header::CONTENT_TYPE).unwrap().to_str().unwrap().to_owned();
    let retry = response.headers().contains_key(header::RETRY_AFTER);
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|cut| cut.to_string());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Told { status, kind, retry, body: body.map(|body| text(&body.to_bytes())) }
}

fn post(sql: impl Into<Body>, accept: &str) -> Request<Body> {
    Request::post("/api/sql").header(header::ACCEPT, accept).body(sql.into()).unwrap()
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn the_format_follows_accept_and_the_address() {
    let api = ready();
    for (accept, kind, body) in [
        ("*/*", "application/json", "[{\"n\":1}]\n"),
        ("text/html, text/csv;q=0.9, */*;q=0.1", "text/csv", "n\r\n1\r\n"),
        ("application/json;q=0.2, text/*;q=0.5", "text/csv", "n\r\n1\r\n"),
        ("application/x-ndjson", "application/x-ndjson", "{\"n\":1}\n"),
    ] {
        let told = ask(&api, post("SELECT 1 AS n", accept)).await;
        assert_eq!(told.status, StatusCode::OK);
        assert!(told.kind.starts_with(kind), "{accept}: {}", told.kind);
        assert_eq!(told.body.unwrap(), body, "{accept}");
    }
    let told = ask(&api, get("/api/sql?q=SELECT%201%20AS%20n&format=csv")).await;
    assert_eq!(told.body.unwrap(), "n\r\n1\r\n");
    let parquet = ask(&api, post("SELECT 1 AS n", "application/vnd.apache.parquet")).await;
    assert!(parquet.body.unwrap().starts_with("PAR1"));
    let none = ask(&api, post("SELECT 1 AS n", "image/png")).await;
    assert_eq!(none.status, StatusCode::NOT_ACCEPTABLE);
    assert_eq!(api.meter.total(Event::QueryRun), 6);
}

#[tokio::test]
async fn errors_have_a_status_a_code_and_a_place() {
    let api = ready();
    for (sql, status, part) in [
        (
            "SELECT nope FROM readings",
            StatusCode::BAD_REQUEST,
            "\"position\":{\"line\":1,\"column\":8}",
        ),
        ("DROP TABLE readings", StatusCode::FORBIDDEN, "\"code\":\"read_only\""),
        ("", StatusCode::BAD_REQUEST, "\"hint\":\"Try SHOW TABLES.\""),
    ] {
        let told = ask(&api, post(sql, "*/*")).await;
        assert_eq!(told.status, status, "{sql}");
        let body = told.body.unwrap();
        assert!(body.contains(part), "{body}");
    }
    let large = "x".repeat(300 << 10);
    assert_eq!(ask(&api, post(large, "*/*")).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(api.meter.total(Event::QueryFailed), 3);
}

#[tokio::test]
async fn readiness_is_not_health() {
    let full = JournalStats { disk_full: true, ..JournalStats::default() };
    for (status, code) in [
        (Status::default(), StatusCode::SERVICE_UNAVAILABLE),
        (Status { ready: true, ..Status::default() }, StatusCode::OK),
        (
            Status { ready: true, journal: full, ..Status::default() },
            StatusCode::SERVICE_UNAVAILABLE,
        ),
    ] {
        let api = api(status);
        assert_eq!(ask(&api, get("/readyz")).await.status, code);
        assert_eq!(ask(&api, get("/healthz")).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn every_event_is_a_metric_with_its_meaning() {
    let api = ready();
    let page = ask(&api, get("/metrics")).await.body.unwrap();
    for event in Event::ALL {
        let name = event.metric();
        assert!(page.contains(&format!("# HELP althing_{name}_total ")), "{name}");
        assert!(page.contains(&format!("\nalthing_{name}_total 0\n")), "{name}");
    }
    assert!(page.contains("\nalthing_acknowledged_position 7\n"));
    assert!(page.contains("\nalthing_history_position 7\n"));
}

#[tokio::test]
async fn every_metric_is_documented_with_its_kind_and_no_other_is() {
    let page = ask(&ready(), get("/metrics")).await.body.unwrap();
    let kinds = page.lines().filter_map(|line| line.strip_prefix("# TYPE althing_"));
    let mut told: Vec<String> = kinds.map(str::to_owned).collect();
    let guide = include_str!("../../../docs/metrics.md");
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let first = |rest: &str| rest.split(' ').next().unwrap_or_default().to_owned();
    let mut written: Vec<String> =
        rows.map(|(name, rest)| format!("{name} {}", first(rest))).collect();
    told.sort();
    written.sort();
    assert_eq!(told, written);
}

#[tokio::test]
async fn a_short_answer_from_memory_has_its_length() {
    let api = ready();
    for (sql, length) in [("SELECT 1 AS n", Some(6)), ("SELECT device FROM latest", Some(8))] {
        let response = router(api.clone()).oneshot(post(sql, "text/csv")).await.unwrap();
        assert_eq!(response.body().size_hint().exact(), length, "{sql}");
    }
    let sql = "SELECT * FROM generate_series(1, 30000)";
    let response = router(api.clone()).oneshot(post(sql, "text/csv")).await.unwrap();
    assert_eq!(response.body().size_hint().exact(), None);
}

#[tokio::test]
async fn an_answer_that_fails_in_its_middle_is_cut() {
    let api = ready();
    let sql = "SELECT 1 / (20000 - value) FROM generate_series(1, 30000)";
    let told = ask(&api, post(sql, "text/csv")).await;
    assert_eq!(told.status, StatusCode::OK);
    assert!(!told.retry);
    assert!(told.body.is_err(), "a part must not look like the whole");
}
