//! Randomness that is a function: the same seed and key give the same value.

use std::time::Duration;

use model::Timestamp;

#[derive(Clone, Copy, Debug)]
pub(super) struct Noise(u64);

impl Noise {
    pub(super) const fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// An independent stream.
    pub(super) const fn of(self, salt: u64) -> Self {
        Self(mix(self.0 ^ mix(salt.wrapping_add(1))))
    }

    /// From 0 up to 1.
    pub(super) fn uniform(self, key: i64) -> f64 {
        let bits = mix(self.0.wrapping_add(mix(key.cast_unsigned())));
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Mean 0, deviation 1, never beyond 3.5: the sum of four uniforms is close enough to a bell.
    pub(super) fn normal(self, key: i64) -> f64 {
        let sum: f64 = (0..4).map(|part| self.of(part).uniform(key)).sum();
        (sum - 2.0) * 3.0_f64.sqrt()
    }

    /// A line through one random point every `span`, without corners.
    pub(super) fn smooth(self, at: Timestamp, span: Duration) -> f64 {
        let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX).max(1);
        let cell = at.micros().div_euclid(span);
        let part = at.micros().rem_euclid(span) as f64 / span as f64;
        let blend = part * part * (3.0 - 2.0 * part);
        let (from, to) = (self.normal(cell), self.normal(cell + 1));
        from + (to - from) * blend
    }
}

/// The finalizer of a 64-bit hash: every bit of the input reaches every bit of the output.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
