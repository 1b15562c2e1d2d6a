//! What is in a message, so that the receiving end knows whose it is, which one, and how old.

use crate::Content;

/// A mark, the stream, the number and the time.
pub(crate) const STAMP_BYTES_MIN: usize = 1 + 4 + 8 + 8;

const READING: &[u8] = b"{\"t\":00.0,\"h\":00.0}";
const FIRST_DIGIT_OF_T: usize = 5;
const FIRST_DIGIT_OF_H: usize = 14;

/// No text begins with it, so a site keeps the message and looks for no reading in it.
const MARK: u8 = 0xFF;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The messages of one topic are one stream.
    pub(crate) stream: u32,
    pub(crate) sequence: u64,
    /// On the generator's clock.
    pub(crate) due_ns: u64,
}

impl Content {
    /// A payload of the right length, to be filled for each message.
    pub(crate) fn blank(self, stamp_bytes: usize) -> Vec<u8> {
        match self {
            Self::Stamp => vec![MARK; stamp_bytes],
            Self::Reading => READING.to_vec(),
        }
    }

    /// `payload` is a `blank`.
    pub(crate) fn fill(self, payload: &mut [u8], stamp: &Stamp) {
        match self {
            Self::Stamp => stamp.write(payload),
            Self::Reading => {
                write_tenths(payload, FIRST_DIGIT_OF_T, stamp.sequence);
                write_tenths(payload, FIRST_DIGIT_OF_H, stamp.sequence.wrapping_mul(7));
            }
        }
    }
}

impl Stamp {
    fn write(&self, payload: &mut [u8]) {
        put(payload, 1, &self.stream.to_le_bytes());
        put(payload, 5, &self.sequence.to_le_bytes());
        put(payload, 13, &self.due_ns.to_le_bytes());
    }

    /// `None` for a payload of somebody else.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let (&mark, rest) = payload.split_first()?;
        let (stream, rest) = rest.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (due_ns, _) = rest.split_first_chunk()?;
        (mark == MARK).then_some(Self {
            stream: u32::from_le_bytes(*stream),
            sequence: u64::from_le_bytes(*sequence),
            due_ns: u64::from_le_bytes(*due_ns),
        })
    }
}

fn put(payload: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = payload.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// From 10.0 to 99.9.
fn write_tenths(payload: &mut [u8], at: usize, number: u64) {
    let tenths = 100 + number % 900;
    let digit = |of: u64| b'0' + u8::try_from(of % 10).unwrap_or(0);
    put(payload, at, &[digit(tenths / 100), digit(tenths / 10), b'.', digit(tenths)]);
}

#[cfg(test)]
mod tests;
