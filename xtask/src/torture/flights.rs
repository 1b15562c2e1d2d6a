//! Messages of a device that are under way: what it must remember to go on after a cut.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

/// What a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cargo {
    /// The reading of this sequence.
    Reading(u64),
    /// The retained message of this number.
    Standing(u64),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub cargo: Cargo,
    /// QoS 2: the site has it; only the handshake is not over.
    pub released: bool,
}

#[derive(Debug)]
pub(super) struct Flights {
    /// With the place of each in the order of sending.
    flights: BTreeMap<NonZeroU16, (u64, Flight)>,
    begun: u64,
    next_id: NonZeroU16,
}

impl Default for Flights {
    fn default() -> Self {
        Self { flights: BTreeMap::new(), begun: 0, next_id: NonZeroU16::MIN }
    }
}

impl Flights {
    pub(super) fn begin(&mut self, flight: Flight) -> NonZeroU16 {
        let id = self.free_id();
        self.begun += 1;
        self.flights.insert(id, (self.begun, flight));
        id
    }

    /// The window is far smaller than the number of ids, so one is free soon.
    fn free_id(&mut self) -> NonZeroU16 {
        while self.flights.contains_key(&self.next_id) {
            self.next_id = self.next_id.checked_add(1).unwrap_or(NonZeroU16::MIN);
        }
        let id = self.next_id;
        self.next_id = id.checked_add(1).unwrap_or(NonZeroU16::MIN);
        id
    }

    #[must_use]
    pub(super) fn of(&self, id: NonZeroU16) -> Option<Flight> {
        self.flights.get(&id).map(|(_, flight)| *flight)
    }

    pub(super) fn release(&mut self, id: NonZeroU16) {
        if let Some((_, flight)) = self.flights.get_mut(&id) {
            flight.released = true;
        }
    }

    pub(super) fn end(&mut self, id: NonZeroU16) -> Option<Flight> {
        self.flights.remove(&id).map(|(_, flight)| flight)
    }

    pub(super) fn clear(&mut self) {
        self.flights.clear();
    }

    pub(super) fn forget_released(&mut self) {
        self.flights.retain(|_, (_, flight)| !flight.released);
    }

    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    #[must_use]
    pub(super) fn any_standing(&self) -> bool {
        self.flights.values().any(|(_, flight)| matches!(flight.cargo, Cargo::Standing(_)))
    }

    /// As they were sent.
    #[must_use]
    pub(super) fn in_order(&self) -> Vec<(NonZeroU16, Flight)> {
        let mut flights: Vec<_> = self.flights.iter().collect();
        flights.sort_by_key(|(_, (place, _))| *place);
        flights.into_iter().map(|(id, (_, flight))| (*id, *flight)).collect()
    }

    /// The lowest sequence of a reading that may be sent again.
    #[must_use]
    pub(super) fn oldest_open(&self) -> Option<u64> {
        let readings = self.flights.values().filter_map(|(_, flight)| match flight.cargo {
            Cargo::Reading(sequence) if !flight.released => Some(sequence),
            Cargo::Reading(_) | Cargo::Standing(_) => None,
        });
        readings.min()
    }
}
