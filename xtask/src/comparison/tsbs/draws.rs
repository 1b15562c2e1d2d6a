//! What a query asks for, by chance from a seed: the same for all stores.

use bench::tsbs::{FLEETS, START_S, Scale};
use jiff::Timestamp;

use crate::dice::Dice;

const DAY_S: i64 = 86_400;

/// One set of parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draw {
    fleet: &'static str,
    truck: u64,
    from_s: i64,
    to_s: i64,
    end_s: i64,
}

impl Draw {
    /// A window of some seconds, or all there is if that is less.
    pub(super) fn new(scale: Scale, window_s: i64, dice: &mut Dice) -> Self {
        let end_s = scale.end_s();
        let room = (end_s - window_s - START_S).max(0);
        let from_s = START_S.saturating_add_unsigned(dice.below(room.unsigned_abs() + 1));
        let place = usize::try_from(dice.below(FLEETS.len() as u64)).unwrap_or(0);
        Self {
            fleet: FLEETS.get(place).copied().unwrap_or_default(),
            truck: dice.below(u64::from(scale.trucks)),
            from_s,
            to_s: (from_s + window_s).min(end_s),
            end_s,
        }
    }

    /// A text with what was drawn in it.
    pub(super) fn fill(&self, text: &str) -> String {
        // The first reading is in a window that begins after its left end.
        let all = self.end_s - START_S + 1;
        let days = (self.end_s - START_S + DAY_S - 1) / DAY_S;
        text.replace("{fleet}", self.fleet)
            .replace("{truck}", &format!("truck_{}", self.truck))
            .replace("{from}", &time(self.from_s))
            .replace("{to}", &time(self.to_s))
            .replace("{from_s}", &self.from_s.to_string())
            .replace("{to_s}", &self.to_s.to_string())
            .replace("{begin}", &time(START_S))
            .replace("{end_s}", &self.end_s.to_string())
            .replace("{end}", &time(self.end_s))
            .replace("{all}", &format!("{all}s"))
            .replace("{begin_s}", &START_S.to_string())
            .replace("{last_day_s}", &(START_S + (days - 1) * DAY_S).to_string())
            .replace("{days}", &format!("{days}d"))
            .replace("{midnight}", &(START_S + days * DAY_S).to_string())
    }
}

pub(super) fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests;
