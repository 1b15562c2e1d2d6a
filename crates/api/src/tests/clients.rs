//! Clients over HTTP, from an invented broker.

use std::sync::Mutex;

use model::Qos;
use model::census::{
    Client, Connection, Detail, DoorName, Expiry, Fate, Filter, Mark, Page, Question, Rate, Totals,
    Traffic, Transport, Unanswered, Version,
};

use model::trace::{Message, Packet, Traced, Tracing, What, Wish};

use super::*;

/// Knows anna, who is connected. Remembers what was asked.
#[derive(Debug, Default)]
pub(super) struct Invented {
    pub(super) asked: Mutex<Vec<String>>,
}

fn anna() -> Client {
    let door = DoorName { listener: "main".into(), transport: Transport::Tls };
    Client {
        id: "a/n na".into(),
        connection: Some(Connection {
            peer: "192.0.2.7:4711".parse().unwrap(),
            door: Some(door),
            version: Version::V5,
            since: Timestamp::from_millis(1_795_338_644_000),
            last_heard: Timestamp::from_millis(1_795_338_645_500),
            keep_alive: Duration::from_secs(60),
            traffic: Traffic { messages_in: 1, messages_out: 2, bytes_in: 3, bytes_out: 4 },
            rate: Rate { received_millis: 1_500, sent_millis: 250 },
            output_bytes: 5,
        }),
        subscriptions: 1,
        in_flight: 6,
        queued: 7,
        expiry: Expiry::Granted(Duration::from_secs(3_600)),
    }
}

impl crate::Clients for Invented {
    fn page(&self, question: &Question) -> Result<Page, Unanswered> {
        self.asked.lock().unwrap().push(format!("{question:?}"));
        if question.search == "busy" {
            return Err(Unanswered::Busy);
        }
        let totals = Totals { sessions: 3, connected: 2, ..Totals::default() };
        let next = Some(Mark { weight: 1_750, client: "a/n na".into() });
        let away = Client { id: "bo".into(), connection: None, expiry: Expiry::Never, ..anna() };
        Ok(Page { clients: vec![anna(), away], matching: 9, totals, next })
    }

    fn client(&self, client: &str) -> Result<Option<Detail>, Unanswered> {
        let filters = vec![Filter { filter: "farm/#".into(), qos: Qos::AtLeastOnce }];
        Ok((client == "a/n na").then(|| Detail { client: anna(), filters }))
    }

    fn close(&self, client: &str, fate: Fate) -> Result<(), Unanswered> {
        self.asked.lock().unwrap().push(format!("close {client} {fate:?}"));
        if client == "a/n na" { Ok(()) } else { Err(Unanswered::Unknown) }
    }

    /// A message, and the end.
    fn trace(&self, wish: Wish) -> Result<Tracing, Unanswered> {
        self.asked.lock().unwrap().push(format!("{wish:?}"));
        if &*wish.client == "full" {
            return Err(Unanswered::Full);
        }
        let message = Message {
            topic: "farm/t".into(),
            alias: None,
            qos: Qos::AtLeastOnce,
            retain: false,
            dup: false,
            payload_bytes: 4,
            payload: wish.payload.then(|| b"21.5".as_slice().into()),
        };
        let message = Some(message);
        let packet = Packet { kind: "PUBLISH", packet_id: Some(7), message, ..Packet::default() };
        let at = Timestamp::from_millis(1_795_338_644_000);
        let (sink, tracing) = model::trace::trace();
        sink.tell(Traced { at, what: What::In(packet) });
        sink.tell(Traced { at, what: What::Closed });
        Ok(tracing)
    }
}

fn api_and_broker() -> (Api, Arc<Invented>) {
    let broker = Arc::new(Invented::default());
    (Api { clients: Arc::clone(&broker) as Arc<dyn crate::Clients>, ..ready() }, broker)
}

fn json(told: Told) -> serde_json::Value {
    serde_json::from_str(&told.body.unwrap()).unwrap()
}

#[tokio::test]
async fn clients_are_listed_with_what_they_do_and_where_the_next_page_begins() {
    let (api, broker) = api_and_broker();
    let path = "/api/clients?order=rate&limit=2&search=a&connected=true&after=2000.z";
    let told = json(ask(&api, get(path)).await);
    assert_eq!(told["next"], "1750.a/n na");
    assert_eq!(
        (told["matching"].as_u64(), told["totals"]["sessions"].as_u64()),
        (Some(9), Some(3))
    );
    let line = &told["clients"][0];
    for (key, value) in [
        ("client", "a/n na"),
        ("peer", "192.0.2.7:4711"),
        ("listener", "main"),
        ("transport", "tls"),
        ("version", "5"),
        ("since", "2026-11-22T09:10:44Z"),
        ("last_heard", "2026-11-22T09:10:45.5Z"),
    ] {
        assert_eq!(line[key], value);
    }
    assert_eq!((line["rate_in"].as_f64(), line["queued"].as_u64()), (Some(1.5), Some(7)));
    let away = &told["clients"][1];
    assert_eq!(away["connected"], false);
    assert!(away.get("peer").is_none() && away["session_expiry"].is_null(), "{away}");
    let asked = broker.asked.lock().unwrap().join("\n");
    for part in ["Connected", "order: Rate", "weight: 2000", "limit: 2", "search: \"a\""] {
        assert!(asked.contains(part), "{asked}");
    }
}

