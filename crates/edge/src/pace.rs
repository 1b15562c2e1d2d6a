//! A number of something a second, with a second's worth at once.
//!
//! What was used is kept as the moment up to which it is paid for (the generic cell rate algorithm,
//! ITU-T I.371): one integer for each that is paced.

use std::num::NonZeroU32;

use model::Moment;

/// How far ahead of the rate somebody may be.
const BURST_MICROS: u64 = 1_000_000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace(pub(crate) NonZeroU32);

impl Pace {
    /// Up to when is paid for, after `units` more.
    pub(crate) fn spend(self, paid: u64, units: u64, now: Moment) -> u64 {
        let micros = units.saturating_mul(1_000_000) / u64::from(self.0.get());
        paid.max(now.micros()).saturating_add(micros)
    }

    /// One more, if the rate allows it.
    pub(crate) fn admit(self, paid: u64, now: Moment) -> Option<u64> {
        (wait(paid, now) == 0).then(|| self.spend(paid, 1, now))
    }
}

/// Microseconds until somebody may go on.
pub(crate) fn wait(paid: u64, now: Moment) -> u64 {
    match paid.saturating_sub(now.micros()) {
        ahead if ahead < BURST_MICROS => 0,
        ahead => ahead - BURST_MICROS + 1,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::START.saturating_add(Duration::from_millis(millis))
    }

    #[test]
    fn a_second_is_worth_its_rate_at_once_and_then_one_by_one() {
        for rate in [1, 2, 7, 100, 1_000] {
            let pace = Pace(NonZeroU32::new(rate).unwrap());
            let mut paid = 0;
            let mut taken = 0;
            for millis in 0..10_000 {
                while let Some(next) = pace.admit(paid, at(millis)) {
                    paid = next;
                    taken += 1;
                }
            }
            // The first second's worth at once, and nine more seconds. The last may be begun.
            assert!((rate * 10..=rate * 11).contains(&taken), "{rate}: {taken}");
        }
    }

    #[test]
    fn who_took_much_at_once_waits_until_it_is_paid_for() {
        let pace = Pace(NonZeroU32::new(100).unwrap());
        let paid = pace.spend(0, 500, at(0));
        assert_eq!(wait(paid, at(0)), 4_000_001);
        assert_eq!(wait(paid, at(4_001)), 0);
        assert!(pace.admit(paid, at(3_999)).is_none());
        assert!(pace.admit(paid, at(4_001)).is_some());
    }

    #[test]
    fn who_was_away_for_long_has_saved_no_more_than_a_second() {
        let pace = Pace(NonZeroU32::new(10).unwrap());
        let mut paid = pace.spend(0, 1, at(0));
        let mut taken = 0;
        while let Some(next) = pace.admit(paid, at(3_600_000)) {
            paid = next;
            taken += 1;
        }
        assert_eq!(taken, 10);
    }
}
