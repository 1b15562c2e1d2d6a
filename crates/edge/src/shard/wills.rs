//! What a client leaves behind if it is lost.

use std::sync::Arc;

use hub::{ConnectionKey, SessionKey};
use model::{Message, Moment, SessionEvent, Timestamp};
use mqtt::StoredWill;

use super::Shard;
use super::diary::Waiting;
use crate::clock::Now;

/// Wills that wait for their delay to pass: 100,000 of about 300 bytes are 30 MB. More are
/// published at once.
const WILLS_MAX: usize = 100_000;

/// When a will is due that there is not.
pub(super) const NEVER: Moment = Moment::from_micros(u64::MAX);

/// A will whose client may still come back.
#[derive(Debug)]
pub(super) struct PendingWill {
    pub(super) due: Moment,
    pub(super) client: Arc<str>,
    pub(super) will: Box<StoredWill>,
    /// It is written down, as of a booked session.
    pub(super) noted: bool,
}

impl Shard {
    /// A will that is to be published even if this process does not live to see its client lost.
    pub(super) fn note_will(&mut self, key: ConnectionKey, session_key: SessionKey) {
        let connection = self.connections.get(key.0 as usize);
        let Some(will) = connection.and_then(|it| it.session.will()).cloned() else { return };
        let Some(client) = self.client_of(session_key) else { return };
        let message = message_of(&client, &will, self.now);
        self.note(session_key, SessionEvent::Will { delay: will.delay, message }, Waiting::Nobody);
    }

    /// Wills of a client that is back: void if its session goes on, due if a clean start ended it.
    //= mqtt-v5 MQTT-3.1.2-8, MQTT-3.1.3-9
    pub(super) fn settle_wills(&mut self, goes_on: bool, client: &str, now: Now) {
        if let Some(PendingWill { will, noted, .. }) = self.wills.remove(client)
            && !goes_on
        {
            self.publish_will(client, &will, noted, now);
        }
    }

    //= mqtt-v5 MQTT-3.1.2-8, MQTT-3.1.3-9
    pub(super) fn bequeath(&mut self, will: PendingWill, now: Now) {
        if will.due <= now.moment || self.wills.len() >= WILLS_MAX {
            return self.publish_will(&will.client, &will.will, will.noted, now);
        }
        self.wait_for(will);
    }

    pub(super) fn wait_for(&mut self, will: PendingWill) {
        self.next_will = self.next_will.min(will.due);
        self.wills.insert(Arc::clone(&will.client), will);
    }

    pub(super) fn publish_due_wills(&mut self, now: Now) {
        if self.wills.is_empty() || now.moment < self.next_will {
            return;
        }
        let is_due = |_: &Arc<str>, will: &mut PendingWill| will.due <= now.moment;
        let due: Vec<_> = self.wills.extract_if(.., is_due).map(|(_, will)| will).collect();
        let next = self.wills.values().map(|will| will.due).min();
        self.next_will = next.unwrap_or(NEVER);
        for will in due {
            self.publish_will(&will.client, &will.will, will.noted, now);
        }
    }

    pub(super) fn publish_will(&mut self, client: &str, will: &StoredWill, noted: bool, now: Now) {
        if noted {
            // In one frame with the message: it is published once.
            self.note_of(client, SessionEvent::WillGone, Waiting::Nobody);
        }
        if self.take_in(&message_of(client, will, now.timestamp), None, None).is_err() {
            tracing::warn!("a will was larger than a journal record may be");
        }
    }
}

fn message_of<'a>(client: &'a str, will: &'a StoredWill, at: Timestamp) -> Message<'a> {
    Message {
        received_at: at,
        client,
        credential: None,
        topic: will.topic.as_name(),
        payload: &will.payload,
        properties: &will.properties,
        qos: will.qos,
        //= mqtt-v5 MQTT-3.1.2-14, MQTT-3.1.2-15
        //= mqtt-v311 MQTT-3.1.2-16, MQTT-3.1.2-17
        retain: will.retain,
    }
}
