//! A book as the shortest list of records that makes it: what a snapshot keeps.

use model::record::Record;
use model::session::Identifiers;
use model::{Position, SessionEvent, SessionRecord, Timestamp};

use super::{Book, Booked, Owed};

impl Book {
    /// Calls `take` with each record. Applied to an empty book, they make this one.
    pub fn records(&self, mut take: impl FnMut(&SessionRecord<'_>)) {
        for booked in self.sessions() {
            booked.records(&mut take);
        }
    }
}

impl Booked {
    fn records(&self, take: &mut impl FnMut(&SessionRecord<'_>)) {
        let at = self.closed_at.unwrap_or(Timestamp::from_micros(0));
        let client = &*self.client;
        let mut tell = |event: SessionEvent<'_>| take(&SessionRecord { at, client, event });
        tell(SessionEvent::Opened { expiry: self.expiry });
        for (filter, options) in &self.filters {
            tell(SessionEvent::Subscribed { filter: &filter.to_string(), options: *options });
        }
        for owed in &self.owed {
            owed.records(&mut tell);
        }
        for packet_id in &self.held {
            tell(SessionEvent::Held { packet_id: *packet_id });
        }
        if let Some(will) = &self.will
            && let Ok(Record::Message(message)) = Record::decode(&will.message)
        {
            tell(SessionEvent::Will { delay: will.delay, message });
        }
        if self.closed_at.is_some() {
            tell(SessionEvent::Closed { expiry: self.expiry });
        }
    }
}

impl Owed {
    fn records(&self, tell: &mut impl FnMut(SessionEvent<'_>)) {
        let identifiers: Vec<[u8; 4]> =
            self.identifiers.iter().map(|id| Identifiers::bytes_of(*id)).collect();
        let (position, qos, retain) = (self.position, self.qos, self.retain);
        let identifiers = Identifiers::new(&identifiers);
        if position > Position::ZERO {
            tell(SessionEvent::Queued { position, qos, retain, identifiers });
        }
        if let Some(packet_id) = self.packet_id {
            tell(SessionEvent::Sent { position, packet_id });
            if self.received {
                tell(SessionEvent::Received { packet_id });
            }
        }
    }
}
