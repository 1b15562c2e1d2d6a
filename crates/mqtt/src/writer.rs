//! Appends fields to the caller's buffer.

use crate::{TooLong, varint};

const GAP: [u8; 4] = [0; 4];

pub(crate) fn u16(value: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(crate) fn u32(value: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(crate) fn binary(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), TooLong> {
    u16(u16::try_from(bytes.len()).map_err(|_over| TooLong)?, out);
    out.extend_from_slice(bytes);
    Ok(())
}

pub(crate) fn text(text: &str, out: &mut Vec<u8>) -> Result<(), TooLong> {
    binary(text.as_bytes(), out)
}

/// Writes the first byte, what `body` appends, and between them its length. For packets that are
/// rare: the length is known last, so the body moves by up to three bytes.
pub(crate) fn packet(
    first: u8,
    out: &mut Vec<u8>,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), TooLong>,
) -> Result<(), TooLong> {
    let start = out.len();
    out.push(first);
    let written = prefixed(out, body);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// What `body` appends, with its length in front.
pub(crate) fn prefixed(
    out: &mut Vec<u8>,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), TooLong>,
) -> Result<(), TooLong> {
    let gap = out.len();
    out.extend_from_slice(&GAP);
    let start = out.len();
    body(out)?;
    let mut prefix = Vec::with_capacity(GAP.len());
    varint::encode(out.len() - start, &mut prefix)?;
    out.splice(gap..start, prefix);
    Ok(())
}
