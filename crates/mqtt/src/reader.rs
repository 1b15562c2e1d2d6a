//! Takes the fields of one packet from its bytes, in place. Nothing here allocates.

use std::num::NonZeroU16;

use crate::{Malformed, varint};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Everything that is left.
    pub(crate) const fn remainder(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Trailing) }
    }

    pub(crate) fn slice(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (head, tail) = self.rest.split_at_checked(len).ok_or(Malformed::Truncated)?;
        self.rest = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, tail) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Truncated)?;
        self.rest = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    //= mqtt-v5 MQTT-2.2.1-3, MQTT-2.2.1-4
    //= mqtt-v311 MQTT-2.3.1-1
    pub(crate) fn packet_id(&mut self) -> Result<NonZeroU16, Malformed> {
        NonZeroU16::new(self.u16()?).ok_or(Malformed::PacketIdZero)
    }

    /// Strict, as inside of MQTT 5 packets.
    pub(crate) fn varint(&mut self) -> Result<u32, Malformed> {
        let number = varint::decode(self.rest)?.ok_or(Malformed::Truncated)?;
        if number.overlong {
            return Err(Malformed::Varint);
        }
        self.slice(number.bytes)?;
        Ok(number.value)
    }

    pub(crate) fn binary(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u16()?;
        self.slice(usize::from(len))
    }

    //= mqtt-v5 MQTT-1.5.4-1, MQTT-1.5.4-2, MQTT-1.5.4-3
    //= mqtt-v311 MQTT-1.5.3-1, MQTT-1.5.3-2, MQTT-1.5.3-3
    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        let bytes = self.binary()?;
        // Rust's UTF-8 has no surrogates and keeps a byte order mark, as the standard asks.
        let text = std::str::from_utf8(bytes).map_err(|_place| Malformed::Utf8)?;
        match memchr::memchr(0, bytes) {
            Some(_) => Err(Malformed::Nul),
            None => Ok(text),
        }
    }
}
