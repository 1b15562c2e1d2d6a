//! Chance from a seed (`SplitMix64`, public domain, by Sebastiano Vigna).

#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

/// 2^-53: the distance of two neighbours among the numbers of `unit`.
const UNIT_STEP: f64 = 1.0 / 9_007_199_254_740_992.0;

impl Dice {
    /// Streams of one seed have nothing in common.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut mixer = Self(seed);
        let base = mixer.next();
        Self(base ^ Self(stream.wrapping_add(1)).next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1, without 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are left")]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * UNIT_STEP
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// The sum of twelve numbers of mean 0.5 and variance 1/12: no library of the machine has a
    /// say in it, as it has in logarithms.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A number below `count`, which is not 0.
    #[expect(clippy::cast_possible_truncation, reason = "a remainder of a usize")]
    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    /// One of a list that is not empty.
    pub(crate) fn of<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        list.get(self.below(list.len().max(1))).copied()
    }
}
