//! The PROXY protocol, version 2: for whom a proxy speaks, told in front of everything else.
//!
//! Pure: bytes in, a header out. A listener asks for it only where its owner said that a proxy
//! stands in front, because whoever sends a header can claim any address.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const FIXED_BYTES: usize = 16;

/// The largest header that is taken: 232 bytes hold any pair of addresses, and what proxies add
/// (names, TLS details, checksums) is some hundred bytes. The protocol would allow 64 KiB.
pub(crate) const HEADER_BYTES_MAX: usize = 4 << 10;

const VERSION: u8 = 2;
const LOCAL: u8 = 0;
const PROXIED: u8 = 1;
const UNSPECIFIED: u8 = 0x00;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;
const UNIX_STREAM: u8 = 0x31;

/// What a proxy said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// For whom it speaks; `None` when it speaks for itself, or has no network address to tell.
    pub(crate) peer: Option<SocketAddr>,
    /// Bytes of the header; what the peer says comes after them.
    pub(crate) length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyFault {
    #[error("the proxy's header does not begin with the signature of version 2")]
    Signature,
    #[error("the proxy speaks another version or an unknown command")]
    Command,
    #[error("the proxy speaks for something that is no stream")]
    Family,
    #[error("the proxy's header is longer than is taken, or too short for its addresses")]
    Length,
}

/// `None` until the whole header is there.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Header>, ProxyFault> {
    if !bytes.starts_with(&SIGNATURE) {
        let may_become_one = SIGNATURE.starts_with(bytes);
        return if may_become_one { Ok(None) } else { Err(ProxyFault::Signature) };
    }
    let Some(&[.., command, family, high, low]) = bytes.first_chunk::<FIXED_BYTES>() else {
        return Ok(None);
    };
    if command >> 4 != VERSION {
        return Err(ProxyFault::Command);
    }
    let length = FIXED_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if length > HEADER_BYTES_MAX {
        return Err(ProxyFault::Length);
    }
    let Some(addresses) = bytes.get(FIXED_BYTES..length) else { return Ok(None) };
    let peer = match command & 0x0f {
        LOCAL => None,
        PROXIED => source(family, addresses)?,
        _ => return Err(ProxyFault::Command),
    };
    Ok(Some(Header { peer, length }))
}

/// The source of source address, destination address, source port, destination port.
fn source(family: u8, addresses: &[u8]) -> Result<Option<SocketAddr>, ProxyFault> {
    match family {
        UNSPECIFIED | UNIX_STREAM => Ok(None),
        TCP_OVER_IPV4 => {
            let &[a, b, c, d, _, _, _, _, high, low, _, _] =
                addresses.first_chunk().ok_or(ProxyFault::Length)?;
            let address = Ipv4Addr::new(a, b, c, d);
            Ok(Some((address, u16::from_be_bytes([high, low])).into()))
        }
        TCP_OVER_IPV6 => {
            let all: &[u8; 36] = addresses.first_chunk().ok_or(ProxyFault::Length)?;
            let (source, rest) = all.split_first_chunk().ok_or(ProxyFault::Length)?;
            let &[.., high, low, _, _] = rest else { return Err(ProxyFault::Length) };
            let address = Ipv6Addr::from(*source);
            Ok(Some((address, u16::from_be_bytes([high, low])).into()))
        }
        _ => Err(ProxyFault::Family),
    }
}

#[cfg(test)]
mod tests;
