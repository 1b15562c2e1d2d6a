//! TLS with a client that others wrote.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use edge::{Listener, TlsFiles};
use model::Event;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, StreamOwned};

use crate::authority::{Authority, certificate};
use crate::device::{CLIENTS, Device, large_payload};
use crate::site::{self, Site};

pub(crate) type TlsStream = StreamOwned<ClientConnection, TcpStream>;

pub(crate) fn listener(files: TlsFiles) -> Listener {
    Listener { tls: Some(files), ..site::plain() }
}

pub(crate) fn dial(site: &Site, config: &Arc<ClientConfig>) -> TlsStream {
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    StreamOwned::new(connection, site.dial())
}

#[test]
fn devices_on_all_shards_speak_through_tls_of_both_versions() {
    let authority = Authority::new();
    let site = site::start(2, vec![listener(authority.server())]);
    for version in [&TLS12, &TLS13] {
        let config = Arc::new(authority.client(&[version], None));
        for client in CLIENTS {
            let mut device = Device::connect(dial(&site, &config), client).unwrap();
            device.deliver("farm/t", b"21.5");
            device.echo(&large_payload());
            // Without a goodbye of TLS this would be an error.
            assert_eq!(device.leave().unwrap(), 0);
        }
    }
    assert_eq!(site.total(Event::TransportFailed), 0);
}

#[test]
fn a_device_that_comes_back_resumes() {
    let authority = Authority::new();
    let site = site::start(2, vec![listener(authority.server())]);
    for version in [&TLS12, &TLS13] {
        let config = Arc::new(authority.client(&[version], None));
        let kind = || {
            let device = Device::connect(dial(&site, &config), "anna").unwrap();
            device.stream.conn.handshake_kind()
        };
        assert_eq!(kind(), Some(HandshakeKind::Full));
        assert_eq!(kind(), Some(HandshakeKind::Resumed));
    }
}

#[test]
fn many_handshakes_at_once_all_end() {
    let authority = Authority::new();
    let site = site::start(1, vec![listener(authority.server())]);
    let config = Arc::new(authority.client(&[&TLS13], None));
    let mut streams: Vec<TlsStream> = (0..40).map(|_| dial(&site, &config)).collect();
    for stream in &mut streams {
        // The first words of all, before any answer is read.
        stream.conn.write_tls(&mut stream.sock).unwrap();
    }
    for (number, stream) in streams.into_iter().enumerate() {
        Device::connect(stream, &format!("device-{number}")).unwrap();
    }
}

#[test]
fn a_client_that_names_protocols_must_name_mqtt() {
    let authority = Authority::new();
    let site = site::start(1, vec![listener(authority.server())]);
    let naming = |protocol: &[u8]| {
        let mut config = authority.client(&[&TLS13], None);
        config.alpn_protocols = vec![b"x".to_vec(), protocol.to_vec()];
        Device::connect(dial(&site, &Arc::new(config)), "anna")
    };
    let device = naming(b"mqtt").unwrap();
    assert_eq!(device.stream.conn.alpn_protocol(), Some(&b"mqtt"[..]));
    assert!(naming(b"y").is_err());
    assert_eq!(site.total(Event::TransportFailed), 1);
}

#[test]
fn a_listener_with_an_authority_takes_its_clients_only() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let files = TlsFiles { client_ca: Some(authority.path()), ..authority.server() };
    let site = site::start(2, vec![listener(files)]);
    for version in [&TLS12, &TLS13] {
        let with = |identity: Option<_>| {
            let config = authority.client(&[version], identity);
            Device::connect(dial(&site, &Arc::new(config)), "anna")
        };
        let (known, unknown) = (authority.identity("anna"), stranger.identity("anna"));
        with(Some(&known)).unwrap().deliver("farm/t", b"21.5");
        assert!(with(None).is_err(), "without a certificate");
        assert!(with(Some(&unknown)).is_err(), "of another authority");
    }
    assert_eq!(site.total(Event::TransportFailed), 4);
}

