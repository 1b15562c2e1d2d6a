//! Unix domain sockets, proxies, limits, and several listeners at once.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;

use edge::{Limits, Listener, Place, ServeFault};
use model::Event;
use mqtt::Packet;
use rustls::version::TLS13;

use crate::authority::Authority;
use crate::device::{CLIENTS, Device, hello, large_payload};
use crate::site::{self, PATIENCE};
use crate::tls;

fn unix(path: &Path) -> Listener {
    Listener { place: Place::Path(path.to_owned()), ..site::plain() }
}

fn dial(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn devices_on_all_shards_speak_through_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mqtt.sock");
    let site = site::start(2, vec![unix(&path)]);
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660, "its user and its group");
    for client in CLIENTS {
        let mut device = Device::connect(dial(&path), client).unwrap();
        device.deliver("farm/t", b"21.5");
        device.echo(&large_payload());
        assert_eq!(device.leave().unwrap(), 0);
    }
    drop(site);
    assert!(!path.exists(), "it goes with its listener");
}

#[test]
fn a_unix_socket_that_nobody_answers_at_is_replaced_and_another_file_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mqtt.sock");
    drop(UnixListener::bind(&path).unwrap());
    let site = site::start(1, vec![unix(&path)]);
    Device::connect(dial(&path), "anna").unwrap();

    let refused = |path: &Path| {
        let fault = site::try_start(1, vec![unix(path)], Limits::default()).err().unwrap();
        let ServeFault::Bind { source, .. } = fault else { panic!("{fault}") };
        source.kind()
    };
    assert_eq!(refused(&path), ErrorKind::AddrInUse, "a running site keeps its socket");
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "mine").unwrap();
    assert_eq!(refused(&file), ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    drop(site);
}

/// A header for a peer that is elsewhere.
const PROXY: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x01\x30\x39\x07\x5b";

#[test]
fn a_proxy_speaks_for_devices_on_all_shards() {
    let authority = Authority::new();
    for tls in [None, Some(authority.server())] {
        let site =
            site::start(2, vec![Listener { proxy: true, tls: tls.clone(), ..site::plain() }]);
        let config = Arc::new(authority.client(&[&TLS13], None));
        for client in CLIENTS {
            if tls.is_some() {
                let mut stream = tls::dial(&site, &config);
                stream.sock.write_all(PROXY).unwrap();
                Device::connect(stream, client).unwrap().echo(&large_payload());
            } else {
                let mut stream = site.dial();
                stream.write_all(PROXY).unwrap();
                Device::connect(stream, client).unwrap().echo(&large_payload());
            }
        }
        assert_eq!(site.total(Event::TransportFailed), 0);
    }
}

#[test]
fn a_header_comes_where_it_was_asked_for_and_nowhere_else() {
    let asked = site::start(1, vec![Listener { proxy: true, ..site::plain() }]);
    let mut stream = asked.dial();
    stream.write_all(&hello("anna")).unwrap();
    assert_closed(&mut stream);
    assert_eq!(asked.total(Event::TransportFailed), 1);

    let unasked = site::start(1, vec![site::plain()]);
    let mut stream = unasked.dial();
    stream.write_all(PROXY).unwrap();
    assert_closed(&mut stream);
    assert_eq!(unasked.total(Event::ProtocolViolated), 1);
}

#[track_caller]
fn assert_closed(stream: &mut std::net::TcpStream) {
    match stream.read(&mut [0]) {
        Ok(read) => assert_eq!(read, 0),
        Err(fault) => assert_eq!(fault.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn a_full_listener_refuses_until_somebody_leaves() {
    // The limit is that of all shards, so the clients meet it wherever they live.
    let limits = Limits { connections_max: 2, anonymous: true, ..Limits::default() };
    let site = site::start(2, vec![Listener { limits, ..site::plain() }]);
    let anna = Device::connect(site.dial(), "anna").unwrap();
    let bo = Device::connect(site.dial(), "bo").unwrap();
    assert!(Device::connect(site.dial(), "carl").is_err());
    assert_eq!(site.total(Event::ConnectionRefused), 1);
    anna.leave().unwrap();
    let mut carl = Device::connect(site.dial(), "carl").unwrap();
    carl.echo(b"there is room");
    assert!(Device::connect(site.dial(), "dora").is_err());
    drop(bo);
}

#[test]
fn each_listener_has_its_own_place_and_limits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mqtt.sock");
    let limits = Limits { packet_bytes_max: 4_096, anonymous: true, ..Limits::default() };
    let small = Listener { limits, ..unix(&path) };
    let site = site::start(2, vec![site::plain(), small]);
    for client in CLIENTS {
        let mut large = Device::connect(site.dial(), client).unwrap();
        large.echo(&[7; 5_000]);
        large.leave().unwrap();
        let mut stream = dial(&path);
        stream.write_all(&hello(client)).unwrap();
        let mut answer = [0; 512];
        let read = stream.read(&mut answer).unwrap();
        let decoded = mqtt::decode(&answer[..read], mqtt::Version::V5, 512).unwrap();
        let (Packet::ConnAck(connack), _) = decoded.unwrap() else { panic!("no CONNACK") };
        let promised = format!("{connack:?}");
        assert!(promised.contains("MaximumPacketSize(4096)"), "{promised}");
        drop(stream);
    }
}
