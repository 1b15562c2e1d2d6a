//! Sessions of an earlier process, as the journal has them.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use hub::{Booked, Grant, Owed, Queued, Room, SessionKey, home_shard};
use model::record::Record;
use model::session::Options;
use model::{Event, Position, Qos, TopicFilter};
use mqtt::{Inflight, Step, StoredWill};

use super::Shard;
use super::wills::PendingWill;
use crate::clock::Now;

impl Shard {
    /// Takes up a session, if its client lives here. Its client is away, whatever it was.
    pub fn restore(&mut self, booked: &Booked, now: Now) {
        if home_shard(&booked.client, self.shards) != self.index {
            return;
        }
        let left = match booked.expires_at() {
            Some(at) => at.since(now.timestamp),
            None => Duration::from_secs(u64::from(booked.expiry)),
        };
        let ends = now.moment.saturating_add(left);
        let Ok(key) = self.sessions.restore(&booked.client, ends) else {
            self.common.meter.count(Event::ConnectionRefused);
            tracing::warn!("a session of an earlier run was not taken up: the shard is full");
            return;
        };
        for (filter, options) in &booked.filters {
            self.restore_filter(key, filter, *options);
        }
        self.restore_messages(key, booked);
        self.restore_will(booked, now);
    }

    fn restore_filter(&mut self, session: SessionKey, filter: &TopicFilter, options: Options) {
        let grant = Grant::of(session, options);
        let taken = self.common.subscriptions.subscribe(filter, grant);
        match self.sessions.get_mut(session).filter(|_| taken.is_ok()) {
            Some(session) => session.remember(filter.clone()),
            None => tracing::warn!("a subscription of an earlier run was not taken up"),
        }
    }

    /// What has a packet id is under way; the rest waits.
    fn restore_messages(&mut self, key: SessionKey, booked: &Booked) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        // The journal does not say of each message whether it was for a group.
        let shared = booked.filters.keys().all(|filter| filter.group().is_some());
        let kept = &mut session.protocol;
        kept.booked = true;
        let mut under_way = Vec::new();
        for owed in &booked.owed {
            let Some(packet_id) = owed.packet_id.and_then(NonZeroU16::new) else { continue };
            let token = kept.next_token();
            kept.keep(queued(owed, token, shared), Some(packet_id));
            // A retained message cannot be had again: its handshake is brought to its end.
            let received = owed.received || owed.position == Position::ZERO;
            if received {
                kept.received(token);
            }
            let step = match (owed.qos, received) {
                (Qos::ExactlyOnce, true) => Step::PubComp,
                (Qos::ExactlyOnce, false) => Step::PubRec,
                (Qos::AtLeastOnce | Qos::AtMostOnce, _) => Step::PubAck,
            };
            under_way.push((packet_id, step, token));
        }
        let held = booked.held.iter().copied().filter_map(NonZeroU16::new);
        kept.inflight = Inflight::restore(under_way, held);
        for owed in booked.owed.iter().filter(|owed| owed.packet_id.is_none()) {
            let token = session.protocol.next_token();
            if session.queue.push(queued(owed, token, shared), Room::ALL).is_err() {
                self.common.meter.count(Event::MessageDropped);
            }
        }
    }

    fn restore_will(&mut self, booked: &Booked, now: Now) {
        let Some(will) = &booked.will else { return };
        let Ok(Record::Message(message)) = Record::decode(&will.message) else { return };
        let waited = booked.closed_at.map_or(Duration::ZERO, |at| now.timestamp.since(at));
        let left = Duration::from_secs(u64::from(will.delay)).saturating_sub(waited);
        self.wait_for(PendingWill {
            due: now.moment.saturating_add(left),
            client: Arc::clone(&booked.client),
            will: Box::new(StoredWill {
                topic: message.topic.to_buf(),
                payload: message.payload.into(),
                qos: message.qos,
                retain: message.retain,
                delay: will.delay,
                properties: message.properties.into(),
            }),
            noted: true,
        });
    }
}

fn queued(owed: &Owed, token: u64, shared: bool) -> Queued {
    Queued {
        token,
        position: Some(owed.position),
        body: None,
        qos: owed.qos,
        retain: owed.retain,
        shared,
        identifiers: owed.identifiers.clone(),
    }
}
