//! Requests as clients write them, and as nobody should.

use super::*;

const REQUEST: &str = "GET /mqtt HTTP/1.1\r\nHost: localhost:8083\r\nUpgrade: websocket\r\n\
    Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqttv3.1, mqtt\r\n\r\n";

fn ask(request: impl AsRef<[u8]>) -> Result<Option<Upgrade>, UpgradeFault> {
    parse(request.as_ref(), &Origins::new(["https://site.example"]))
}

#[track_caller]
fn check_fault(from: &str, to: &str, expected: UpgradeFault) {
    assert!(REQUEST.contains(from));
    assert_eq!(ask(REQUEST.replace(from, to)), Err(expected));
}

//= mqtt-v5 MQTT-6.0.0-4 test
//= mqtt-v311 MQTT-6.0.0-4 test
#[test]
fn a_request_is_granted_with_the_answer_of_the_standard() {
    let granted = ask(format!("{REQUEST}frames")).unwrap().unwrap();
    assert_eq!(granted.length, REQUEST.len());
    expect_test::expect![[r#"
        HTTP/1.1 101 Switching Protocols
        Upgrade: websocket
        Connection: Upgrade
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
        Sec-WebSocket-Protocol: mqtt

    "#]]
    .assert_eq(&granted.answer.replace('\r', ""));
}

#[test]
fn names_and_words_are_read_in_any_case() {
    let request = REQUEST.replace("Upgrade: websocket", "UPGRADE: WebSocket");
    assert!(ask(request.replace("Sec-WebSocket-Key", "sec-websocket-key")).unwrap().is_some());
}

#[test]
fn a_request_in_pieces_is_waited_for() {
    for end in 0..REQUEST.len() {
        assert_eq!(ask(&REQUEST.as_bytes()[..end]), Ok(None), "{end}");
    }
}

//= mqtt-v5 MQTT-6.0.0-3 test
//= mqtt-v311 MQTT-6.0.0-3 test
#[test]
fn a_request_for_something_else_is_told_so() {
    check_fault("GET", "POST", UpgradeFault::NoWebSocket);
    check_fault("HTTP/1.1", "HTTP/1.0", UpgradeFault::NoWebSocket);
    check_fault("Upgrade: websocket", "Upgrade: h2c", UpgradeFault::NoWebSocket);
    check_fault("keep-alive, Upgrade", "keep-alive", UpgradeFault::NoWebSocket);
    check_fault("Version: 13", "Version: 8", UpgradeFault::Version);
    check_fault("mqttv3.1, mqtt", "mqttv3.1", UpgradeFault::Subprotocol);
    check_fault("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", UpgradeFault::Http);
    check_fault("dGhlIHNhbXBsZSBub25jZQ==", "no base64!", UpgradeFault::Http);
    let twice = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    check_fault("Sec-WebSocket-Version: 13", twice, UpgradeFault::Http);
}

#[test]
fn only_pages_that_may_are_let_in() {
    let from = |origin: &str| ask(REQUEST.replace("Host:", &format!("Origin: {origin}\r\nHost:")));
    assert!(from("http://localhost:8080").unwrap().is_some());
    assert!(from("https://site.example").unwrap().is_some());
    assert_eq!(from("https://elsewhere.example"), Err(UpgradeFault::Origin));
    assert_eq!(from("null"), Err(UpgradeFault::Origin));
}

#[test]
fn what_is_no_request_or_too_long_a_one_is_refused() {
    assert_eq!(ask("\u{10}\0\0MQTT"), Err(UpgradeFault::Http));
    let long = REQUEST.replace("Host:", &format!("Cookie: {}\r\nHost:", "x".repeat(9_000)));
    assert_eq!(ask(&long), Err(UpgradeFault::Length));
    assert_eq!(
        ask(&long.as_bytes()[..8_500]),
        Err(UpgradeFault::Length),
        "before its end has come"
    );
    let many = REQUEST.replace("Host:", &format!("{}Host:", "A: b\r\n".repeat(65)));
    assert_eq!(ask(&many), Err(UpgradeFault::Length));
}
