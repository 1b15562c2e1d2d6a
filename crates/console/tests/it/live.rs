//! A stream that is cut at any event and goes on behind it: every reading once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use console::{
    Changes, Choices, Device, DeviceChange, DeviceFilter, DeviceList, Durable, Exploration,
    Identity, LivePoint, Overview, Reading, Search, SignalChange, Site, SiteFault, SqlAnswer,
    SqlFault, Status, System, Table, Value, Want, Window,
};
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use model::Timestamp;
use model::census::{Detail, Fate, Page, Question};

use crate::client::send;
use crate::world::World;

/// Readings in one record; a stream may not cut a record in two.
const PER_RECORD: u64 = 3;

/// A site of one device whose records are counted by hand.
struct Counted {
    world: World,
    durable: Arc<AtomicU64>,
}

fn time(position: u64) -> Timestamp {
    Timestamp::from_millis(1_795_338_644_000 + i64::try_from(position).unwrap() * 1_000)
}

fn point(position: u64, part: u64) -> LivePoint {
    let value = f64::from(u32::try_from(position * 10 + part).unwrap());
    LivePoint { position, signal: format!("s{part}"), time: time(position), value }
}

impl Site for Counted {
    fn durable(&self) -> Durable {
        let position = self.durable.load(Ordering::Relaxed);
        Durable { position, time: Some(time(position)) }
    }

    fn system(&self) -> Result<System, SiteFault> {
        self.world.system()
    }

    fn clients(&self, question: &Question) -> Result<Page, SiteFault> {
        self.world.clients(question)
    }

    fn client(&self, id: &str) -> Result<Option<Detail>, SiteFault> {
        self.world.client(id)
    }

    fn close_client(&self, id: &str, fate: Fate) -> Result<bool, SiteFault> {
        self.world.close_client(id, fate)
    }

    fn changes(&self, since: u64, want: &Want) -> Result<Changes, SiteFault> {
        assert!(want.points && want.devices == ["pump"], "the stream asks for its own device");
        let durable = self.durable();
        let records = since + 1..=durable.position;
        let latest = Reading { time: time(durable.position), value: Value::Number(1.0) };
        let change = SignalChange { signal: "s0".to_owned(), unit: None, latest };
        Ok(Changes {
            durable,
            gone: since == 0,
            devices: vec![DeviceChange {
                handle: "pump".to_owned(),
                status: Status::Reporting,
                last_seen: Some(time(durable.position)),
                signals: vec![change],
            }],
            points: records
                .flat_map(|at| (0..PER_RECORD).map(move |part| point(at, part)))
                .collect(),
            figures: None,
        })
    }

    fn identity(&self) -> Identity {
        self.world.identity()
    }
    fn now(&self) -> Timestamp {
        self.world.now()
    }
    fn overview(&self) -> Result<Overview, SiteFault> {
        self.world.overview()
    }
    fn devices(&self, filter: &DeviceFilter) -> Result<DeviceList, SiteFault> {
        self.world.devices(filter)
    }
    fn device(&self, handle: &str, window: &Window) -> Result<Option<Device>, SiteFault> {
        self.world.device(handle, window)
    }
    fn similar(&self, handle: &str) -> Vec<String> {
        self.world.similar(handle)
    }
    fn choices(&self, search: &Search) -> Result<Choices, SiteFault> {
        self.world.choices(search)
    }
    fn explore(
        &self,
        question: &Exploration,
        rows_max: usize,
    ) -> BoxFuture<'static, Result<SqlAnswer, SqlFault>> {
        self.world.explore(question, rows_max)
    }
    fn schema(&self) -> Result<Vec<Table>, SiteFault> {
        self.world.schema()
    }
    fn sql(&self, statement: &str) -> BoxFuture<'static, Result<SqlAnswer, SqlFault>> {
        self.world.sql(statement)
    }
}

#[derive(Debug, Default)]
struct Event {
    name: String,
    data: String,
    id: Option<u64>,
}

