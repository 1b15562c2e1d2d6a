//! What an answer of the store means, and whether asking again can help.

use std::time::Duration;

/// Of an error's body that is read: what comes after is of no use.
pub(crate) const ERROR_BYTES_MAX: u64 = 16 << 10;

/// Of a code that is told.
const CODE_LENGTH_MAX: usize = 64;

/// An answer without its body, unless it is what was asked for.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Of a HEAD: the length of the object, and the checksum the store has of it.
    pub(crate) length: Option<u64>,
    pub(crate) checksum: Option<String>,
}

impl Answer {
    pub(crate) const fn is_good(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// There is no such object; without a bucket there is more wrong.
    pub(crate) fn is_missing(&self) -> bool {
        self.status == 404 && !matches!(self.code(), "NoSuchBucket")
    }

    /// Whether the store may say something else in a moment.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 409 | 429 | 500 | 502 | 503 | 504)
    }

    /// What the store calls the error: the element `Code`, if it is a plain word.
    pub(crate) fn code(&self) -> &str {
        let text = str::from_utf8(&self.body).unwrap_or_default();
        let inner = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        let code = inner.map(|(code, _)| code).unwrap_or_default();
        let plain =
            code.len() <= CODE_LENGTH_MAX && code.chars().all(|c| c.is_ascii_alphanumeric());
        if plain { code } else { "" }
    }
}

/// How often, and for how long, something is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tries {
    pub(crate) count_max: u32,
    /// Before the second try; each pause is twice the one before.
    pub(crate) pause: Duration,
    /// After so long no further try begins.
    pub(crate) time_max: Duration,
}

/// At most three tries, with pauses of 0.2 and 0.4 seconds: whoever waits for rows hears of a store
/// that is away before a statement's time is over. What is moved is tried again by the mover.
pub(crate) const TRIES: Tries =
    Tries { count_max: 3, pause: Duration::from_millis(200), time_max: Duration::from_secs(6) };

#[cfg(test)]
mod tests;
