//! Bodies as agents send them, over a broker that only acknowledges.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use mqtt::{Ack, ConnAck, Packet, Properties, Reason, Version, decode};
use prost::Message as _;
use tokio::runtime::Handle;
use tower::ServiceExt as _;

use super::points_of;
use super::prometheus::{Label, Sample, TimeSeries, WriteRequest, messages_of};
use crate::tests::api_with;
use crate::{Intake, Status, router};

/// Topic and payload of what was published.
type Published = (String, String);

/// Answers a CONNECT, and each PUBLISH with this reason.
fn broker(mut socket: UnixStream, reason: Reason, published: &SyncSender<Published>) {
    let (mut inbox, mut chunk) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let count = socket.read(&mut chunk).unwrap_or_default();
        if count == 0 {
            return;
        }
        inbox.extend_from_slice(&chunk[..count]);
        while let Some((packet, length)) = decode(&inbox, Version::V5, 1 << 28).unwrap() {
            let answer = if let Packet::Publish(publish) = packet {
                let payload = String::from_utf8_lossy(publish.payload).into_owned();
                published.send((publish.topic.to_owned(), payload)).unwrap();
                Packet::PubAck(Ack::new(publish.packet_id.unwrap(), reason))
            } else {
                assert!(matches!(packet, Packet::Connect(_)), "{packet:?}");
                let (session_present, properties) = (false, Properties::NONE);
                Packet::ConnAck(ConnAck { session_present, reason: Reason::Success, properties })
            };
            let mut out = Vec::new();
            answer.encode(Version::V5, &mut out).unwrap();
            socket.write_all(&out).unwrap();
            inbox.drain(..length);
        }
    }
}

/// A site whose broker answers so, and what reaches that.
fn site(reason: Reason) -> (axum::Router, Receiver<Published>) {
    let (sender, published) = sync_channel(100);
    let dial = move || {
        let (ours, theirs) = UnixStream::pair()?;
        let sender = sender.clone();
        std::thread::spawn(move || broker(theirs, reason, &sender));
        Ok(ours)
    };
    let (intake, work) = Intake::new(Arc::new(dial), "http".to_owned());
    Handle::current().spawn(work);
    (router(api_with(Status::default(), intake)), published)
}

async fn post(router: &axum::Router, path: &str, body: impl Into<Body>) -> (StatusCode, String) {
    send(router, Request::post(path).body(body.into()).unwrap()).await
}

async fn send(router: &axum::Router, request: Request<Body>) -> (StatusCode, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn points_become_one_message() {
    let (router, published) = site(Reason::Success);
    let body = "# from an agent\nm,host=a v=1 1\n\nm,host=b v=2 2\n";
    let (status, _) = post(&router, "/write?db=farm&precision=ns", body).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let text = "# from an agent\nm,host=a v=1 1\nm,host=b v=2 2\n".to_owned();
    assert_eq!(published.recv().unwrap(), ("influx/farm".to_owned(), text));
    let (status, _) = post(&router, "/api/v2/write?org=o&bucket=a/b", "m v=1").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(published.recv().unwrap().0, "influx/a_b");
}

#[tokio::test]
async fn a_packed_body_is_unpacked() {
    let (router, published) = site(Reason::Success);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"m v=1\n").unwrap();
    let packed = packed.finish().unwrap();
    let request = |encoding: &str, body: Vec<u8>| {
        Request::post("/write").header("content-encoding", encoding).body(body.into()).unwrap()
    };
    assert_eq!(send(&router, request("gzip", packed.clone())).await.0, StatusCode::NO_CONTENT);
    assert_eq!(published.recv().unwrap(), ("influx/write".to_owned(), "m v=1\n".to_owned()));
    let cut = packed[..packed.len() / 2].to_vec();
    assert_eq!(send(&router, request("gzip", cut)).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send(&router, request("br", packed)).await.0, StatusCode::BAD_REQUEST);
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    bomb.write_all(&vec![b' '; 17 << 20]).unwrap();
    let (status, told) = send(&router, request("gzip", bomb.finish().unwrap())).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(told.contains("too large"), "{told}");
}

#[tokio::test]
async fn lines_that_are_no_points_are_told_and_the_others_written() {
    let (router, published) = site(Reason::Success);
    let (status, told) = post(&router, "/write", "m v=1\nno point\nm v=2\nnone").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(told.contains("2 lines are no points, the first is line 2"), "{told}");
    assert_eq!(published.recv().unwrap().1, "m v=1\nm v=2\n");
}

