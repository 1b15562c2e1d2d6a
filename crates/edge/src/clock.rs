//! The one clock of the process. Everything else is told the time.

use std::time::{Duration, Instant, SystemTime};

use model::{Moment, Timestamp};

/// What time it is, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    pub moment: Moment,
    pub timestamp: Timestamp,
}

/// The steady clock starts when this is made; cheap to copy and share.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn now(&self) -> Now {
        let steady = self.start.elapsed();
        let calendar = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A calendar before 1970 is a machine without a clock; its readings are from 1970.
        let calendar = calendar.unwrap_or(Duration::ZERO);
        Now {
            moment: Moment::START.saturating_add(steady),
            timestamp: Timestamp::EPOCH.saturating_add(calendar),
        }
    }
}
