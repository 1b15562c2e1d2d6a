//! Any packet, in either direction.

use crate::ack::Ack;
use crate::connack::ConnAck;
use crate::connect::Connect;
use crate::disconnect::{Auth, Disconnect};
use crate::fixed_header::{FixedHeader, Kind};
use crate::publish::Publish;
use crate::reader::Reader;
use crate::subscribe::{self, FilterAck, Subscribe, Unsubscribe};
use crate::{Malformed, TooLong, Version};

/// A packet that borrows its texts and its payload from the buffer it was read into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    Connect(Connect<'a>),
    ConnAck(ConnAck<'a>),
    Publish(Publish<'a>),
    PubAck(Ack<'a>),
    PubRec(Ack<'a>),
    PubRel(Ack<'a>),
    PubComp(Ack<'a>),
    Subscribe(Subscribe<'a>),
    SubAck(FilterAck<'a>),
    Unsubscribe(Unsubscribe<'a>),
    UnsubAck(FilterAck<'a>),
    PingReq,
    PingResp,
    Disconnect(Disconnect<'a>),
    Auth(Auth<'a>),
}

/// The first packet in `bytes` and its length; `None` when `bytes` end before it does, which
/// costs a look at five bytes. `version` is that of the connection; a CONNECT brings its own.
///
/// # Errors
/// A packet that breaks the standard, or one of more than `packet_max` bytes: that is refused
/// from its header alone, before anything is buffered for it.
pub fn decode(
    bytes: &[u8],
    version: Version,
    packet_max: u32,
) -> Result<Option<(Packet<'_>, usize)>, Malformed> {
    let Some(header) = FixedHeader::decode(bytes, packet_max)? else { return Ok(None) };
    let total = header.total();
    let Some(body) = bytes.get(header.bytes..total) else { return Ok(None) };
    let packet = Packet::decode_body(&header, body, version)?;
    Ok(Some((packet, total)))
}

/// How many bytes the first packet in `bytes` needs in all, or, as long as its header is not
/// complete, how many are needed to know more. So a shell can size its buffer, within `packet_max`.
///
/// # Errors
/// As `decode`, as far as the header tells.
pub fn needed(bytes: &[u8], packet_max: u32) -> Result<usize, Malformed> {
    let known = FixedHeader::decode(bytes, packet_max)?;
    Ok(known.map_or_else(|| (bytes.len() + 1).max(2), |header| header.total()))
}

impl<'a> Packet<'a> {
    fn decode_body(
        header: &FixedHeader,
        body: &'a [u8],
        version: Version,
    ) -> Result<Self, Malformed> {
        let reader = Reader::new(body);
        let kind = header.kind;
        if kind == Kind::Connect {
            let connect = Connect::decode(reader)?;
            header.check(connect.version)?;
            return Ok(Self::Connect(connect));
        }
        header.check(version)?;
        Ok(match kind {
            Kind::Connect | Kind::Publish => {
                Self::Publish(Publish::decode(header.flags, reader, version)?)
            }
            Kind::ConnAck => Self::ConnAck(ConnAck::decode(reader, version)?),
            Kind::PubAck => Self::PubAck(Ack::decode(kind, reader, version)?),
            Kind::PubRec => Self::PubRec(Ack::decode(kind, reader, version)?),
            Kind::PubRel => Self::PubRel(Ack::decode(kind, reader, version)?),
            Kind::PubComp => Self::PubComp(Ack::decode(kind, reader, version)?),
            Kind::Subscribe => Self::Subscribe(Subscribe::decode(reader, version)?),
            Kind::SubAck => Self::SubAck(FilterAck::decode(kind, reader, version)?),
            Kind::Unsubscribe => Self::Unsubscribe(Unsubscribe::decode(reader, version)?),
            Kind::UnsubAck => Self::UnsubAck(FilterAck::decode(kind, reader, version)?),
            Kind::PingReq => reader.end().map(|()| Self::PingReq)?,
            Kind::PingResp => reader.end().map(|()| Self::PingResp)?,
            Kind::Disconnect => Self::Disconnect(Disconnect::decode(reader, version)?),
            Kind::Auth => Self::Auth(Auth::decode(reader)?),
        })
    }

    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Connect(_) => Kind::Connect,
            Self::ConnAck(_) => Kind::ConnAck,
            Self::Publish(_) => Kind::Publish,
            Self::PubAck(_) => Kind::PubAck,
            Self::PubRec(_) => Kind::PubRec,
            Self::PubRel(_) => Kind::PubRel,
            Self::PubComp(_) => Kind::PubComp,
            Self::Subscribe(_) => Kind::Subscribe,
            Self::SubAck(_) => Kind::SubAck,
            Self::Unsubscribe(_) => Kind::Unsubscribe,
            Self::UnsubAck(_) => Kind::UnsubAck,
            Self::PingReq => Kind::PingReq,
            Self::PingResp => Kind::PingResp,
            Self::Disconnect(_) => Kind::Disconnect,
            Self::Auth(_) => Kind::Auth,
        }
    }

    /// Appends the packet. A CONNECT writes the version it names itself.
    ///
    /// # Errors
    /// When a field or the whole is too long; nothing was appended then.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), TooLong> {
        match self {
            Self::Connect(connect) => connect.encode(out),
            Self::ConnAck(connack) => connack.encode(version, out),
            Self::Publish(publish) => publish.encode(version, out),
            Self::PubAck(ack) | Self::PubRec(ack) | Self::PubRel(ack) | Self::PubComp(ack) => {
                ack.encode(self.kind(), version, out)
            }
            Self::Subscribe(it) => subscribe::encode_subscribe(
                version,
                it.packet_id(),
                it.properties(),
                it.subscriptions(),
                out,
            ),
            Self::SubAck(it) => subscribe::encode_suback(
                version,
                it.packet_id(),
                it.properties(),
                it.reasons(),
                out,
            ),
            Self::Unsubscribe(it) => subscribe::encode_unsubscribe(
                version,
                it.packet_id(),
                it.properties(),
                it.filters(),
                out,
            ),
            Self::UnsubAck(it) => subscribe::encode_unsuback(
                version,
                it.packet_id(),
                it.properties(),
                it.reasons(),
                out,
            ),
            Self::PingReq | Self::PingResp => {
                out.extend_from_slice(&[self.kind().first_byte(), 0]);
                Ok(())
            }
            Self::Disconnect(disconnect) => disconnect.encode(version, out),
            Self::Auth(auth) => auth.encode(out),
        }
    }
}

#[cfg(test)]
mod tests;
