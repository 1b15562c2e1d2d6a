//! What the journal says of the sessions that outlive their connections: which there are, what they
//! subscribed to, and which messages they are still owed.
//!
//! The shards hold the same sessions alive; nobody reads this while the site runs. It is what a
//! restart begins with: a pure function of the journal's records, applied in their order, so that it
//! can be kept as of any position and goes on from there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use model::session::{EXPIRY_NEVER, Options};
use model::{Message, Position, Qos, SessionEvent, SessionRecord, Timestamp, TopicFilter};
use smallvec::SmallVec;

use crate::queue::QUEUE_MESSAGES_MAX;
use crate::{Grant, Routes, SessionKey, Subscriptions};

mod records;

/// A message that a session is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    pub position: Position,
    pub qos: Qos,
    pub retain: bool,
    pub identifiers: SmallVec<[u32; 1]>,
    /// QoS 2: under this packet id.
    pub packet_id: Option<u16>,
    /// QoS 2: the client has it, and the handshake is not over.
    pub received: bool,
}

/// A will that is to be published if its client does not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedWill {
    pub delay: u32,
    /// In record form.
    pub message: Box<[u8]>,
}

/// One session as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    pub client: Arc<str>,
    /// Seconds it outlives its connection.
    pub expiry: u32,
    /// When the client went; `None` if it was connected.
    pub closed_at: Option<Timestamp>,
    pub filters: BTreeMap<TopicFilter, Options>,
    /// Oldest first.
    pub owed: VecDeque<Owed>,
    /// QoS 2 ids of the client that it has not released.
    pub held: BTreeSet<u16>,
    pub will: Option<BookedWill>,
}

/// All sessions as the journal has them.
#[derive(Debug)]
pub struct Book {
    sessions: BTreeMap<Arc<str>, Entry>,
    clients: BTreeMap<SessionKey, Arc<str>>,
    subscriptions: Arc<Subscriptions>,
    routes: Routes,
    numbers: u32,
}

#[derive(Debug)]
struct Entry {
    key: SessionKey,
    booked: Booked,
}

impl Default for Book {
    fn default() -> Self {
        let subscriptions = Arc::new(Subscriptions::default());
        Self {
            sessions: BTreeMap::new(),
            clients: BTreeMap::new(),
            routes: Routes::new(Arc::clone(&subscriptions)),
            subscriptions,
            numbers: 0,
        }
    }
}

impl Book {
    /// Books a message for every session that hears it above QoS 0.
    pub fn message(&mut self, position: Position, message: &Message<'_>) {
        if message.qos == Qos::AtMostOnce || self.sessions.is_empty() {
            return;
        }
        let matches = self.routes.of(message.topic);
        for route in &matches.routes {
            let Some(entry) = Self::entry_of(&self.clients, &mut self.sessions, route.session)
            else {
                continue;
            };
            let own = *entry.booked.client == *message.client;
            let Some(route) = route.hears(own) else { continue };
            let qos = message.qos.min(route.qos);
            if qos == Qos::AtMostOnce {
                continue;
            }
            entry.booked.owe(Owed {
                position,
                qos,
                retain: message.retain && route.retain_as_published,
                identifiers: route.identifiers.clone(),
                packet_id: None,
                received: false,
            });
        }
    }

    /// Takes in what happened to a session.
    pub fn apply(&mut self, record: &SessionRecord<'_>) {
        if let SessionEvent::Opened { expiry } = record.event {
            self.end(record.client);
            self.open(record.client, expiry);
        } else if record.event == SessionEvent::Ended {
            self.end(record.client);
        } else if let Some(entry) = self.sessions.get_mut(record.client) {
            entry.apply(&record.event, record.at, &self.subscriptions);
        }
    }

    /// Forgets the sessions whose time was over by `now`.
    pub fn expire(&mut self, now: Timestamp) {
        let over = |entry: &&Entry| entry.booked.expires_at().is_some_and(|at| at <= now);
        let ended =
            self.sessions.values().filter(over).map(|entry| Arc::clone(&entry.booked.client));
        for client in ended.collect::<Vec<_>>() {
            self.end(&client);
        }
    }

    /// All sessions, in the order of their clients' ids.
    pub fn sessions(&self) -> impl Iterator<Item = &Booked> {
        self.sessions.values().map(|entry| &entry.booked)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    fn open(&mut self, client: &str, expiry: u32) {
        self.numbers = self.numbers.wrapping_add(1);
        let key = SessionKey { shard: 0, slot: self.numbers, generation: 0 };
        let client: Arc<str> = client.into();
        self.clients.insert(key, Arc::clone(&client));
        let booked = Booked::new(Arc::clone(&client), expiry);
        self.sessions.insert(client, Entry { key, booked });
    }

    fn end(&mut self, client: &str) {
        let Some(entry) = self.sessions.remove(client) else { return };
        self.clients.remove(&entry.key);
        for filter in entry.booked.filters.keys() {
            self.subscriptions.unsubscribe(filter, entry.key);
        }
    }

    fn entry_of<'a>(
        clients: &BTreeMap<SessionKey, Arc<str>>,
        sessions: &'a mut BTreeMap<Arc<str>, Entry>,
        key: SessionKey,
    ) -> Option<&'a mut Entry> {
        sessions.get_mut(clients.get(&key)?)
    }
}

