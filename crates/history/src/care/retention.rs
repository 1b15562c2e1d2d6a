//! Days that are older than is kept leave: readings after their hours are made, and hours after a
//! time of their own.

use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;

use crate::care::{Care, Stock};
use crate::fault::FlushFault;
use crate::folder::Folder;
use crate::kind::Kind;

impl Care {
    /// The oldest day of which readings are to leave and whose hours are not made. Not when they
    /// cannot be made for now: a full disk must not keep readings from leaving.
    pub(super) fn leaves_without_hours(&self, now: Timestamp) -> Option<Folder> {
        let limit = first_day(self.keep_shortest(), now).filter(|_| !self.is_paused(now))?;
        self.look(now, |look| look.next_before(limit))
    }

    /// Hours of days before this one are not kept.
    pub(super) fn first_day_of_hours(&self, now: Timestamp) -> i32 {
        first_day(self.keep_hours, now).unwrap_or(i32::MIN)
    }

    /// Drops the folders whose day ended before what is to be kept.
    pub(super) fn retain(&mut self, now: Timestamp) -> Result<(), FlushFault> {
        let Stock { readings, hours, .. } = self.stock();
        let first_of_hours = first_day(self.keep_hours, now).map(|day| hours.floor(day));
        if let Some(day) = first_of_hours.filter(|day| hours.begins_before(*day)) {
            self.drop_before(Kind::Hours, day, now).or_else(|fault| later(fault, "hours"))?;
        }
        let Some(day) = first_day(self.keep_longest(), now) else { return Ok(()) };
        // Their hours come first.
        let waits = self.leaves_without_hours(now);
        let day = readings.floor(waits.map_or(day, |folder| folder.first.min(day)));
        if !readings.begins_before(day) {
            return Ok(());
        }
        self.drop_before(Kind::Readings, day, now).or_else(|fault| later(fault, "readings"))
    }

    fn drop_before(&mut self, kind: Kind, day: i32, now: Timestamp) -> Result<(), FlushFault> {
        let one_at_a_time = self.shared.versions();
        let Stock { readings, hours, .. } = self.stock();
        let before = match kind {
            Kind::Readings => readings,
            Kind::Hours => Arc::clone(&hours),
        };
        let day = before.floor(day);
        // Before the readings leave, so that no crash lies between.
        if kind == Kind::Readings
            && let Some(marked) = hours.mark_left(&*self.storage, day, now)?
        {
            self.shared.tail().hours = Arc::new(marked);
        }
        if let Some(after) = before.without_days_before(&*self.storage, day, now)? {
            let mut tail = self.shared.tail();
            match kind {
                Kind::Readings => tail.table = Arc::new(after),
                Kind::Hours => tail.hours = Arc::new(after),
            }
        }
        drop(one_at_a_time);
        let gone = before.files.iter().filter(|file| file.key.folder.first < day).map(Arc::clone);
        self.let_go(gone, now);
        Ok(())
    }
}

/// The first day that is kept.
fn first_day(keep: Option<Duration>, now: Timestamp) -> Option<i32> {
    keep.map(|keep| Folder::of(now.saturating_sub(keep).millis()).first)
}

/// Only what a restart must clear up is passed on.
fn later(fault: FlushFault, what: &str) -> Result<(), FlushFault> {
    if fault.is_final() {
        return Err(fault);
    }
    tracing::warn!(%fault, what, "old days could not be dropped; it is tried again");
    Ok(())
}
