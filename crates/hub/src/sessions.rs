//! The sessions of one shard: who is connected, who may come back, and what waits for them.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use model::{Moment, TopicFilter};
use slab::Slab;

use crate::{Queue, Subscriptions};

/// Sessions of one shard, connected or not: 1,000,000 of about 400 bytes are 400 MB.
const SESSIONS_MAX: usize = 1_000_000;

/// The connection of a session, as its shard numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionKey(pub u32);

/// A session, anywhere on the site. The generation tells a slot's later tenant from an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    pub shard: u16,
    pub slot: u32,
    pub generation: u32,
}

/// The shard on which a client lives. FNV-1a: the same on every start, so that nothing that is
/// kept by shard has to move.
#[must_use]
pub fn home_shard(client: &str, shards: u16) -> u16 {
    let hash = client.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    u16::try_from((hash >> 16) % u64::from(shards.max(1))).unwrap_or_default()
}

/// One session. `P` is what the protocol core keeps between two connections of a client.
#[derive(Debug)]
#[expect(clippy::partial_pub_fields, reason = "the shard works on some, the table guards the rest")]
pub struct Session<P> {
    client: Arc<str>,
    generation: u32,
    /// `None` while the client is away.
    pub connection: Option<ConnectionKey>,
    pub protocol: P,
    pub queue: Queue,
    filters: Vec<TopicFilter>,
    /// Set while the client is away: when the session ends.
    expires_at: Option<Moment>,
}

/// What a session leaves behind that was a member of shared groups.
#[derive(Debug)]
pub struct Ended<P> {
    pub session: SessionKey,
    /// Those of the groups.
    pub filters: Vec<TopicFilter>,
    pub queue: Queue,
    pub protocol: P,
}

/// What opening a session found.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    pub key: SessionKey,
    /// State from an earlier connection is there.
    pub present: bool,
    /// A connection of the same client that has to be closed: it was taken over.
    pub displaced: Option<ConnectionKey>,
}

/// The shard is at its limit of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionsFull;

#[derive(Debug)]
pub struct Sessions<P> {
    shard: u16,
    slots: Slab<Session<P>>,
    by_client: HashMap<Arc<str>, usize, foldhash::fast::RandomState>,
    generations: u32,
    /// Since they were last taken.
    ended: Vec<Ended<P>>,
}

impl<P: Default> Sessions<P> {
    #[must_use]
    pub fn new(shard: u16) -> Self {
        Self {
            shard,
            slots: Slab::new(),
            by_client: HashMap::default(),
            generations: 0,
            ended: Vec::new(),
        }
    }

    /// Connects `client` with its session, which is a fresh one when there was none or when
    /// `clean` asks for it.
    ///
    /// # Errors
    /// When a session would have to be made and the shard is at its limit.
    //= mqtt-v5 MQTT-3.1.2-4, MQTT-3.1.2-5, MQTT-3.1.2-6, MQTT-3.1.3-2, MQTT-3.1.4-4
    //= mqtt-v311 MQTT-3.1.2-4, MQTT-3.1.2-6, MQTT-3.1.3-2, MQTT-3.1.4-3
    pub fn open(
        &mut self,
        client: &str,
        clean: bool,
        connection: ConnectionKey,
        subscriptions: &Subscriptions,
    ) -> Result<Opened, SessionsFull> {
        let slot = self.by_client.get(client).copied();
        let displaced = slot.and_then(|slot| self.slots.get_mut(slot)?.connection.take());
        if let (true, Some(slot)) = (clean, slot) {
            self.remove_slot(slot, subscriptions);
        }
        let kept = slot.filter(|_| !clean).and_then(|slot| Some((slot, self.slots.get_mut(slot)?)));
        if let Some((slot, session)) = kept {
            session.connection = Some(connection);
            session.expires_at = None;
            let generation = session.generation;
            return Ok(Opened { key: self.key(slot, generation), present: true, displaced });
        }
        let key = self.insert(client, Some(connection))?;
        Ok(Opened { key, present: false, displaced })
    }

    //= mqtt-v5 MQTT-3.1.2-23, MQTT-4.1.0-1, MQTT-4.1.0-2
    //= mqtt-v311 MQTT-3.1.2-4, MQTT-4.1.0-1, MQTT-4.1.0-2
    /// The client is gone. Its session stays for `expiry`, or ends now when that is zero.
    pub fn close(
        &mut self,
        key: SessionKey,
        expiry: Duration,
        now: Moment,
        subscriptions: &Subscriptions,
    ) {
        let Some(session) = self.get_mut(key) else { return };
        session.connection = None;
        if expiry.is_zero() {
            self.remove_slot(key.slot as usize, subscriptions);
        } else {
            session.expires_at = Some(now.saturating_add(expiry));
        }
    }

    /// Takes up a session that an earlier process had. Its client is away until `expires_at`.
    ///
    /// # Errors
    /// When the shard is at its limit.
    pub fn restore(
        &mut self,
        client: &str,
        expires_at: Moment,
    ) -> Result<SessionKey, SessionsFull> {
        let key = self.insert(client, None)?;
        if let Some(session) = self.get_mut(key) {
            session.expires_at = Some(expires_at);
        }
        Ok(key)
    }