#[tokio::test]
async fn what_is_not_acknowledged_is_not_confirmed() {
    let (router, _published) = site(Reason::QuotaExceeded);
    assert_eq!(post(&router, "/write", "m v=1").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let (intake, work) =
        Intake::new(Arc::new(|| Err(std::io::ErrorKind::NotConnected.into())), "http".to_owned());
    Handle::current().spawn(work);
    let closed = router_of(intake);
    assert_eq!(post(&closed, "/write", "m v=1").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

fn router_of(intake: Intake) -> axum::Router {
    router(api_with(Status::default(), intake))
}

#[tokio::test]
async fn each_pack_of_senml_becomes_a_message() {
    let (router, published) = site(Reason::Success);
    let pack = r#"[{"bn":"a","bt":1.7e9,"n":"t","v":1}]"#;
    let body = format!("{pack}\n\n{pack}\n");
    let (status, _) = post(&router, "/api/senml?name=import", body).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for _ in 0..2 {
        assert_eq!(published.recv().unwrap(), ("senml/import".to_owned(), pack.to_owned()));
    }
    let (status, told) = post(&router, "/api/senml", format!("{pack}\n{{\"n\":1}}")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(told.contains("Line 2 is no pack"), "{told}");
    let record = r#"{"n":"t","v":1}"#;
    let long = format!("[{}{record}]", format!("{record},").repeat(dialect::RECORDS_MAX));
    assert_eq!(post(&router, "/api/senml", long).await.0, StatusCode::BAD_REQUEST);
    assert!(published.try_recv().is_err(), "what is refused is not written in part");
    let (router, _published) = site(Reason::QuotaExceeded);
    assert_eq!(post(&router, "/api/senml", pack).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_page_of_another_site_writes_nothing() {
    let (router, _published) = site(Reason::Success);
    for path in ["/write", "/api/v2/write", "/api/v1/write", "/api/senml"] {
        let request = Request::post(path).header("origin", "https://elsewhere.example");
        let request = request.header("host", "site.example").body("m v=1".into()).unwrap();
        assert_eq!(send(&router, request).await.0, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn agents_get_the_answers_they_ask_for_first() {
    let (router, _published) = site(Reason::Success);
    let create = "q=CREATE+DATABASE+%22telegraf%22";
    assert_eq!(post(&router, "/query", create).await.0, StatusCode::OK);
    assert_eq!(post(&router, "/query?q=create%20database%20x", "").await.0, StatusCode::OK);
    assert_eq!(post(&router, "/query", "q=DROP+DATABASE+x").await.0, StatusCode::BAD_REQUEST);
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(send(&router, get("/ping")).await.0, StatusCode::NO_CONTENT);
    assert!(send(&router, get("/health")).await.1.contains("\"pass\""));
}

fn request() -> WriteRequest {
    let label = |name: &str, value: &str| Label { name: name.to_owned(), value: value.to_owned() };
    let sample = |value, timestamp| Sample { value, timestamp };
    let labels = vec![
        label("__name__", "node_cpu_seconds_total"),
        label("cpu", "0"),
        label("instance", "gw:9100"),
        label("job", "a b"),
    ];
    let samples = vec![sample(1.5, 1_714_816_800_000), sample(f64::NAN, 1_714_816_815_000)];
    WriteRequest { timeseries: vec![TimeSeries { labels, samples }] }
}

#[tokio::test]
async fn prometheus_samples_become_points() {
    let line = "node_cpu_seconds_total,cpu=0,instance=gw:9100,job=a\\ b value=1.5 1714816800000\n";
    assert_eq!(messages_of(&request()), Some((vec![line.as_bytes().to_vec()], 0)));
    let (router, published) = site(Reason::Success);
    let packed = snap::raw::Encoder::new().compress_vec(&request().encode_to_vec()).unwrap();
    assert_eq!(post(&router, "/api/v1/write", packed).await.0, StatusCode::NO_CONTENT);
    assert_eq!(published.recv().unwrap(), ("prometheus/write".to_owned(), line.to_owned()));
    assert_eq!(post(&router, "/api/v1/write", "no snappy").await.0, StatusCode::BAD_REQUEST);
}

#[test]
fn samples_that_are_no_points_or_too_many_are_told() {
    let mut bad = request();
    bad.timeseries[0].labels[0].value = "#comment".to_owned();
    assert_eq!(messages_of(&bad), Some((Vec::new(), 1)));
    bad.timeseries[0].labels[0].value = String::new();
    assert_eq!(messages_of(&bad), Some((Vec::new(), 1)));
    let mut large = request();
    large.timeseries[0].labels[1].value = "x".repeat(10_000);
    large.timeseries[0].samples = vec![Sample { value: 1.0, timestamp: 0 }; 2_000];
    assert_eq!(messages_of(&large), None);
    large.timeseries[0].labels[1].value = "x".repeat(100_000);
    assert_eq!(messages_of(&large), Some((Vec::new(), 2_000)));
}

#[test]
fn a_large_body_becomes_several_messages() {
    let body =
        "measurement,device=some-device temperature=21.5 1714816800000000000\n".repeat(20_000);
    let (messages, bad) = points_of(&body);
    assert_eq!(bad, None);
    assert_eq!(messages.len(), 5);
    assert!(messages.iter().all(|message| message.len() <= super::MESSAGE_BYTES_MAX));
    assert_eq!(messages.concat(), body.as_bytes());
}
