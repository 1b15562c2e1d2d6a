//! Messages for shared groups whose chosen member is no more: another member gets them.
//!
//! What was on its way at QoS 1, or had not been begun, moves on when the session ends (MQTT 5,
//! 4.8.2). A QoS 2 message that was begun does not: nobody knows whether the client took it.

use std::sync::Arc;

use hub::{Ended, Publication, Queued, Route, SessionKey};
use model::{Event, Position, Qos, TopicFilter};

use super::kept::Kept;
use super::outbound::{AtHand, Origin};
use super::{Remote, Shard};

/// Those of one session.
#[derive(Debug)]
pub(super) struct Orphans {
    session: SessionKey,
    /// Of the groups that it was a member of.
    filters: Vec<TopicFilter>,
    messages: Vec<Queued>,
    /// They are being read from the journal.
    fetching: bool,
}

impl Orphans {
    fn of(ended: Ended<Kept>) -> Self {
        let Ended { session, filters, mut queue, mut protocol } = ended;
        let begun = protocol.take_sent().filter(|queued| queued.qos == Qos::AtLeastOnce);
        let waiting = std::iter::from_fn(|| queue.pop());
        let messages = begun.chain(waiting).filter(|queued| queued.shared).collect();
        Self { session, filters, messages, fetching: false }
    }

    pub(super) fn place(&mut self, token: u64, position: Position) {
        if let Some(found) = self.messages.iter_mut().find(|queued| queued.token == token) {
            found.position = Some(position);
        }
    }

    /// What of them has to be read again.
    fn missing(&self) -> Vec<(u64, Position)> {
        let missing = self.messages.iter().filter(|queued| queued.body.is_none());
        missing.filter_map(|queued| Some((queued.token, queued.position?))).collect()
    }
}

impl Shard {
    /// Finds new members for the messages of sessions that ended. To be called when the journal has
    /// taken the records of a turn: every message has its position then.
    pub(super) fn pass_on(&mut self) {
        self.adopt_orphans();
        if self.orphans.is_empty() || !self.unplaced.is_empty() {
            return;
        }
        for mut orphans in std::mem::take(&mut self.orphans) {
            let (here, there): (Vec<_>, Vec<_>) =
                orphans.messages.drain(..).partition(|queued| queued.body.is_some());
            for queued in here {
                self.pass_on_one(&orphans.filters, &queued);
            }
            orphans.messages = there;
            let messages = orphans.missing();
            if messages.is_empty() {
                self.common.meter.add(Event::MessageDropped, orphans.messages.len() as u64);
                continue;
            }
            if !std::mem::replace(&mut orphans.fetching, true) {
                self.wants.push(super::Want { session: orphans.session, messages });
            }
            self.orphans.push(orphans);
        }
    }

    fn adopt_orphans(&mut self) {
        let ended = self.sessions.take_ended().into_iter().map(Orphans::of);
        self.orphans.extend(ended.filter(|orphans| !orphans.messages.is_empty()));
    }

    fn pass_on_one(&mut self, filters: &[TopicFilter], queued: &Queued) {
        let Some(body) = &queued.body else { return };
        let of_topic = filters.iter().find(|filter| filter.matches(body.topic()));
        let members = of_topic.map(|filter| self.common.subscriptions.members(filter));
        let Some(route) = self.next_member(members.unwrap_or_default()) else {
            return self.common.meter.count(Event::MessageDropped);
        };
        let position = queued.position.filter(|_| queued.is_recorded());
        if route.session.shard == self.index {
            let origin = position.map_or(Origin::Retained, Origin::At);
            self.frames.begin();
            let mut message = AtHand::of_publication(body, origin, None);
            self.deliver(&mut message, &route);
        } else if let Some(position) = position {
            let publication = Arc::clone(body);
            let home = route.session.shard;
            self.remote.push(Remote { home, position, publication, routes: vec![route] });
        }
    }

    /// One after the other, those first who are there.
    fn next_member(&mut self, mut members: Vec<Route>) -> Option<Route> {
        let absent = |route: &Route| {
            let session = self.sessions.get(route.session);
            session.is_some_and(|session| session.connection.is_none())
        };
        if members.iter().any(|route| !absent(route)) {
            members.retain(|route| !absent(route));
        }
        self.turn = self.turn.wrapping_add(1);
        let at = self.turn.checked_rem(members.len())?;
        members.into_iter().nth(at)
    }

    /// Messages of a session that has ended were read again.
    pub(super) fn fetched_orphans(
        &mut self,
        session: SessionKey,
        found: Vec<(u64, Option<Arc<Publication>>)>,
    ) {
        let of = |orphans: &&mut Orphans| orphans.session == session;
        let Some(orphans) = self.orphans.iter_mut().find(of) else { return };
        orphans.fetching = false;
        for (token, body) in found {
            let Some(at) = orphans.messages.iter().position(|queued| queued.token == token) else {
                continue;
            };
            match (body, orphans.messages.get_mut(at)) {
                (Some(body), Some(queued)) => queued.body = Some(body),
                _ => {
                    // The journal does not hold it any more.
                    orphans.messages.remove(at);
                    self.common.meter.count(Event::MessageDropped);
                }
            }
        }
    }

    pub(super) fn place_orphan(&mut self, session: SessionKey, token: u64, position: Position) {
        self.adopt_orphans();
        if let Some(orphans) = self.orphans.iter_mut().find(|orphans| orphans.session == session) {
            orphans.place(token, position);
        }
    }
}