#[tokio::test]
async fn one_client_is_told_with_its_filters() {
    let (api, _) = api_and_broker();
    let told = json(ask(&api, get("/api/clients/a%2Fn%20na")).await);
    assert_eq!(told["filters"], serde_json::json!([{ "filter": "farm/#", "qos": 1 }]));
    assert_eq!(told["in_flight"], 6);
    let missing = ask(&api, get("/api/clients/cleo")).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let body = missing.body.unwrap();
    assert!(body.contains("\"message\":\"There is no such client.\""), "{body}");
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused_and_one_too_many_may_come_again() {
    let (api, _) = api_and_broker();
    for wrong in ["order=size", "limit=many", "limit=1001", "connected=x", "order=rate&after=a"] {
        let told = ask(&api, get(&format!("/api/clients?{wrong}"))).await;
        assert_eq!(told.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(told.body.unwrap().contains("\"code\":\"invalid\""), "{wrong}");
    }
    let busy = ask(&api, get("/api/clients?search=busy")).await;
    assert!(busy.retry && busy.status == StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_client_is_closed_by_programs_and_our_own_pages_only() {
    let (api, broker) = api_and_broker();
    let delete = |path: &str, headers: &[(&str, &str)], body: &'static str| {
        let mut request = Request::delete(path).header("host", "althing.local");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::from(body)).unwrap()
    };
    let path = "/api/clients/a%2Fn%20na";
    let own = ("origin", "http://althing.local");
    for (path, headers, body, status) in [
        (path, vec![("origin", "http://evil.example")], "", StatusCode::FORBIDDEN),
        (path, vec![("sec-fetch-site", "cross-site")], "", StatusCode::FORBIDDEN),
        (path, vec![("content-type", "text/plain")], "", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (path, vec![], "a form", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("/api/clients/a?session=what", vec![], "", StatusCode::BAD_REQUEST),
        ("/api/clients/cleo", vec![], "", StatusCode::NOT_FOUND),
    ] {
        let told = ask(&api, delete(path, &headers, body)).await;
        assert_eq!(told.status, status, "{path} {headers:?}");
    }
    let kept = json(ask(&api, delete(path, &[], "")).await);
    assert_eq!(kept["session"], "kept");
    let path = format!("{path}?session=end");
    let json_body = ("content-type", "application/json; charset=utf-8");
    let ended = json(ask(&api, delete(&path, &[own, json_body], "{}")).await);
    assert_eq!(ended["session"], "ended");
    let asked = broker.asked.lock().unwrap().join(", ");
    assert_eq!(asked, "close cleo Kept, close a/n na Kept, close a/n na Ended");
}

fn post_trace(path: &str) -> Request<Body> {
    Request::post(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_trace_is_a_line_for_each_packet_until_it_is_over() {
    let (api, broker) = api_and_broker();
    let path = "/api/clients/a%2Fn%20na/trace?seconds=5";
    let told = ask(&api, post_trace(path)).await;
    assert_eq!((told.status, &*told.kind), (StatusCode::OK, "application/x-ndjson"));
    let wanted = [
        r#"{"tracing":"a/n na","seconds":5}"#,
        concat!(
            r#"{"time":"2026-11-22T09:10:44Z","direction":"in","packet":"PUBLISH","id":7,"#,
            r#""topic":"farm/t","qos":1,"retain":false,"dup":false,"payload_bytes":4}"#
        ),
        r#"{"time":"2026-11-22T09:10:44Z","direction":"none","packet":"closed"}"#,
        r#"{"over":true,"dropped":0}"#,
    ];
    assert_eq!(told.body.unwrap().lines().collect::<Vec<_>>(), wanted);
    let told = ask(&api, post_trace(&format!("{path}&payload=true"))).await;
    assert!(told.body.unwrap().contains(r#""payload":"21.5""#));
    let asked = broker.asked.lock().unwrap().join(", ");
    assert!(asked.contains("span: 5s, payload: false"), "{asked}");
}

#[tokio::test]
async fn a_trace_that_cannot_be_is_refused() {
    let (api, _) = api_and_broker();
    for (query, status) in [
        ("a/trace?seconds=0", StatusCode::BAD_REQUEST),
        ("a/trace?seconds=3601", StatusCode::BAD_REQUEST),
        ("a/trace?payload=all", StatusCode::BAD_REQUEST),
        ("full/trace", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let told = ask(&api, post_trace(&format!("/api/clients/{query}"))).await;
        assert_eq!(told.status, status, "{query}");
    }
    let mut foreign = post_trace("/api/clients/a/trace");
    foreign.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(ask(&api, foreign).await.status, StatusCode::FORBIDDEN);
}
