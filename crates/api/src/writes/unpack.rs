//! Bodies that come packed, within a limit.

use std::io::Read as _;

use axum::http::{HeaderMap, header};

use super::BODY_BYTES_MAX;

/// Why a body cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packed {
    TooLarge,
    Damaged,
    Unknown,
}

impl Packed {
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::TooLarge => {
                "The body is too large once it is unpacked (16 MiB, with Snappy 4 MiB)."
            }
            Self::Damaged => "The body cannot be unpacked.",
            Self::Unknown => "The body is packed in a way that is not known here.",
        }
    }

    pub(super) const fn hint(self) -> &'static str {
        match self {
            Self::TooLarge => "Send it in parts.",
            Self::Damaged => "Check the Content-Encoding.",
            Self::Unknown => "Use gzip, or none.",
        }
    }
}

/// As `Content-Encoding` says: gzip, or as it is.
pub(super) fn unpacked(headers: &HeaderMap, body: &[u8]) -> Result<Vec<u8>, Packed> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes());
    match encoding {
        None | Some(b"identity" | b"") => Ok(body.to_vec()),
        Some(b"gzip") => {
            let mut plain = Vec::new();
            let limit = BODY_BYTES_MAX as u64 + 1;
            let read = flate2::read::MultiGzDecoder::new(body).take(limit).read_to_end(&mut plain);
            match read {
                Err(_) => Err(Packed::Damaged),
                Ok(count) if count > BODY_BYTES_MAX => Err(Packed::TooLarge),
                Ok(_) => Ok(plain),
            }
        }
        Some(_) => Err(Packed::Unknown),
    }
}

/// What a request of Prometheus may unpack to: two thousand samples are some hundred KiB, and what
/// is in a request takes more memory than its bytes.
const SNAPPY_BYTES_MAX: usize = 4 << 20;

/// A block of Snappy, as Prometheus sends it.
pub(super) fn unsnapped(body: &[u8]) -> Result<Vec<u8>, Packed> {
    match snap::raw::decompress_len(body) {
        Err(_) => Err(Packed::Damaged),
        Ok(length) if length > SNAPPY_BYTES_MAX => Err(Packed::TooLarge),
        Ok(_) => snap::raw::Decoder::new().decompress_vec(body).map_err(|_fault| Packed::Damaged),
    }
}
