//! How long a lost connection is left alone before the next try.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
/// A broker that was away for hours is found within a minute, and a thousand sites ask it 17 times
/// a second between them.
const MAX: Duration = Duration::from_secs(60);
/// A connection that lasted this long was a good one: the next pause is short again.
const GOOD: Duration = Duration::from_secs(10);
/// A broker that let us in is there, and two seconds are the longest it is left alone. Not shorter
/// each time: two clients of one name throw each other out for ever.
const FAILURES_OF_PRESENT_MAX: u32 = 3;

/// Doubles with each failure. Half of each pause is chance, so that sites that lost the same broker
/// do not come back in step.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    failures: u32,
    dice: u64,
}

impl Backoff {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { failures: 0, dice: seed }
    }

    /// A connection ended after it had been up for `lasted`, or the try for one.
    pub(crate) fn after(&mut self, lasted: Option<Duration>) -> Duration {
        match lasted {
            None => {}
            Some(lasted) if lasted >= GOOD => self.failures = 0,
            Some(_) => self.failures = self.failures.min(FAILURES_OF_PRESENT_MAX),
        }
        // 250 ms doubled eight times is over a minute already.
        let whole = (FIRST * 2_u32.pow(self.failures.min(8))).min(MAX);
        self.failures = self.failures.saturating_add(1);
        let chance = u32::try_from(self.roll() >> 48).unwrap_or(0);
        whole / 2 + whole / 2 * chance / 0x1_0000
    }

    /// A step of SplitMix64.
    const fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.dice;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_start_again_after_a_good_connection() {
        let mut backoff = Backoff::new(7);
        let mut whole = FIRST;
        for _ in 0..20 {
            let pause = backoff.after(None);
            assert!(pause >= whole / 2 && pause <= whole, "{pause:?} of {whole:?}");
            whole = (whole * 2).min(MAX);
        }
        assert!(backoff.after(Some(Duration::ZERO)) <= FIRST * 8, "it is there");
        assert!(backoff.after(Some(GOOD)) <= FIRST);
    }

    #[test]
    fn two_seeds_do_not_come_back_in_step() {
        let pauses = |seed| {
            let mut backoff = Backoff::new(seed);
            [(); 4].map(|()| backoff.after(None))
        };
        assert_ne!(pauses(1), pauses(2));
        assert_eq!(pauses(1), pauses(1));
    }
}
