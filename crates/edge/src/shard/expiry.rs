//! How long a message that waits is worth sending.

use hub::Publication;
use model::Timestamp;
use mqtt::PublishProperties;

/// What is left of the expiry that the publisher gave a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It has none.
    Always,
    Seconds(u32),
    /// Its time is over.
    Nothing,
}

impl Left {
    pub(super) fn of(publication: &Publication, now: Timestamp) -> Self {
        let properties = &publication.properties;
        if properties.is_empty() {
            return Self::Always;
        }
        let expiry = PublishProperties::parse(properties).ok().and_then(|block| block.expiry());
        let Some(seconds) = expiry else { return Self::Always };
        let waited = now.since(publication.received_at).as_secs();
        match u64::from(seconds).checked_sub(waited).map(u32::try_from) {
            Some(Ok(left)) if left > 0 => Self::Seconds(left),
            _ => Self::Nothing,
        }
    }

    /// What a subscriber is told; a message whose delivery has begun is told to be at its end.
    pub(super) const fn seconds(self) -> Option<u32> {
        match self {
            Self::Always => None,
            Self::Seconds(seconds) => Some(seconds),
            Self::Nothing => Some(0),
        }
    }
}
