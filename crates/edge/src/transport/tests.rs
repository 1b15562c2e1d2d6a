//! A wire over a pair of sockets: what is read through it, and what is left of it.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use super::*;

const PROXY: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x01\x30\x39\x07\x5b";

fn pair(layers: Option<Layers>) -> (UnixStream, Wire) {
    let (peer, own) = UnixStream::pair().unwrap();
    own.set_nonblocking(true).unwrap();
    peer.set_nonblocking(true).unwrap();
    (peer, Wire::new(own.into(), 0, layers))
}

#[test]
fn a_proxys_header_tells_the_peer_and_then_costs_nothing() {
    let (mut peer, mut wire) = pair(Some(Layers::new(true, None, None)));
    let mut scratch = Scratch::new();
    for byte in PROXY {
        assert!(wire.layers.is_some());
        peer.write_all(&[*byte]).unwrap();
        let heard = wire.read(&mut scratch, usize::MAX).unwrap();
        assert!(heard.bytes.is_empty() && heard.end.is_none());
        let known = byte == PROXY.last().unwrap() && wire.layers.is_none();
        assert_eq!(
            heard.peer.map(|peer| peer.to_string()),
            known.then(|| "192.0.2.7:12345".into())
        );
    }
    peer.write_all(b"MQTT").unwrap();
    assert_eq!(wire.read(&mut scratch, usize::MAX).unwrap().bytes, b"MQTT");
    assert!(wire.part());
}

#[test]
fn what_comes_behind_a_header_is_heard_with_it() {
    let (mut peer, mut wire) = pair(Some(Layers::new(true, None, None)));
    peer.write_all(&[PROXY, b"MQTT"].concat()).unwrap();
    let mut scratch = Scratch::new();
    let heard = wire.read(&mut scratch, usize::MAX).unwrap();
    assert_eq!((heard.bytes, heard.peer.is_some()), (&b"MQTT"[..], true));
}

/// A million of them wait for something.
#[test]
fn an_idle_websocket_holds_little() {
    let (mut peer, mut wire) = pair(Some(Layers::new(false, None, Some(Default::default()))));
    let mut scratch = Scratch::new();
    peer.write_all(
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
    )
    .unwrap();
    assert!(wire.read(&mut scratch, usize::MAX).unwrap().end.is_none());
    wire.write(None, &mut scratch).unwrap();
    let layers = wire.layers.as_ref().unwrap();
    assert_eq!((layers.held.capacity(), layers.pending.len()), (0, 0));
    assert!(size_of::<Layers>() <= 256, "{}", size_of::<Layers>());
}

#[test]
fn what_the_kernel_does_not_take_stays_and_the_end_waits_for_it() {
    let (mut peer, mut wire) = pair(Some(Layers::new(false, None, Some(Default::default()))));
    let mut scratch = Scratch::new();
    if let Some((web, _)) = wire.layers.as_mut().unwrap().web.as_mut() {
        *web = websocket::WebSocket::Open(frames::Decoder::default());
    }
    let mut output = Output::default();
    output.buffer().resize(4 << 20, 7);
    wire.write(Some(&mut output), &mut scratch).unwrap();
    assert!(wire.wants_write() && !output.is_empty(), "the kernel took 4 MiB");
    let mut heard = Vec::new();
    let mut buffer = [0; 64 << 10];
    loop {
        match peer.read(&mut buffer) {
            Ok(read) => heard.extend_from_slice(&buffer[..read]),
            Err(_nothing) if output.is_empty() && wire.part() => break,
            Err(_nothing) => {
                wire.write(Some(&mut output), &mut scratch).unwrap();
                assert!(wire.layers.as_ref().unwrap().pending.len() <= 65 << 10);
            }
        }
    }
    heard.extend(
        std::iter::from_fn(|| peer.read(&mut buffer).ok().map(|read| buffer[..read].to_vec()))
            .flatten(),
    );
    assert!(heard.ends_with(&[0x88, 2, 0x03, 0xe8]), "a goodbye at the end");
    assert_eq!(heard.iter().filter(|byte| **byte == 7).count(), 4 << 20);
}
