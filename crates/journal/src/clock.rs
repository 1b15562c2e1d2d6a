//! The shell's clocks. The log below takes time as an argument.

use std::time::{Duration, Instant, SystemTime};

use model::Timestamp;

/// The steady clock, for latencies and deadlines of the commit thread and of waiting readers.
#[expect(clippy::disallowed_methods, reason = "the shell's one steady clock")]
pub(crate) fn steady() -> Instant {
    Instant::now()
}

/// The calendar, for the time written into frames. Before 1970 counts as 1970.
#[expect(clippy::disallowed_methods, reason = "the shell's one calendar")]
pub(crate) fn calendar() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::EPOCH.saturating_add(since)
}
