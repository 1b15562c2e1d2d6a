//! What an operator does to a client.

use std::sync::Arc;

use model::census::Fate;
use model::{Event, SessionEvent};
use mqtt::Reason;

use super::Shard;
use super::diary::Waiting;
use crate::clock::Now;

impl Shard {
    /// Closes the connection of a client, if it has one, and ends its session if that is asked for.
    /// Its will is published: it did not say goodbye. Says whether there is such a client.
    //= mqtt-v5 MQTT-3.14.2-1
    pub(super) fn close_client(&mut self, client: &str, fate: Fate, now: Now) -> bool {
        let Some((key, session)) = self.sessions.find(client) else { return false };
        let booked = session.protocol.booked;
        if let Some(connection_key) = session.connection
            && let Some(connection) = self.connections.get_mut(connection_key.0 as usize)
        {
            let out = connection.output.buffer();
            connection.session.close(Reason::AdministrativeAction, out);
            self.end(connection_key, now);
            self.common.meter.count(Event::ClientClosed);
        }
        // A session that was not to outlive its connection has ended with it.
        if fate == Fate::Ended && self.sessions.get(key).is_some() {
            let subscriptions = Arc::clone(&self.common.subscriptions);
            if self.sessions.end(client, &subscriptions) && booked {
                self.note_of(client, SessionEvent::Ended, Waiting::Nobody);
            }
            //= mqtt-v5 MQTT-3.1.2-8
            self.settle_wills(false, client, now);
        }
        true
    }
}
