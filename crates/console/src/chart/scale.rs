//! Values to pixels, with air above and below, and a few round numbers to read them by.

/// Part of the extremes' distance that stays free above and below.
const AIR: f64 = 0.12;

/// What differs by less of its value differs by the last digits of a float.
const NOISE: f64 = 1e-9;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    height: f64,
}

impl Scale {
    pub(crate) fn new((min, max): (f64, f64), height: f64) -> Self {
        let span = max - min;
        // A constant lies in the middle of something, however large it is.
        let varies = span > max.abs() * NOISE;
        let air = if varies { span * AIR } else { (max.abs() * 0.05).max(1.0) };
        Self { low: min - air, high: max + air, height }
    }

    pub(crate) fn y(&self, value: f64) -> f64 {
        self.height * (1.0 - (value - self.low) / (self.high - self.low))
    }

    /// Two to five multiples of 1, 2 or 5 times a power of ten.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let step = step((self.high - self.low) / 5.0);
        let first = (self.low / step).ceil();
        let mut ticks = Vec::new();
        for index in 0..12_u8 {
            let tick = (first + f64::from(index)) * step;
            if tick > self.high {
                break;
            }
            // Adding zero turns the negative zero into the usual one.
            ticks.push(tick + 0.0);
        }
        ticks
    }
}

fn step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let part = rough / power;
    let round = match part {
        ..=1.0 => 1.0,
        ..=2.0 => 2.0,
        ..=5.0 => 5.0,
        _ => 10.0,
    };
    round * power
}
