//! Variable byte integers: 7 bits a byte, least first, at most four bytes.

use crate::{Malformed, TooLong};

/// The largest number that four bytes hold.
pub const VARINT_MAX: u32 = 268_435_455;

const MORE: u8 = 0x80;

/// A number as it was coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Varint {
    pub(crate) value: u32,
    pub(crate) bytes: usize,
    /// Coded in more bytes than it needs: MQTT 5 forbids that, MQTT 3.1.1 does not say.
    pub(crate) overlong: bool,
}

/// `None` when the bytes end before the number does.
//= mqtt-v5 MQTT-1.5.5-1
pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Varint>, Malformed> {
    let mut value = 0_u32;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & !MORE) << (7 * index);
        if byte & MORE == 0 {
            let overlong = index > 0 && *byte == 0;
            return Ok(Some(Varint { value, bytes: index + 1, overlong }));
        }
    }
    if bytes.len() >= 4 { Err(Malformed::Varint) } else { Ok(None) }
}

/// The number of bytes that `encode` appends.
#[must_use]
pub(crate) const fn len(value: usize) -> usize {
    match value {
        0..=0x7F => 1,
        0x80..=0x3FFF => 2,
        0x4000..=0x1F_FFFF => 3,
        _ => 4,
    }
}

pub(crate) fn encode(value: usize, out: &mut Vec<u8>) -> Result<(), TooLong> {
    let mut rest = u32::try_from(value).map_err(|_over| TooLong)?;
    if rest > VARINT_MAX {
        return Err(TooLong);
    }
    while rest > 0x7F {
        out.push(low_bits(rest) | MORE);
        rest >>= 7;
    }
    out.push(low_bits(rest));
    Ok(())
}

fn low_bits(value: u32) -> u8 {
    value.to_le_bytes()[0] & !MORE
}
