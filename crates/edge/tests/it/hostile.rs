//! What strangers send.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;

use edge::{Limits, Listener, Origins};
use model::Event;

use crate::authority::Authority;
use crate::device::{Device, hello};
use crate::site;
use crate::web_client::WebClient;

/// One listener of each kind.
fn all(authority: &Authority) -> Vec<Listener> {
    let tls = || Some(authority.server());
    let web = || Some(Origins::default());
    vec![
        site::plain(),
        Listener { tls: tls(), ..site::plain() },
        Listener { web: web(), ..site::plain() },
        Listener { tls: tls(), web: web(), ..site::plain() },
        Listener { proxy: true, tls: tls(), web: web(), ..site::plain() },
    ]
}

/// The same everywhere, without a pattern.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

#[test]
fn garbage_ends_its_own_connection_only() {
    let authority = Authority::new();
    for listener in all(&authority) {
        // A plain door beside, where somebody goes on undisturbed.
        let site = site::start(1, vec![listener.clone()]);
        for seed in 0..50 {
            let mut stream = site.dial();
            // The server may close before it has read everything.
            drop(stream.write_all(&noise(seed, 20_000)));
            let mut rest = Vec::new();
            drop(stream.read_to_end(&mut rest));
        }
        let broken = site.total(Event::TransportFailed) + site.total(Event::ProtocolViolated);
        assert_eq!(broken, 50, "{listener:?}");
    }
}

#[test]
fn what_drips_is_closed_when_its_time_has_passed() {
    let authority = Authority::new();
    let limits = Limits { connect_within: Duration::from_secs(1), ..Limits::default() };
    let firsts: [&[u8]; 5] = [
        &hello("anna"),
        // A ClientHello that promises 512 bytes.
        &[22, 3, 1, 2, 0, 1, 0, 1, 0xfc],
        b"GET /mqtt HTTP/1.1\r\nHost: x\r\n",
        &[22, 3, 1, 2, 0, 1, 0, 1, 0xfc],
        b"\r\n\r\n\0\r\nQUIT\n\x21",
    ];
    std::thread::scope(|scope| {
        for (listener, bytes) in all(&authority).into_iter().zip(firsts) {
            scope.spawn(move || drip(listener, bytes, limits));
        }
    });
}

/// One byte each time that nothing comes for a while, and never the last one.
fn drip(listener: Listener, bytes: &[u8], limits: Limits) {
    let site = site::try_start(1, vec![listener], limits).unwrap();
    let mut stream = site.dial();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    for written in 0..600 {
        match stream.read(&mut [0; 64]) {
            Ok(0) => {
                assert_eq!(site.total(Event::ConnectionClosed), 1);
                return;
            }
            Ok(_) => {}
            Err(_nothing) => {
                let byte = bytes[written.min(bytes.len() - 2)];
                // It may have been closed; the next read tells.
                drop(stream.write_all(&[byte]));
            }
        }
    }
    panic!("nobody closes it");
}

#[test]
fn a_connection_that_ends_in_the_middle_of_anything_leaves_nothing_behind() {
    let authority = Authority::new();
    let limits =
        Limits { connect_within: Duration::from_secs(3_600), anonymous: true, ..Limits::default() };
    for listener in all(&authority) {
        let one = Listener { limits: Limits { connections_max: 1, ..limits }, ..listener };
        let site = site::try_start(1, vec![one], limits).unwrap();
        for bytes in [&b""[..], &[22, 3, 1, 2], b"GET", b"\r\n\r\n\0", &[0x10, 0x7f]] {
            let mut stream = site.dial();
            stream.write_all(bytes).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            // The end may come with the bytes or behind them; it is seen in both cases.
            match stream.read_to_end(&mut Vec::new()) {
                Ok(_) => {}
                Err(fault) => assert_eq!(fault.kind(), ErrorKind::ConnectionReset),
            }
        }
        assert_eq!(site.total(Event::ConnectionOpened), 5);
        assert_eq!(site.total(Event::ConnectionRefused), 0);
    }
}

#[test]
fn the_layers_of_one_client_do_not_delay_another() {
    let authority = Authority::new();
    let mut listeners = all(&authority);
    listeners.truncate(3);
    listeners.swap(0, 2);
    let site = site::start(1, listeners);
    let mut first = Device::connect(WebClient::upgrade(site.dial()).unwrap(), "anna").unwrap();
    let mut second = WebClient::upgrade(site.dial()).unwrap();
    // Half a frame, for ever.
    second.stream.write_all(&[0x82, 0xfe, 0xff]).unwrap();
    first.echo(b"at once");
}