impl Entry {
    fn apply(&mut self, event: &SessionEvent<'_>, at: Timestamp, subscriptions: &Subscriptions) {
        let booked = &mut self.booked;
        match *event {
            SessionEvent::Opened { .. } | SessionEvent::Ended => {}
            SessionEvent::Resumed { expiry } => {
                booked.expiry = expiry;
                booked.closed_at = None;
                booked.will = None;
            }
            SessionEvent::Closed { expiry } => {
                booked.expiry = expiry;
                booked.closed_at = Some(at);
            }
            SessionEvent::Subscribed { filter, options } => {
                self.subscribe(filter, options, subscriptions);
            }
            SessionEvent::Unsubscribed { filter } => self.unsubscribe(filter, subscriptions),
            SessionEvent::Queued { position, qos, retain, identifiers } => {
                let identifiers = identifiers.iter().collect();
                let (packet_id, received) = (None, false);
                booked.owe(Owed { position, qos, retain, identifiers, packet_id, received });
            }
            SessionEvent::Sent { position, packet_id } => booked.sent(position, packet_id),
            SessionEvent::Received { packet_id } => booked.received(packet_id),
            SessionEvent::Completed { packet_id } => {
                booked.owed.retain(|owed| owed.packet_id != Some(packet_id));
            }
            SessionEvent::Delivered { positions } => {
                positions.iter().for_each(|position| booked.delivered(position));
            }
            SessionEvent::Held { packet_id } => drop(booked.held.insert(packet_id)),
            SessionEvent::Released { packet_id } => drop(booked.held.remove(&packet_id)),
            SessionEvent::Will { delay, message } => {
                let mut record = Vec::new();
                model::record::encode_message(&message, &mut record);
                booked.will = Some(BookedWill { delay, message: record.into() });
            }
            SessionEvent::WillGone => booked.will = None,
        }
    }

    /// Shared filters are remembered, but their messages are told by `Queued`.
    fn subscribe(&mut self, filter: &str, options: Options, subscriptions: &Subscriptions) {
        let Ok(filter) = TopicFilter::parse(filter) else { return };
        if filter.group().is_none() {
            // The shards had room for it, and a book holds no more than they do.
            let taken = subscriptions.subscribe(&filter, Grant::of(self.key, options));
            assert!(taken.is_ok(), "the journal holds more subscriptions than a site may have");
        }
        self.booked.filters.insert(filter, options);
    }

    fn unsubscribe(&mut self, filter: &str, subscriptions: &Subscriptions) {
        let Ok(filter) = TopicFilter::parse(filter) else { return };
        subscriptions.unsubscribe(&filter, self.key);
        self.booked.filters.remove(&filter);
    }
}

impl Booked {
    fn new(client: Arc<str>, expiry: u32) -> Self {
        Self {
            client,
            expiry,
            closed_at: None,
            filters: BTreeMap::new(),
            owed: VecDeque::new(),
            held: BTreeSet::new(),
            will: None,
        }
    }

    /// When it ends, if the client is away and it ends at all.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let expiry = Some(self.expiry).filter(|expiry| *expiry != EXPIRY_NEVER)?;
        Some(self.closed_at?.saturating_add(std::time::Duration::from_secs(expiry.into())))
    }

    /// At the limit the newest is refused, as the live queue does.
    fn owe(&mut self, owed: Owed) {
        if self.owed.len() < QUEUE_MESSAGES_MAX {
            self.owed.push_back(owed);
        }
    }

    /// Of a retained message only the id is known, which must not name another message meanwhile.
    fn sent(&mut self, position: Position, packet_id: u16) {
        if position == Position::ZERO {
            let (qos, packet_id) = (Qos::ExactlyOnce, Some(packet_id));
            let (retain, received, identifiers) = (true, false, SmallVec::new());
            return self.owe(Owed { position, qos, retain, identifiers, packet_id, received });
        }
        let unsent = |owed: &&mut Owed| owed.position == position && owed.packet_id.is_none();
        if let Some(owed) = self.owed.iter_mut().find(unsent) {
            owed.packet_id = Some(packet_id);
        }
    }

    fn received(&mut self, packet_id: u16) {
        let of = |owed: &&mut Owed| owed.packet_id == Some(packet_id);
        if let Some(owed) = self.owed.iter_mut().find(of) {
            owed.received = true;
        }
    }

    /// The oldest is the one as a rule, so the search ends at once.
    fn delivered(&mut self, position: Position) {
        if let Some(at) = self.owed.iter().position(|owed| owed.position == position) {
            self.owed.remove(at);
        }
    }
}

#[cfg(test)]
mod tests;
