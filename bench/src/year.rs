//! Devices that each say one number at regular times for some days: any line of it can be made alone,
//! so that a billion of them need no file.

use std::io::{self, Write};

use clap::Args;

use crate::tsbs::START_S;

/// How much there is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct Year {
    #[arg(long, default_value_t = 10_000)]
    pub devices: u32,
    #[arg(long, default_value_t = 365)]
    pub days: u32,
    /// Of all devices together. Each says one `days * devices / readings` days after the other.
    #[arg(long, default_value_t = 100_000_000)]
    pub readings: u64,
}

const DAY_MS: u64 = 86_400_000;

/// Degrees by which a year, a day and chance move a temperature.
const OF_THE_YEAR: f64 = 10.0;
const OF_THE_DAY: f64 = 6.0;
const OF_CHANCE: f64 = 1.0;

impl Year {
    /// Between two readings of one device, at least one.
    #[must_use]
    pub fn step_ms(&self) -> u64 {
        let all_ms = u64::from(self.days) * DAY_MS;
        let ticks = (self.readings / u64::from(self.devices).max(1)).max(1);
        (all_ms / ticks).max(1)
    }

    /// Readings that there are, which a remainder makes a few less than were asked for.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.readings / u64::from(self.devices).max(1) * u64::from(self.devices)
    }

    /// The reading of a number below `count`: device, milliseconds since 1970, tenths of a degree.
    /// All devices say one, then all the next; no two of them at the same moment of their step.
    fn reading(&self, number: u64) -> (u64, u64, i64) {
        let devices = u64::from(self.devices).max(1);
        let (tick, device) = (number / devices, number % devices);
        let step = self.step_ms();
        let since = tick * step + mixed(device) % step;
        (device, START_S.unsigned_abs() * 1_000 + since, tenths(device, since))
    }

    /// As line protocol, with times in milliseconds.
    pub(crate) fn write_line(&self, number: u64, out: &mut impl Write) -> io::Result<()> {
        let (device, time_ms, tenths) = self.reading(number);
        let sign = if tenths < 0 { "-" } else { "" };
        let (whole, tenth) = (tenths.abs() / 10, tenths.abs() % 10);
        writeln!(out, "t,id=d{device} value={sign}{whole}.{tenth} {time_ms}")
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a temperature of a moment of some years"
)]
fn tenths(device: u64, since_ms: u64) -> i64 {
    let days = since_ms as f64 / DAY_MS as f64;
    let own = (mixed(device) % 100) as f64 / 10.0;
    let chance = (mixed(device ^ since_ms.rotate_left(20)) % 1_000) as f64 / 1_000.0 - 0.5;
    let wave = |height: f64, turns: f64| height * (turns * std::f64::consts::TAU).sin();
    let year = wave(OF_THE_YEAR, days / 365.0);
    let degrees = own + year + wave(OF_THE_DAY, days) + OF_CHANCE * chance;
    (degrees * 10.0).round() as i64
}

/// Bits that have nothing to do with each other (the end of `SplitMix64`).
const fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests;
