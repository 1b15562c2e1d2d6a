//! That a person asked for a device to be forgotten, version 1, as in docs/formats/record.md. What
//! the records before it say of the device is gone; what comes after it is another device's.

use crate::Timestamp;
use crate::record::{self, Cursor, RecordFault};

pub(crate) const KIND_ERASURE: u8 = 3;

/// The only thing that can happen to a device so far.
const ERASED: u8 = 1;

/// kind, what, length of the handle, time
const HEAD_BYTES: usize = 1 + 1 + 2 + 8;

/// One wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure<'a> {
    /// When it was asked for.
    pub at: Timestamp,
    /// The handle: the column `device` of history.
    pub device: &'a str,
}

/// Appends the record form.
///
/// # Panics
/// When the handle is longer than 65,535 bytes: handles have at most some hundred.
pub fn encode_erasure(erasure: &Erasure<'_>, out: &mut Vec<u8>) {
    out.reserve(HEAD_BYTES + erasure.device.len());
    out.extend_from_slice(&[KIND_ERASURE, ERASED]);
    out.extend_from_slice(&record::length_u16(erasure.device).to_le_bytes());
    out.extend_from_slice(&erasure.at.micros().to_le_bytes());
    out.extend_from_slice(erasure.device.as_bytes());
}

pub(crate) fn decode_erasure(bytes: &[u8]) -> Result<Erasure<'_>, RecordFault> {
    let mut rest = Cursor(bytes);
    let [_kind, what] = rest.take::<2>()?;
    if what != ERASED {
        return Err(RecordFault::Deed(what));
    }
    let length = usize::from(u16::from_le_bytes(rest.take()?));
    let at = Timestamp::from_micros(i64::from_le_bytes(rest.take()?));
    let device = rest.text(length)?;
    if rest.0.is_empty() { Ok(Erasure { at, device }) } else { Err(RecordFault::Malformed) }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::record::Record;

    fn sample() -> Erasure<'static> {
        Erasure { at: Timestamp::from_micros(1_700_000_000_000_001), device: "farm/barn" }
    }

    fn bytes() -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_erasure(&sample(), &mut bytes);
        bytes
    }

    #[test]
    fn version_one_is_these_bytes() {
        let hex: String = bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        expect!["0301090001401e18240a06006661726d2f6261726e"].assert_eq(&hex);
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        assert_eq!(Record::decode(&bytes()), Ok(Record::Erasure(sample())));
    }

    #[test]
    fn what_is_cut_too_long_or_of_a_newer_version_is_refused() {
        let whole = bytes();
        for cut in 1..whole.len() {
            assert_eq!(Record::decode(&whole[..cut]), Err(RecordFault::Truncated), "{cut}");
        }
        let longer = [&whole[..], b"x"].concat();
        assert_eq!(Record::decode(&longer), Err(RecordFault::Malformed));
        let mut newer = whole;
        newer[1] = 2;
        assert_eq!(Record::decode(&newer), Err(RecordFault::Deed(2)));
    }
}
