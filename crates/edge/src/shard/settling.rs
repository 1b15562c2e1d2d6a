//! What a commit means for those who waited for it, and what is counted once a turn.

use model::{Committed, Event, Gauge, Settled};

use super::Shard;
use crate::clock::Now;

impl Shard {
    /// Acknowledges everything that `committed` covers.
    //= mqtt-v311 MQTT-4.6.0-2, MQTT-4.6.0-3
    pub fn settle(&mut self, committed: Committed, now: Now) {
        self.report();
        self.watch_backlog();
        self.pass_on();
        if self.later.oldest().is_some_and(|oldest| oldest <= committed.position()) {
            self.tell_all(committed, now);
        }
        if self.lane.oldest().is_none_or(|oldest| oldest > committed.position()) {
            return;
        }
        let mut acknowledged = 0;
        for settled in self.lane.settle(committed) {
            let (session_key, ticket) = settled.split();
            let Some(session) = self.sessions.get_mut(session_key) else { continue };
            let Some(key) = session.connection else {
                session.protocol.settled.push(ticket);
                continue;
            };
            let Some(connection) = self.connections.get_mut(key.0 as usize) else { continue };
            connection.session.acknowledge(ticket, connection.output.buffer());
            acknowledged += 1;
            if connection.mark_dirty() {
                self.dirty.push(key);
            }
        }
        self.lane.shrink();
        self.common.meter.add(Event::Acknowledged, acknowledged);
    }

    /// Adds the messages of this turn to what is counted.
    pub(super) fn report(&mut self) {
        for (event, count) in [
            (Event::PacketReceived, &mut self.packets_in),
            (Event::MessageReceived, &mut self.received),
            (Event::MessageSent, &mut self.sent),
            (Event::BytesReceived, &mut self.bytes_in),
            (Event::BytesSent, &mut self.bytes_out),
        ] {
            if *count > 0 {
                self.common.meter.add(event, std::mem::take(count));
            }
        }
        let now = (self.sessions.len() as u64, self.connected);
        let before = std::mem::replace(&mut self.told, now);
        self.common.meter.moved(Gauge::Sessions, before.0, now.0);
        self.common.meter.moved(Gauge::Connected, before.1, now.1);
    }

    /// Tells connections what waited for `committed`.
    fn tell_all(&mut self, committed: Committed, now: Now) {
        let due: Vec<_> = self.later.settle(committed).map(Settled::into_ticket).collect();
        for (session_key, later) in due {
            self.tell(session_key, later, now);
        }
        self.later.shrink();
    }
}
