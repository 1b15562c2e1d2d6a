//! The HTTP request with which a WebSocket begins (RFC 6455, section 4), and the answer to it.
//!
//! Pure: bytes in, an answer out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use httparse::{EMPTY_HEADER, Request, Status};

use super::origins::Origins;

/// The largest request that is taken: browsers send some 700 bytes, and their cookies.
pub(crate) const REQUEST_BYTES_MAX: usize = 8 << 10;
const HEADERS_MAX: usize = 64;

/// What RFC 6455 appends to a key before it is hashed.
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY_BYTES: usize = 16;

//= mqtt-v5 MQTT-6.0.0-4
//= mqtt-v311 MQTT-6.0.0-4
const SUBPROTOCOL: &str = "mqtt";

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UpgradeFault {
    #[error("a client sent no HTTP request")]
    Http,
    #[error("a client sent a request that is longer than is taken")]
    Length,
    #[error("a client asked for something that is no WebSocket")]
    NoWebSocket,
    #[error("a client asked for another version of WebSocket")]
    Version,
    #[error("a client did not offer the subprotocol mqtt")]
    Subprotocol,
    #[error("a page of another site asked for a WebSocket")]
    Origin,
}

impl UpgradeFault {
    /// What the client is told before the connection closes.
    pub(crate) fn answer(self) -> &'static [u8] {
        match self {
            Self::Http | Self::Subprotocol => {
                b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            }
            Self::Length => {
                b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n\
                  Connection: close\r\n\r\n"
            }
            Self::NoWebSocket => {
                b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\
                  Connection: Upgrade, close\r\n\r\n"
            }
            Self::Version => {
                b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\
                  Connection: Upgrade, close\r\n\r\n"
            }
            Self::Origin => {
                b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            }
        }
    }
}

/// A request that was granted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Upgrade {
    /// Bytes of the request; frames come after them.
    pub(crate) length: usize,
    pub(crate) answer: String,
}

/// `None` until the whole request is there.
pub(crate) fn parse(bytes: &[u8], origins: &Origins) -> Result<Option<Upgrade>, UpgradeFault> {
    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut request = Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(Status::Complete(length)) if length <= REQUEST_BYTES_MAX => {
            let answer = grant(&request, origins)?;
            Ok(Some(Upgrade { length, answer }))
        }
        Ok(Status::Partial) if bytes.len() < REQUEST_BYTES_MAX => Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => Err(UpgradeFault::Length),
        Err(_) => Err(UpgradeFault::Http),
    }
}

fn grant(request: &Request<'_, '_>, origins: &Origins) -> Result<String, UpgradeFault> {
    let asked = request.method == Some("GET")
        && request.version == Some(1)
        && lists(request, "upgrade", "websocket")
        && lists(request, "connection", "upgrade");
    if !asked {
        return Err(UpgradeFault::NoWebSocket);
    }
    if values(request, "sec-websocket-version").next() != Some("13") {
        return Err(UpgradeFault::Version);
    }
    if values(request, "origin").any(|origin| !origins.allow(origin)) {
        return Err(UpgradeFault::Origin);
    }
    //= mqtt-v5 MQTT-6.0.0-3
    //= mqtt-v311 MQTT-6.0.0-3
    if !lists(request, "sec-websocket-protocol", SUBPROTOCOL) {
        return Err(UpgradeFault::Subprotocol);
    }
    let mut keys = values(request, "sec-websocket-key");
    let (Some(key), None) = (keys.next(), keys.next()) else { return Err(UpgradeFault::Http) };
    if STANDARD.decode(key).map(|bytes| bytes.len()) != Ok(KEY_BYTES) {
        return Err(UpgradeFault::Http);
    }
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n",
        accept(key)
    ))
}

fn accept(key: &str) -> String {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key.as_bytes());
    hash.update(MAGIC);
    STANDARD.encode(hash.finish())
}

/// All values of a header. One that is no text is none that we know.
fn values<'a>(request: &'a Request<'_, '_>, name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.filter_map(|header| std::str::from_utf8(header.value).ok()).map(str::trim)
}

/// Whether one of the comma-separated words of a header is `word`.
fn lists(request: &Request<'_, '_>, name: &str, word: &str) -> bool {
    let mut words = values(request, name).flat_map(|value| value.split(','));
    words.any(|listed| listed.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests;
