//! How a value moves from one reading to the next.

use crate::dice::Dice;

/// What a walk adds at each step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stride {
    Uniform(f64, f64),
    /// Of mean 0 and deviation 1.
    Normal,
}

impl Stride {
    fn draw(self, dice: &mut Dice) -> f64 {
        match self {
            Self::Uniform(low, high) => dice.between(low, high),
            Self::Normal => dice.normal(),
        }
    }
}

/// A random walk that stays between two bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    pub(crate) stride: Stride,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) value: f64,
    /// At its lower bound it begins again at the upper one, as a tank that is filled.
    pub(crate) refills: bool,
}

impl Walk {
    pub(crate) fn uniform(step: (f64, f64), (low, high): (f64, f64), value: f64) -> Self {
        Self { stride: Stride::Uniform(step.0, step.1), low, high, value, refills: false }
    }

    pub(crate) fn advance(&mut self, dice: &mut Dice) {
        let step = self.stride.draw(dice);
        self.value = match self.refills && self.value <= self.low {
            true => self.high,
            false => (self.value + step).clamp(self.low, self.high),
        };
    }
}

/// Cut toward zero to some decimals.
pub(crate) fn cut(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    // Never -0, which some stores tell from 0.
    (value * scale).trunc() / scale + 0.0
}

#[cfg(test)]
mod tests;
