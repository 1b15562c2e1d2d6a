//! What the fuzz targets call and what replays their corpora: any bytes, and what must hold then.
//! An assertion that fails here is a bug of this crate.

use super::frames::Flow;
use super::origins::Origins;
use super::proxy::{self, HEADER_BYTES_MAX};
use super::websocket::WebSocket;

/// Whether a connection is over, and what it said until then.
type Outcome = (bool, Vec<u8>, Vec<u8>);

/// Any bytes as a WebSocket, from the request on when the first byte is even, else as frames. In
/// pieces as long as that byte says, they mean what they mean at once.
///
/// # Panics
/// When they do not, or when more comes out than went in.
pub fn websocket(input: &[u8]) {
    let Some((&first, bytes)) = input.split_first() else { return };
    let fresh = || match first % 2 {
        0 => WebSocket::default(),
        _ => WebSocket::Open(super::frames::Decoder::default()),
    };
    let whole = play(fresh(), [bytes]);
    let pieces = play(fresh(), bytes.chunks(usize::from(first / 2).max(1)));
    assert_eq!(whole, pieces, "the pieces in which bytes come mean nothing");
    assert!(whole.1.len() <= bytes.len(), "payloads only come in");
}

fn play<'a>(mut socket: WebSocket, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let origins = Origins::default();
    let (mut data, mut answer) = (Vec::new(), Vec::new());
    for piece in pieces {
        match socket.decode(piece, &origins, (&mut data, &mut answer)) {
            Ok(Flow::Open) => {}
            Ok(Flow::Closed) | Err(_) => return (true, data, answer),
        }
    }
    (false, data, answer)
}

/// Any bytes as a header of the PROXY protocol.
///
/// # Panics
/// When the header is longer than what came or may come, or when a part of it means something else.
pub fn proxy(bytes: &[u8]) {
    let parsed = proxy::parse(bytes);
    if let Ok(Some(header)) = parsed {
        assert!(header.length <= bytes.len().min(HEADER_BYTES_MAX), "a header is what came");
        let exact = bytes.get(..header.length).unwrap_or_default();
        assert_eq!(proxy::parse(exact), parsed, "what follows means nothing");
        let short = exact.split_last().map_or(exact, |(_, short)| short);
        assert_eq!(proxy::parse(short), Ok(None), "a part of a header is waited for");
    }
}