/// The certificate that a fresh connection is shown.
fn shown(site: &Site, authority: &Authority) -> Vec<u8> {
    let config = Arc::new(authority.client(&[&TLS13], None));
    let device = Device::connect(dial(site, &config), "visitor").unwrap();
    device.stream.conn.peer_certificates().unwrap()[0].to_vec()
}

#[test]
fn certificates_are_read_again_and_a_bad_one_changes_nothing() {
    let authority = Authority::new();
    let files = authority.server();
    let first = certificate(&files.certificate).to_vec();
    let site =
        site::start(2, vec![site::plain(), listener(files.clone())].into_iter().rev().collect());
    let config = Arc::new(authority.client(&[&TLS13], None));
    let mut device = Device::connect(dial(&site, &config), "anna").unwrap();
    assert_eq!(shown(&site, &authority), first);

    authority.server();
    let second = certificate(&files.certificate).to_vec();
    let reloader = site.reloader();
    let [("test", Ok(()))] = reloader.reload()[..] else { panic!("one listener has some") };
    assert_eq!(shown(&site, &authority), second);
    assert_ne!(first, second);
    device.echo(b"still here");

    // A certificate without its key, then none at all.
    let other = authority.identity("other");
    std::fs::copy(&other.certificate, &files.certificate).unwrap();
    let faults = reloader.reload();
    let [("test", Err(fault))] = &faults[..] else { panic!("{faults:?}") };
    assert!(fault.to_string().ends_with("do not fit"), "{fault}");
    std::fs::write(&files.certificate, "-----BEGIN CERTIFICATE-----\n").unwrap();
    assert!(reloader.reload()[0].1.is_err());
    std::fs::remove_file(&files.certificate).unwrap();
    assert!(reloader.reload()[0].1.is_err());
    assert_eq!(shown(&site, &authority), second);
    device.echo(b"still here");
}

#[test]
fn a_listener_without_its_certificate_is_not_opened() {
    let authority = Authority::new();
    let files = authority.server();
    let start = |files| site::try_start(1, vec![listener(files)], edge::Limits::default());
    let missing = TlsFiles { key: "/nowhere/at-all.key".into(), ..files.clone() };
    let unfit = TlsFiles { key: authority.identity("other").key, ..files.clone() };
    let empty = TlsFiles { client_ca: Some(files.key.clone()), ..files };
    for files in [missing, unfit, empty] {
        let fault = start(files).err().unwrap();
        assert_eq!(fault.to_string(), "listener test has no certificate to show");
    }
}

#[test]
fn what_breaks_tls_is_told_and_counted() {
    let authority = Authority::new();
    let site = site::start(1, vec![listener(authority.server())]);
    let mut stream = site.dial();
    stream.write_all(&crate::device::hello("anna")).unwrap();
    let mut said = Vec::new();
    // The alert may be overtaken by a reset.
    match stream.read_to_end(&mut said) {
        Ok(_) => assert!(said.starts_with(&[21, 3]), "no alert: {said:?}"),
        Err(fault) => assert_eq!(fault.kind(), io::ErrorKind::ConnectionReset),
    }
    assert_eq!(site.total(Event::TransportFailed), 1);
}

#[test]
fn a_record_in_pieces_is_put_together() {
    let authority = Authority::new();
    let site = site::start(2, vec![listener(authority.server())]);
    let config = Arc::new(authority.client(&[&TLS13], None));
    for client in CLIENTS {
        let mut device = Device::connect(dial(&site, &config), client).unwrap();
        device.stream.conn.writer().write_all(&[0xc0, 0]).unwrap();
        let mut record = Vec::new();
        device.stream.conn.write_tls(&mut record).unwrap();
        for byte in record {
            device.stream.sock.write_all(&[byte]).unwrap();
        }
        device.read(|packet| assert_eq!(*packet, mqtt::Packet::PingResp)).unwrap();
    }
}