    /// Ends the session of a client that comes back too late, whenever `expire` was last called.
    /// Says whether it did.
    //= mqtt-v5 MQTT-4.1.0-2
    pub fn end_if_over(
        &mut self,
        client: &str,
        now: Moment,
        subscriptions: &Subscriptions,
    ) -> bool {
        let Some(slot) = self.by_client.get(client).copied() else { return false };
        let ends = self.slots.get(slot).and_then(|session| session.expires_at);
        let over = ends.is_some_and(|at| at <= now);
        over && self.remove_slot(slot, subscriptions).is_some()
    }

    /// Ends the sessions in some of the slots whose time is over; says whose they were.
    pub fn expire(
        &mut self,
        slots: Range<usize>,
        now: Moment,
        subscriptions: &Subscriptions,
    ) -> Vec<Arc<str>> {
        let over = |session: &Session<P>| session.expires_at.is_some_and(|at| at <= now);
        let ended: Vec<usize> =
            slots.filter(|slot| self.slots.get(*slot).is_some_and(over)).collect();
        ended.into_iter().filter_map(|slot| self.remove_slot(slot, subscriptions)).collect()
    }

    /// Ends the session of a client that is away, whatever was granted to it. Says whether there
    /// was one.
    pub fn end(&mut self, client: &str, subscriptions: &Subscriptions) -> bool {
        let Some(slot) = self.by_client.get(client).copied() else { return false };
        let away = self.slots.get(slot).is_some_and(|session| session.connection.is_none());
        away && self.remove_slot(slot, subscriptions).is_some()
    }

    /// Slots that sessions may be in, to be looked through a part at a time.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.capacity()
    }

    /// The sessions in some of the slots.
    pub fn within(&self, slots: Range<usize>) -> impl Iterator<Item = (SessionKey, &Session<P>)> {
        slots.filter_map(|slot| {
            let session = self.slots.get(slot)?;
            Some((self.key(slot, session.generation), session))
        })
    }

    pub fn all(&self) -> impl Iterator<Item = &Session<P>> {
        self.slots.iter().map(|(_, session)| session)
    }

    /// The session of a client, connected or not.
    #[must_use]
    pub fn of(&self, client: &str) -> Option<&Session<P>> {
        self.slots.get(*self.by_client.get(client)?)
    }

    /// The same with its key.
    #[must_use]
    pub fn find(&self, client: &str) -> Option<(SessionKey, &Session<P>)> {
        let slot = *self.by_client.get(client)?;
        let session = self.slots.get(slot)?;
        Some((self.key(slot, session.generation), session))
    }

    #[must_use]
    pub fn get(&self, key: SessionKey) -> Option<&Session<P>> {
        self.slots.get(key.slot as usize).filter(|found| found.generation == key.generation)
    }

    /// `None` when that session has ended, even if its slot has a new tenant.
    pub fn get_mut(&mut self, key: SessionKey) -> Option<&mut Session<P>> {
        self.slots.get_mut(key.slot as usize).filter(|found| found.generation == key.generation)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    fn insert(
        &mut self,
        client: &str,
        connection: Option<ConnectionKey>,
    ) -> Result<SessionKey, SessionsFull> {
        if self.slots.len() >= SESSIONS_MAX {
            return Err(SessionsFull);
        }
        self.generations = self.generations.wrapping_add(1);
        let generation = self.generations;
        let client: Arc<str> = client.into();
        let slot = self.slots.insert(Session {
            client: Arc::clone(&client),
            generation,
            connection,
            protocol: P::default(),
            queue: Queue::default(),
            filters: Vec::new(),
            expires_at: None,
        });
        self.by_client.insert(client, slot);
        Ok(self.key(slot, generation))
    }

    fn remove_slot(&mut self, slot: usize, subscriptions: &Subscriptions) -> Option<Arc<str>> {
        let session = self.slots.try_remove(slot)?;
        let key = self.key(slot, session.generation);
        for filter in &session.filters {
            subscriptions.unsubscribe(filter, key);
        }
        if self.by_client.get(&session.client) == Some(&slot) {
            self.by_client.remove(&session.client);
        }
        let mut filters = session.filters;
        filters.retain(|filter| filter.group().is_some());
        if !filters.is_empty() {
            let (queue, protocol) = (session.queue, session.protocol);
            self.ended.push(Ended { session: key, filters, queue, protocol });
        }
        Some(session.client)
    }

    /// What sessions left behind that were members of shared groups.
    pub fn take_ended(&mut self) -> Vec<Ended<P>> {
        std::mem::take(&mut self.ended)
    }

    fn key(&self, slot: usize, generation: u32) -> SessionKey {
        let slot = u32::try_from(slot).unwrap_or(u32::MAX);
        SessionKey { shard: self.shard, slot, generation }
    }
}

impl<P> Session<P> {
    #[must_use]
    pub fn client(&self) -> &Arc<str> {
        &self.client
    }

    /// Remembers a filter, so that it is taken out of the tree when the session ends.
    pub fn remember(&mut self, filter: TopicFilter) {
        if !self.filters.contains(&filter) {
            // Most clients have one or two.
            if self.filters.len() < 4 {
                self.filters.reserve_exact(1);
            }
            self.filters.push(filter);
        }
    }

    pub fn forget(&mut self, filter: &TopicFilter) {
        self.filters.retain(|known| known != filter);
    }

    /// While the client is away: when the session ends.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Moment> {
        self.expires_at
    }

    #[must_use]
    pub fn filters(&self) -> &[TopicFilter] {
        &self.filters
    }
}

#[cfg(test)]
mod tests;
