//! The listeners as a shard knows them: their limits, and who has come by them.

use hub::ConnectionKey;

use super::backlog::Backlog;
use super::greetings::Greetings;
use super::{NO_DOOR, Shard};
use crate::Limits;
use crate::door::Terms;

/// A listener, and who has come by it and not said what it wants.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) terms: Terms,
    pub(super) greetings: Greetings,
}

impl Shard {
    /// Tells the listeners, by their numbers.
    pub(crate) fn set_doors(&mut self, doors: &[Terms]) {
        let door = |terms: &Terms| Door { terms: terms.clone(), greetings: Greetings::default() };
        self.doors = doors.iter().map(door).collect();
    }

    /// Other limits, from now on.
    pub(crate) fn set_limits(&mut self, site: &Limits, doors: &[Limits]) {
        self.common.limits = *site;
        self.backlog = Backlog::new(site.backlog_bytes_max / usize::from(self.shards.max(1)));
        for (door, limits) in self.doors.iter_mut().zip(doors) {
            door.terms.limits = *limits;
        }
    }

    /// What a listener grants.
    pub(super) fn limits_at(&self, door: u16) -> &Limits {
        let door = self.doors.get(usize::from(door));
        door.map_or(&self.common.limits, |door| &door.terms.limits)
    }

    pub(super) fn limits_of(&self, key: ConnectionKey) -> &Limits {
        let connection = self.connections.get(key.0 as usize);
        self.limits_at(connection.map_or(NO_DOOR, |connection| connection.door))
    }
}
