//! Why a connection ended, or did not come about.

use mqtt::{Kind, Malformed, Reason};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The shell knows more: nobody answers, TLS fails, the line broke.
    #[error("the line failed")]
    Line,
    #[error("the broker closed the connection")]
    Closed,
    #[error("the broker refuses: {0:?}")]
    Refused(Reason),
    #[error("the broker ended the connection: {0:?}")]
    Dismissed(Reason),
    /// It asked for patience; the message is offered again later.
    #[error("the broker takes no messages at the moment: {0:?}")]
    Busy(Reason),
    #[error("the broker does not answer")]
    Silent,
    #[error("the broker broke MQTT: {0}")]
    Malformed(#[from] Malformed),
    #[error("the broker sent a {0:?} that nobody asked for")]
    Unexpected(Kind),
    #[error("the site sent more messages at once than it was allowed to")]
    Window,
}
