//! Which times of a scan are read as hours, and which as readings.

use history::{Scan, View};
use model::Timestamp;

use super::cut::{Cut, HOUR_MS};

/// From, and up to; `None` without a bound.
type Times = (Option<Timestamp>, Option<Timestamp>);

/// The times of a scan. Neither overlaps the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pieces {
    pub(crate) hours: Vec<Times>,
    pub(crate) readings: Vec<Times>,
}

impl Pieces {
    /// Hours stand for the readings of days that are wanted in whole hours, if all buckets begin and
    /// end with an hour, and if there is more to read of the readings.
    pub(crate) fn of(view: &View, scan: &Scan, cut: Option<Cut>) -> Self {
        let mut pieces = Self::default();
        let mut from = scan.from;
        let usable = cut.is_none_or(Cut::is_of_hours);
        let days = if usable { view.days((scan.from, scan.to)) } else { Vec::new() };
        let wanted = scan.series.as_ref().map_or_else(|| view.series_count(), Vec::len);
        for day in days.iter().filter(|day| view.hours_pay(day, wanted)) {
            let start = scan.from.map_or(day.from, |from| from.max(day.from));
            let end = scan.to.map_or(day.to, |to| to.min(day.to));
            if is_hour(start) && is_hour(end) && start < end {
                pieces.add(from, (start, end));
                from = Some(end);
            }
        }
        if from.is_none_or(|from| scan.to.is_none_or(|to| from < to)) {
            pieces.readings.push((from, scan.to));
        }
        pieces
    }

    /// Hours, and the readings before them from `from` on.
    fn add(&mut self, from: Option<Timestamp>, (start, end): (Timestamp, Timestamp)) {
        if let Some((_, last)) = self.hours.last_mut().filter(|(_, last)| *last == Some(start)) {
            *last = Some(end);
            return;
        }
        if from.is_none_or(|from| from < start) {
            self.readings.push((from, Some(start)));
        }
        self.hours.push((Some(start), Some(end)));
    }

    /// For EXPLAIN.
    pub(crate) fn told(&self) -> String {
        match self.hours.len() {
            0 => String::new(),
            spans => format!(" ({spans} runs of days from hours)"),
        }
    }
}

fn is_hour(time: Timestamp) -> bool {
    time.micros().rem_euclid(HOUR_MS * 1_000) == 0
}
