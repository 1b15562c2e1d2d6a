//! The front door of a site, as an import sees it.

/// Messages that go together: taken as a whole, or sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch<'a> {
    /// Packs of SenML, one a line.
    Senml(&'a str),
    /// Points of line protocol, one a line.
    Lines { database: &'a str, points: &'a str },
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DoorFault {
    /// Whoever runs the site: start it, or give another address.
    #[error("no site answers")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Overloaded for longer than the caller waits.
    #[error("the site takes nothing: {0}")]
    Overloaded(Box<str>),
    /// The site does not understand, or does not want to.
    #[error("the site refuses with status {status}: {told}")]
    Refused { status: u16, told: Box<str> },
    #[error("stopped before the end")]
    Stopped,
}

/// Takes batches, one after the other.
pub trait Door {
    /// Returns when all of it is durable and visible. Whether to try again is the door's affair.
    ///
    /// # Errors
    /// When it was not taken, or nobody knows.
    fn send(&mut self, batch: Batch<'_>) -> Result<(), DoorFault>;
}
