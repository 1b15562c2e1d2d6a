//! The one place of this crate that reads a clock or waits.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use model::{Moment, Timestamp};

/// Both clocks. The steady one counts from the making of this value.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the shell's one clock")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the shell's one clock")]
    pub fn moment(self) -> Moment {
        let elapsed = Instant::now().saturating_duration_since(self.start);
        Moment::START.saturating_add(elapsed)
    }

    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the shell's one clock")]
    pub fn wall() -> Timestamp {
        match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Timestamp::EPOCH.saturating_add(since),
            Err(before) => Timestamp::EPOCH.saturating_sub(before.duration()),
        }
    }
}

/// Says "stop" to threads that wait. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    shared: Arc<(Mutex<bool>, Condvar)>,
}

impl Stop {
    pub fn stop(&self) {
        let (flag, bell) = &*self.shared;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        bell.notify_all();
    }

    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `span` or until someone says stop, whichever is first. True when stopped.
    pub fn wait(&self, span: Duration) -> bool {
        let (flag, bell) = &*self.shared;
        let stopped = flag.lock().unwrap_or_else(PoisonError::into_inner);
        let (stopped, _timeout) = bell
            .wait_timeout_while(stopped, span, |stopped| !*stopped)
            .unwrap_or_else(PoisonError::into_inner);
        *stopped
    }
}
