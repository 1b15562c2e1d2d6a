//! Timers of a shard: a wheel of one-second slots. Deadlines are seconds long and rarely met, so a
//! timer that has moved is found out when its slot comes round, not when it moves.

use std::time::Duration;

use model::Moment;

const SLOT: Duration = Duration::from_secs(1);
const SLOTS: usize = 256;

/// Says which keys to look at. The owner checks whether their time has really come and puts the
/// ones that go on back in. A key may be due early (a deadline more than 256 s away), never late by
/// more than a slot.
#[derive(Debug)]
pub(crate) struct Wheel<K> {
    slots: Vec<Vec<K>>,
    /// The slot that comes next, counted from the start of the clock.
    next: u64,
}

impl<K> Wheel<K> {
    pub(crate) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), next: 0 }
    }

    pub(crate) fn insert(&mut self, key: K, deadline: Moment) {
        let last = self.next + SLOTS as u64 - 1;
        // Rounded up: a slot is looked at once its whole second has passed.
        let slot = (number_of(deadline) + 1).clamp(self.next, last);
        if let Some(keys) = self.slots.get_mut(place_of(slot)) {
            keys.push(key);
        }
    }

    /// All keys whose slot has passed by `now`.
    pub(crate) fn due(&mut self, now: Moment) -> Vec<K> {
        let current = number_of(now);
        let mut due = Vec::new();
        // After a long sleep every slot is passed at most once.
        for _ in 0..SLOTS {
            if self.next > current {
                break;
            }
            if let Some(keys) = self.slots.get_mut(place_of(self.next)) {
                due.append(keys);
            }
            self.next += 1;
        }
        self.next = self.next.max(current + 1);
        due
    }

    /// How long the owner may wait before it asks again.
    pub(crate) fn until_next(&self, now: Moment) -> Duration {
        let next = Moment::from_micros(self.next.saturating_mul(micros_of_slot()));
        next.since(now).max(Duration::from_millis(1))
    }
}

fn number_of(at: Moment) -> u64 {
    at.micros() / micros_of_slot()
}

fn micros_of_slot() -> u64 {
    u64::try_from(SLOT.as_micros()).unwrap_or(u64::MAX)
}

fn place_of(slot: u64) -> usize {
    usize::try_from(slot % SLOTS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_key_is_due_after_its_deadline_and_once() {
        let mut wheel = Wheel::new();
        wheel.insert("anna", at(10));
        assert!(wheel.due(at(9)).is_empty() && wheel.due(at(10)).is_empty());
        assert_eq!(wheel.due(at(11)), ["anna"]);
        assert!(wheel.due(at(500)).is_empty());
    }

    #[test]
    fn a_far_deadline_is_due_early_and_a_past_one_at_once() {
        let mut wheel = Wheel::new();
        wheel.due(at(100));
        wheel.insert("far", at(10_000));
        wheel.insert("past", at(3));
        assert_eq!(wheel.due(at(101)), ["past"]);
        assert_eq!(wheel.due(at(356)), ["far"]);
    }

    #[test]
    fn a_long_sleep_forgets_nobody() {
        let mut wheel = Wheel::new();
        for second in 0..200 {
            wheel.insert(second, at(second));
        }
        assert_eq!(wheel.due(at(1_000_000)).len(), 200);
    }
}
