//! WebSocket, plain and over TLS.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use edge::{Listener, Origins};
use model::Event;
use rustls::version::{TLS12, TLS13};

use crate::authority::Authority;
use crate::device::{CLIENTS, Device, hello, large_payload};
use crate::site::{self, Site};
use crate::tls;
use crate::web_client::WebClient;

fn listener() -> Listener {
    Listener { web: Some(Origins::default()), ..site::plain() }
}

#[test]
fn devices_on_all_shards_speak_through_a_websocket() {
    let site = site::start(2, vec![listener()]);
    for client in CLIENTS {
        let stream = WebClient::upgrade(site.dial()).unwrap();
        let mut device = Device::connect(stream, client).unwrap();
        device.deliver("farm/t", b"21.5");
        device.echo(&large_payload());
        // The server says goodbye in a frame.
        assert_eq!(device.leave().unwrap(), 0);
    }
    assert_eq!(site.total(Event::TransportFailed), 0);
}

#[test]
fn devices_on_all_shards_speak_through_a_websocket_in_tls() {
    let authority = Authority::new();
    let site = site::start(2, vec![Listener { tls: Some(authority.server()), ..listener() }]);
    for version in [&TLS12, &TLS13] {
        let mut config = authority.client(&[version], None);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let config = Arc::new(config);
        for client in CLIENTS {
            let stream = WebClient::upgrade(tls::dial(&site, &config)).unwrap();
            let mut device = Device::connect(stream, client).unwrap();
            device.deliver("farm/t", b"21.5");
            device.echo(&large_payload());
            assert_eq!(device.leave().unwrap(), 0);
        }
    }
    assert_eq!(site.total(Event::TransportFailed), 0);
}

/// What MQTT says may share a packet of TCP with the request, and arrive in single bytes.
#[test]
fn the_first_frames_may_come_with_the_request_or_in_single_bytes() {
    let site = site::start(2, vec![listener()]);
    for client in CLIENTS {
        let mut web = WebClient::upgrade(site.dial()).unwrap();
        for byte in crate::web_client::frame(0x82, &hello(client)) {
            web.stream.write_all(&[byte]).unwrap();
        }
        assert_eq!(web.receive().unwrap().1[0], 0x20, "a CONNACK");
    }
}

#[test]
fn a_ping_is_answered_before_and_after_connect() {
    let site = site::start(2, vec![listener()]);
    for client in CLIENTS {
        let mut web = WebClient::upgrade(site.dial()).unwrap();
        web.send(0x89, b"early");
        assert_eq!(web.receive().unwrap(), (0x8a, b"early".to_vec()));
        let mut device = Device::connect(web, client).unwrap();
        device.stream.send(0x89, b"late");
        assert_eq!(device.stream.receive().unwrap(), (0x8a, b"late".to_vec()));
    }
}

/// Sends a frame on an open connection; says with which status the server closes.
fn closed_with(site: &Site, bytes: &[u8]) -> u16 {
    let web = WebClient::upgrade(site.dial()).unwrap();
    let mut web = Device::connect(web, "anna").unwrap().stream;
    web.stream.write_all(bytes).unwrap();
    let (first, status) = web.receive().unwrap();
    assert_eq!(first, 0x88);
    assert_eq!(web.stream.read(&mut [0]).unwrap(), 0, "the socket is closed");
    u16::from_be_bytes([status[0], status[1]])
}

#[test]
fn a_close_is_answered_and_what_is_forbidden_has_its_status() {
    let site = site::start(1, vec![listener()]);
    let frame = crate::web_client::frame;
    assert_eq!(closed_with(&site, &frame(0x88, &[0x03, 0xe9])), 1001);
    assert_eq!(site.total(Event::TransportFailed), 0);
    assert_eq!(closed_with(&site, &frame(0x81, b"text")), 1003);
    assert_eq!(closed_with(&site, &[0x82, 2, 0xc0, 0]), 1002);
    assert_eq!(closed_with(&site, &[&[0x82][..], &[0xff; 13]].concat()), 1009);
    assert_eq!(site.total(Event::TransportFailed), 3);
}

#[test]
fn a_client_that_pings_and_never_reads_is_closed() {
    let site = site::start(1, vec![listener()]);
    let web = WebClient::upgrade(site.dial()).unwrap();
    let mut stream: TcpStream = web.stream;
    let pings = crate::web_client::frame(0x89, &[7; 125]).repeat(10_000);
    // Its own buffers fill up first; then the server closes, whatever waits.
    while stream.write_all(&pings).is_ok() {}
    assert_eq!(site.total(Event::TransportFailed), 1);
}

/// What a browser or a lost client gets to read.
fn answer(site: &Site, request: &str) -> String {
    let mut stream = site.dial();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_request_that_is_not_granted_is_told_why() {
    let site = site::start(1, vec![listener()]);
    assert_eq!(answer(&site, "GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 426 Upgrade Required");
    assert_eq!(answer(&site, "\r\n\0"), "HTTP/1.1 400 Bad Request");
    let foreign = "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nOrigin: https://elsewhere.example\r\n\r\n";
    assert_eq!(answer(&site, foreign), "HTTP/1.1 403 Forbidden");
    assert_eq!(site.total(Event::TransportFailed), 3);
}
