//! Local time as the sun and the shifts need it.

use model::Timestamp;

pub(super) const DAY_S: i64 = 86_400;
const THURSDAY: i64 = 3;

#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    /// Days since 1970-01-01.
    pub(super) day: i64,
    /// Minutes since midnight.
    pub(super) minute: f64,
    /// 0 is Monday.
    pub(super) weekday: i64,
}

impl Local {
    pub(super) fn new(at: Timestamp, utc_offset: i64) -> Self {
        let micros = at.micros().saturating_add(utc_offset * 1_000_000);
        let day = micros.div_euclid(DAY_S * 1_000_000);
        let minute = micros.rem_euclid(DAY_S * 1_000_000) as f64 / 60e6;
        Self { day, minute, weekday: (day + THURSDAY).rem_euclid(7) }
    }

    /// The same day at another minute.
    pub(super) const fn at_minute(self, minute: f64) -> Self {
        Self { minute, ..self }
    }

    /// Whole minutes since midnight.
    pub(super) fn minutes(self) -> impl Iterator<Item = f64> {
        (0_u16..1440).map(f64::from).take_while(move |minute| *minute <= self.minute)
    }

    pub(super) fn hour(self) -> f64 {
        self.minute / 60.0
    }

    /// 0 at midwinter, 1 at midsummer, in between as the sun goes.
    pub(super) fn summer(self) -> f64 {
        let turn = (self.day as f64 - 172.0) / 365.2425;
        f64::midpoint(1.0, (std::f64::consts::TAU * turn).cos())
    }

    /// A bell around `hour`, also over midnight.
    pub(super) fn bell(self, hour: f64, width: f64) -> f64 {
        let apart = (self.hour() - hour).rem_euclid(24.0);
        let apart = apart.min(24.0 - apart);
        (-(apart / width).powi(2) / 2.0).exp()
    }
}
