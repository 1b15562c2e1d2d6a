//! Limits on strangers: those who say nothing make room, those who say too much are not read.

use std::net::SocketAddr;

use hub::ConnectionKey;
use model::{Event, Moment};

use super::connection::Phase;
use super::{NO_DOOR, Shard};
use crate::clock::Now;
use crate::listener::THIS_MACHINE;
use crate::pace::{Pace, wait};

/// Up to when the rates of each connection are paid for, by its slot. It has memory only where a
/// listener has such limits.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    paid: Vec<u64>,
}

impl Throttle {
    pub(super) fn opened(&mut self, key: ConnectionKey) {
        if let Some(paid) = self.paid.get_mut(key.0 as usize) {
            *paid = 0;
        }
    }

    fn paid(&self, key: ConnectionKey) -> u64 {
        self.paid.get(key.0 as usize).copied().unwrap_or_default()
    }

    fn set(&mut self, key: ConnectionKey, until: u64) {
        let slot = key.0 as usize;
        if self.paid.len() <= slot {
            self.paid.resize(slot + 1, 0);
        }
        if let Some(paid) = self.paid.get_mut(slot) {
            *paid = until;
        }
    }
}

impl Shard {
    /// What a connection said is paid for: it came by `door` and had sent `before` messages.
    pub(super) fn spend(
        &mut self,
        key: ConnectionKey,
        (door, before, bytes): (u16, u64, usize),
        now: Moment,
    ) {
        let limits = self.limits_at(door);
        let (messages, octets) = (limits.message_rate.map(Pace), limits.byte_rate.map(Pace));
        if messages.is_none() && octets.is_none() {
            return;
        }
        let sent = self
            .connections
            .get(key.0 as usize)
            .map_or(0, |connection| connection.counters.messages_in().saturating_sub(before));
        let paid = self.throttle.paid(key);
        let by_messages = messages.map_or(0, |pace| pace.spend(paid, sent, now));
        let by_bytes = octets.map_or(0, |pace| pace.spend(paid, bytes as u64, now));
        let until = by_messages.max(by_bytes);
        self.throttle.set(key, until);
        if wait(until, now) > 0 {
            self.common.meter.count(Event::ClientPaused);
        }
    }

    /// When a connection may be read again, if it is over its rate.
    pub(crate) fn throttled(&self, key: ConnectionKey, now: Moment) -> Option<Moment> {
        let wait = wait(self.throttle.paid(key), now);
        (wait > 0).then(|| now.saturating_add(std::time::Duration::from_micros(wait)))
    }

    /// How much to read from a connection at once: nothing while its password is being checked.
    pub(crate) fn read_bytes_max(&self, key: ConnectionKey) -> usize {
        let connection = self.connections.get(key.0 as usize);
        if connection.is_some_and(|connection| connection.phase == Phase::Claiming) {
            return 0;
        }
        let door = connection.map_or(NO_DOOR, |connection| connection.door);
        self.limits_at(door).read_bytes_max()
    }

    /// Whether too many connections of a listener have not sent their CONNECT.
    pub(crate) fn is_crowded(&self, door: usize) -> bool {
        self.doors.get(door).is_some_and(|door| {
            let most = door.terms.limits.unfinished_max / u32::from(self.shards);
            door.greetings.unfinished() >= most.max(1) as usize
        })
    }

    /// Closes the oldest connection of a listener whose CONNECT is still to come. Says whether there
    /// was one.
    pub(crate) fn evict(&mut self, door: usize, now: Now) -> bool {
        let connections = &self.connections;
        let greets = |key: ConnectionKey, opened| {
            connections
                .get(key.0 as usize)
                .is_some_and(|connection| connection.opened == opened && connection.greets())
        };
        let Some(door) = self.doors.get_mut(door) else { return false };
        door.greetings.tidy(greets);
        let Some(oldest) = door.greetings.oldest(greets) else { return false };
        self.common.meter.count(Event::UnfinishedClosed);
        self.lost(oldest, now);
        true
    }

    /// The listener with most of those.
    pub(crate) fn most_unfinished(&self) -> usize {
        let by_number = self.doors.iter().map(|door| door.greetings.unfinished()).enumerate();
        by_number.max_by_key(|(_, unfinished)| *unfinished).map_or(0, |(number, _)| number)
    }

    /// The CONNECT of a connection has come, or will not.
    pub(super) fn greeted(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get(key.0 as usize) else { return };
        if connection.greets()
            && let Some(door) = self.doors.get_mut(usize::from(connection.door))
        {
            door.greetings.finished();
        }
    }

    pub(crate) fn peer(&self, key: ConnectionKey) -> SocketAddr {
        self.connections.get(key.0 as usize).map_or(THIS_MACHINE, |connection| connection.peer)
    }
}
