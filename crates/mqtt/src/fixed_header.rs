//! The first two to five bytes of every packet. They decide whether the rest is wanted at all.

use crate::{Malformed, Version, varint};

/// The kinds of packets, by the number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
    Subscribe = 8,
    SubAck = 9,
    Unsubscribe = 10,
    UnsubAck = 11,
    PingReq = 12,
    PingResp = 13,
    Disconnect = 14,
    Auth = 15,
}

impl Kind {
    const ALL: [Self; 15] = [
        Self::Connect,
        Self::ConnAck,
        Self::Publish,
        Self::PubAck,
        Self::PubRec,
        Self::PubRel,
        Self::PubComp,
        Self::Subscribe,
        Self::SubAck,
        Self::Unsubscribe,
        Self::UnsubAck,
        Self::PingReq,
        Self::PingResp,
        Self::Disconnect,
        Self::Auth,
    ];

    /// `None` for 0, which the standard reserves, and above 15.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number.checked_sub(1)?)).copied()
    }

    /// The first byte of a packet of this kind with its flags as the standard fixes them; for
    /// PUBLISH, with none set.
    #[must_use]
    pub const fn first_byte(self) -> u8 {
        (self as u8) << 4 | self.fixed_flags()
    }

    //= mqtt-v5 MQTT-3.6.1-1, MQTT-3.8.1-1, MQTT-3.10.1-1
    //= mqtt-v311 MQTT-3.6.1-1, MQTT-3.8.1-1, MQTT-3.10.1-1
    const fn fixed_flags(self) -> u8 {
        if matches!(self, Self::PubRel | Self::Subscribe | Self::Unsubscribe) { 0b0010 } else { 0 }
    }
}

/// A checked first part of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FixedHeader {
    pub(crate) kind: Kind,
    /// The low four bits of the first byte: of meaning in PUBLISH only.
    pub(crate) flags: u8,
    /// Bytes of this header.
    pub(crate) bytes: usize,
    /// Bytes of the packet after this header.
    pub(crate) remaining: usize,
    pub(crate) overlong: bool,
}

impl FixedHeader {
    /// `None` when the header is not complete. A first byte that cannot be right is refused at
    /// once, and so is a packet that is too large: nothing is buffered for either.
    pub(crate) fn decode(bytes: &[u8], packet_max: u32) -> Result<Option<Self>, Malformed> {
        let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
        let kind = Kind::from_number(first >> 4).ok_or(Malformed::PacketType(first >> 4))?;
        let flags = first & 0x0F;
        //= mqtt-v5 MQTT-2.1.3-1, MQTT-3.14.1-1, MQTT-3.15.1-1
        //= mqtt-v311 MQTT-2.2.2-1, MQTT-2.2.2-2, MQTT-3.14.1-1
        if kind != Kind::Publish && flags != kind.fixed_flags() {
            return Err(Malformed::HeaderFlags(first));
        }
        let Some(length) = varint::decode(rest)? else { return Ok(None) };
        let total = length.value.saturating_add(header_bytes(length.bytes));
        if total > packet_max {
            return Err(Malformed::TooLarge { bytes: total, max: packet_max });
        }
        Ok(Some(Self {
            kind,
            flags,
            bytes: 1 + length.bytes,
            remaining: length.value as usize,
            overlong: length.overlong,
        }))
    }

    pub(crate) const fn total(&self) -> usize {
        self.bytes + self.remaining
    }

    /// The rules of the header that differ between the versions.
    pub(crate) const fn check(&self, version: Version) -> Result<(), Malformed> {
        match version {
            Version::V311 if matches!(self.kind, Kind::Auth) => {
                Err(Malformed::PacketType(Kind::Auth as u8))
            }
            //= mqtt-v5 MQTT-1.5.5-1
            Version::V5 if self.overlong => Err(Malformed::Varint),
            Version::V311 | Version::V5 => Ok(()),
        }
    }
}

fn header_bytes(length_bytes: usize) -> u32 {
    u32::try_from(length_bytes).unwrap_or(u32::MAX).saturating_add(1)
}
