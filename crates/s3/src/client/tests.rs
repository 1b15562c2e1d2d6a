use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use expect_test::{Expect, expect};
use history::remote::{Created, ObjectFault, Objects as _, Stat};
use model::Timestamp;

use super::{Client, Clock};
use crate::keys::Keys;
use crate::options::Options;

/// A server that says what it is told to say, an answer for each connection.
struct Script {
    endpoint: String,
    /// The first line of each request, and the headers that matter.
    heard: Arc<Mutex<Vec<String>>>,
}

const HEARD: [&str; 4] = ["range:", "if-none-match:", "x-amz-checksum", "content-length:"];

impl Script {
    fn play(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let answers: Vec<String> = answers.iter().map(|text| (*text).to_owned()).collect();
        let told = Arc::clone(&heard);
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                told.lock().unwrap().push(hear(&mut reader));
                let (head, body) = answer.split_once('|').unwrap_or((&answer, ""));
                let head = head.replace('\n', "\r\n");
                let length = if head.contains("content-length") {
                    String::new()
                } else {
                    format!("content-length: {}\r\n", body.len())
                };
                let text = format!("HTTP/1.1 {head}\r\n{length}connection: close\r\n\r\n{body}");
                stream.write_all(text.as_bytes()).unwrap();
            }
        });
        Self { endpoint, heard }
    }

    fn client(&self) -> Client {
        let options = Options {
            endpoint: self.endpoint.clone(),
            region: "r".to_owned(),
            bucket: "bucket".to_owned(),
            prefix: "site".to_owned(),
            path_style: true,
            authorities: None,
            keys: Keys::new("id", "secret", None),
        };
        Client::new(&options, Clock::new(|| Timestamp::from_millis(0))).unwrap()
    }

    #[track_caller]
    fn heard(&self, expected: &Expect) {
        expected.assert_eq(&self.heard.lock().unwrap().join("\n"));
    }
}

/// The request, as far as tests look at it.
fn hear(reader: &mut impl std::io::BufRead) -> String {
    let (mut told, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        if told.is_empty() || HEARD.iter().any(|name| line.starts_with(name)) {
            told.push(line.to_owned());
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).unwrap();
    told.join(", ")
}

fn bytes() -> Bytes {
    Bytes::from_static(b"123456789")
}

#[test]
fn an_object_is_made_only_where_there_is_none() {
    let script =
        Script::play(&["200 OK", "412 Precondition Failed|<Code>PreconditionFailed</Code>"]);
    let client = script.client();
    let crc = 0xe306_9283;
    assert_eq!(client.create("a/day=1/b", &bytes(), crc).unwrap(), Created::New);
    assert_eq!(client.create("a/day=1/b", &bytes(), crc).unwrap(), Created::Exists);
    script.heard(&expect![[r#"
        PUT /bucket/site/a/day%3D1/b HTTP/1.1, content-length: 9, if-none-match: *, x-amz-checksum-crc32c: 4waSgw==
        PUT /bucket/site/a/day%3D1/b HTTP/1.1, content-length: 9, if-none-match: *, x-amz-checksum-crc32c: 4waSgw=="#]]);
}

/// The first request may have been done although its answer says that it was not.
#[test]
fn what_passes_is_tried_again() {
    let script = Script::play(&[
        "503 Slow Down|<Code>SlowDown</Code>",
        "409 Conflict|<Code>ConditionalRequestConflict</Code>",
        "412 Precondition Failed",
    ]);
    assert_eq!(script.client().create("k", &bytes(), 1).unwrap(), Created::Exists);
}

#[test]
fn tries_come_to_an_end() {
    let script = Script::play(&["500 No"; 3]);
    let fault = script.client().read("k", 10).unwrap_err();
    assert_eq!(fault.to_string(), "s3://bucket/site answers 500 ");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let script = Script { endpoint, heard: Arc::default() };
    let fault = script.client().read("k", 10).unwrap_err();
    assert!(matches!(fault, ObjectFault::Away { .. }), "{fault}");
    assert_eq!(fault.to_string(), "s3://bucket/site does not answer");
}

#[test]
fn a_refusal_is_told_at_once() {
    let script = Script::play(&[
        "403 Forbidden|<Error><Code>AccessDenied</Code></Error>",
        "404 Not Found|<Error><Code>NoSuchBucket</Code></Error>",
        "301 Moved\nlocation: http://elsewhere.example/",
    ]);
    let client = script.client();
    let told = |fault: ObjectFault| fault.to_string();
    let fault = told(client.read("k", 10).unwrap_err());
    assert_eq!(fault, "s3://bucket/site answers 403 AccessDenied");
    let fault = told(client.read("k", 10).unwrap_err());
    assert_eq!(fault, "s3://bucket/site answers 404 NoSuchBucket");
    let fault = told(client.read("k", 10).unwrap_err());
    assert_eq!(fault, "s3://bucket/site answers 301 ");
}

#[test]
fn a_part_is_asked_for_by_its_range() {
    let script = Script::play(&[
        "206 Partial Content|34567",
        "200 OK|123456789",
        "404 Not Found|<Error><Code>NoSuchKey</Code></Error>",
    ]);
    let client = script.client();
    assert_eq!(client.read_at("k", 2, 5).unwrap(), "34567");
    let fault = client.read_at("k", 2, 5).unwrap_err();
    assert_eq!(fault.to_string(), "s3://bucket/site answers 200 ", "it does not know ranges");
    let fault = client.read_at("k", 2, 5).unwrap_err();
    assert_eq!(fault.to_string(), "s3://bucket/site has no k");
    script.heard(&expect![[r#"
        GET /bucket/site/k HTTP/1.1, range: bytes=2-6
        GET /bucket/site/k HTTP/1.1, range: bytes=2-6
        GET /bucket/site/k HTTP/1.1, range: bytes=2-6"#]]);
}

/// What ends early is no answer.
#[test]
fn a_body_that_is_cut_off_is_asked_for_again() {
    let script = Script::play(&["200 OK\ncontent-length: 9|1234", "200 OK|123456789"]);
    assert_eq!(script.client().read("k", 100).unwrap().unwrap(), "123456789");
}

#[test]
fn no_more_is_read_than_was_asked_for() {
    let script = Script::play(&["200 OK|123456789"]);
    assert_eq!(script.client().read("k", 4).unwrap().unwrap(), "1234");
}

#[test]
fn a_store_tells_length_and_checksum() {
    let script = Script::play(&[
        "200 OK\ncontent-length: 9\nx-amz-checksum-crc32c: 4waSgw==",
        "200 OK\ncontent-length: 9",
        "404 Not Found",
    ]);
    let client = script.client();
    let stat = |crc32c| Some(Stat { bytes: 9, crc32c });
    assert_eq!(client.stat("k").unwrap(), stat(Some(0xe306_9283)));
    assert_eq!(client.stat("k").unwrap(), stat(None));
    assert_eq!(client.stat("k").unwrap(), None);
}

#[test]
fn what_is_gone_can_be_removed() {
    let script = Script::play(&["204 No Content", "404 Not Found|<Code>NoSuchKey</Code>"]);
    let client = script.client();
    client.remove("k").unwrap();
    client.remove("k").unwrap();
}

/// What is printed of a client, and of what it asks, holds no secret.
#[test]
fn a_client_does_not_tell_its_secret() {
    let client = Script::play(&[]).client();
    assert!(!format!("{client:?}").contains("secret"), "{client:?}");
}