fn parse(frame: &str) -> Event {
    let mut event = Event::default();
    for line in frame.lines() {
        match line.split_once(": ") {
            Some(("event", name)) => event.name = name.to_owned(),
            Some(("data", data)) => event.data = data.to_owned(),
            Some(("id", id)) => event.id = id.parse().ok(),
            _ => {}
        }
    }
    event
}

async fn open(router: &Router, from: u64, heard: Option<u64>) -> Body {
    let mut request = Request::builder().uri(format!("/live?device=pump&from={from}"));
    if let Some(heard) = heard {
        request = request.header("last-event-id", heard.to_string());
    }
    let response = send(router, request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body()
}

async fn next(body: &mut Body) -> Event {
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let text = String::from_utf8(frame.to_vec()).unwrap();
    assert!(text.len() <= 2_048, "{} bytes in one event", text.len());
    parse(&text)
}

#[tokio::test(start_paused = true)]
async fn after_a_cut_at_any_event_exactly_the_missing_readings_arrive() {
    for cut_after in 1..24 {
        let durable = Arc::new(AtomicU64::new(200));
        let world = World::still();
        let router = console::router(Arc::new(Counted { world, durable: Arc::clone(&durable) }));
        let mut body = open(&router, 10, None).await;
        let (mut points, mut heard, mut seen) = (Vec::new(), None, 0);
        let mut cuts = 0;
        while heard != Some(260) {
            let event = next(&mut body).await;
            seen += 1;
            heard = event.id.or(heard);
            if event.name == "p" {
                let rows: Vec<(String, i64, f64)> = serde_json::from_str(&event.data).unwrap();
                points.extend(rows);
            }
            if heard == Some(200) {
                durable.store(260, Ordering::Relaxed);
            }
            if seen % cut_after == 0 && cuts < 5 {
                cuts += 1;
                body = open(&router, 10, heard).await;
            }
        }
        let expected = (11..=260).flat_map(|at| (0..PER_RECORD).map(move |part| point(at, part)));
        let expected: Vec<_> =
            expected.map(|one| (one.signal, one.time.millis(), one.value)).collect();
        assert_eq!(points, expected, "cut after every {cut_after} events");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_too_old_is_told_to_load_again() {
    let site = Counted { world: World::still(), durable: Arc::new(AtomicU64::new(5)) };
    let mut body = open(&console::router(Arc::new(site)), 0, None).await;
    assert_eq!(next(&mut body).await.name, "");
    assert_eq!(next(&mut body).await.name, "gone");
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_life_of_the_site_is_told_to_load_again() {
    let site = Counted { world: World::still(), durable: Arc::new(AtomicU64::new(5)) };
    let mut body = open(&console::router(Arc::new(site)), 9_000, None).await;
    assert_eq!(next(&mut body).await.name, "");
    assert_eq!(next(&mut body).await.name, "gone");
}

#[tokio::test(start_paused = true)]
async fn a_line_on_which_nothing_happens_is_heard_within_ten_seconds() {
    let site = Counted { world: World::still(), durable: Arc::new(AtomicU64::new(5)) };
    let mut body = open(&console::router(Arc::new(site)), 5, None).await;
    assert_eq!(next(&mut body).await.name, "");
    let beat = tokio::time::timeout(std::time::Duration::from_secs(10), next(&mut body)).await;
    assert_eq!(beat.unwrap().id, Some(5));
}

#[tokio::test(start_paused = true)]
async fn there_is_room_for_so_many_streams_and_then_an_answer() {
    let site = Counted { world: World::still(), durable: Arc::new(AtomicU64::new(5)) };
    let router = console::router(Arc::new(site));
    let mut bodies = Vec::new();
    let refused = loop {
        let request =
            Request::builder().uri("/live?device=pump&from=5").body(Body::empty()).unwrap();
        let response = send(&router, request).await;
        if response.status() != StatusCode::OK {
            break response;
        }
        bodies.push(response.into_body());
        assert!(bodies.len() <= 1_000, "streams have no limit");
    };
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    drop(bodies);
    drop(open(&router, 5, None).await);
}
