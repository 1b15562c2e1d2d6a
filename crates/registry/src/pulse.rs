//! When a device is heard, how regularly, and how late its readings come. Written by one thread,
//! read by all, without a lock.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use model::Timestamp;

/// Gaps that a device may miss before it counts as silent: one lost message is nothing.
const GAPS_MISSED_MAX: u32 = 3;

/// Nobody is called silent sooner: a restart of a gateway takes that long.
const PATIENCE_MIN: Duration = Duration::from_secs(90);

/// For a device whose rhythm is not known yet.
const PATIENCE_UNKNOWN: Duration = Duration::from_secs(15 * 60);

/// What a device says of itself, in its own message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Presence {
    Unknown = 0,
    Online = 1,
    Offline = 2,
    Sleeping = 3,
}

#[derive(Debug, Default)]
pub struct Pulse {
    /// Microseconds since 1970 by our clock; 0 before the first message.
    heard_at: AtomicI64,
    /// The time of its newest reading, by its own clock where it has one.
    read_at: AtomicI64,
    /// Microseconds between its readings, smoothed; 0 while unknown.
    gap: AtomicU64,
    presence: AtomicU8,
}

impl Pulse {
    /// A message arrived; `read_at` is the newest time in it.
    pub fn beat(&self, heard_at: Timestamp, read_at: Option<Timestamp>) {
        self.heard_at.fetch_max(heard_at.micros(), Ordering::Relaxed);
        let read_at = read_at.unwrap_or(heard_at).micros();
        let before = self.read_at.fetch_max(read_at, Ordering::Relaxed);
        // Several messages of one moment are one beat, and old readings tell no rhythm.
        let gap = read_at.saturating_sub(before).max(0).unsigned_abs();
        if before == 0 || gap < 1_000 {
            return;
        }
        let known = self.gap.load(Ordering::Relaxed);
        let smoothed = if known == 0 { gap } else { known - known / 8 + gap / 8 };
        self.gap.store(smoothed, Ordering::Relaxed);
    }

    #[must_use]
    pub fn heard_at(&self) -> Option<Timestamp> {
        let micros = self.heard_at.load(Ordering::Relaxed);
        (micros > 0).then(|| Timestamp::from_micros(micros))
    }

    /// How much older the newest reading is than the message that brought it.
    #[must_use]
    pub fn late_by(&self) -> Duration {
        let read_at = Timestamp::from_micros(self.read_at.load(Ordering::Relaxed));
        self.heard_at().map_or(Duration::ZERO, |heard_at| heard_at.since(read_at))
    }

    /// The usual time between two readings.
    #[must_use]
    pub fn rhythm(&self) -> Option<Duration> {
        let gap = self.gap.load(Ordering::Relaxed);
        (gap > 0).then(|| Duration::from_micros(gap))
    }

    /// How long the device may say nothing before somebody should look.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let from_rhythm = |gap: Duration| gap.saturating_mul(GAPS_MISSED_MAX + 1).max(PATIENCE_MIN);
        self.rhythm().map_or(PATIENCE_UNKNOWN, from_rhythm)
    }

    pub fn set_presence(&self, presence: Presence) {
        self.presence.store(presence as u8, Ordering::Relaxed);
    }

    #[must_use]
    pub fn presence(&self) -> Presence {
        match self.presence.load(Ordering::Relaxed) {
            1 => Presence::Online,
            2 => Presence::Offline,
            3 => Presence::Sleeping,
            _ => Presence::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + seconds * 1_000)
    }

    #[test]
    fn the_rhythm_follows_the_readings_and_not_their_delivery() {
        let pulse = Pulse::default();
        for beat in 0..100 {
            pulse.beat(at(100_000 + beat), Some(at(beat * 60)));
        }
        let rhythm = pulse.rhythm().unwrap().as_secs();
        assert!((55..=60).contains(&rhythm), "{rhythm}");
        assert_eq!(pulse.late_by().as_secs(), 100_099 - 99 * 60);
    }

    #[test]
    fn one_message_tells_no_rhythm() {
        let pulse = Pulse::default();
        assert_eq!((pulse.heard_at(), pulse.rhythm()), (None, None));
        pulse.beat(at(5), None);
        pulse.beat(at(5), None);
        assert_eq!((pulse.heard_at(), pulse.rhythm()), (Some(at(5)), None));
        assert_eq!(pulse.patience(), PATIENCE_UNKNOWN);
        pulse.set_presence(Presence::Sleeping);
        assert_eq!(pulse.presence(), Presence::Sleeping);
    }
}
