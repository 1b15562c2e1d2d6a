//! What a subscription is greeted with: the retained messages of its topics.
//!
//! There may be a million of them, and a client takes some at a time. So they are not queued: a
//! greeting remembers how far it has come, and goes on when its client has taken what was sent.
//! What is retained meanwhile behind that place is in it, so that nothing old comes after it.

use std::sync::Arc;

use hub::{Grant, Publication, SessionKey};
use model::{TopicBuf, TopicFilter};

use super::expiry::Left;
use super::outbound::{AtHand, Origin};
use super::{Shard, sys};

/// Looked up at once.
const BATCH: usize = 64;

/// Of QoS 1 and 2: so many wait beside those that are under way.
const WAITING_MAX: usize = 256;

/// One that has not come to its end.
#[derive(Debug)]
pub(super) struct Greeting {
    filter: TopicFilter,
    grant: Grant,
    /// The last topic that was sent.
    after: Option<TopicBuf>,
}

impl Shard {
    //= mqtt-v5 MQTT-3.3.1-9, MQTT-3.3.2-5, MQTT-3.3.2-6
    //= mqtt-v311 MQTT-3.3.1-6, MQTT-3.3.1-8
    pub(super) fn greet(&mut self, filter: TopicFilter, grant: Grant) {
        let session = grant.session;
        //= mqtt-v5 MQTT-4.7.2-1
        //= mqtt-v311 MQTT-4.7.2-1
        if sys::asks_for_own(&filter) {
            let own = self.sys_matching(&filter);
            own.iter().for_each(|publication| self.greet_with(publication, &grant));
            return;
        }
        self.greet_no_more(session, &filter);
        let after = None;
        self.greeting.entry(session).or_default().push_back(Greeting { filter, grant, after });
        self.greet_on(session);
    }

    /// The subscription is no more, or a new one of the same filter begins again.
    pub(super) fn greet_no_more(&mut self, session: SessionKey, filter: &TopicFilter) {
        if let Some(greetings) = self.greeting.get_mut(&session) {
            greetings.retain(|greeting| greeting.filter != *filter);
        }
    }

    /// Goes on where a client had taken no more.
    pub(super) fn greet_on(&mut self, session: SessionKey) {
        // Not to be entered twice: what is sent may lead here again.
        let Some(mut greetings) = self.greeting.remove(&session) else { return };
        while let Some(greeting) = greetings.front_mut() {
            if !self.greet_some(greeting) {
                self.greeting.insert(session, greetings);
                return;
            }
            greetings.pop_front();
        }
    }

    /// Says whether it came to its end.
    fn greet_some(&mut self, greeting: &mut Greeting) -> bool {
        loop {
            let (filter, after) = (&greeting.filter, greeting.after.as_ref());
            let kept = self.common.retained.matching(filter, after, BATCH);
            let ends = kept.len() < BATCH;
            for publication in kept {
                if !self.takes_greeting(greeting.grant.session) {
                    return false;
                }
                greeting.after = Some(publication.topic.clone());
                self.greet_with(&publication, &greeting.grant);
            }
            if ends {
                return true;
            }
        }
    }

    fn takes_greeting(&self, session: SessionKey) -> bool {
        let Some(session) = self.sessions.get(session) else { return false };
        let takes = |key| self.output_len(key) <= self.output_room();
        session.queue.len() < WAITING_MAX && session.connection.is_some_and(takes)
    }

    fn greet_with(&mut self, publication: &Arc<Publication>, grant: &Grant) {
        let left = Left::of(publication, self.now);
        if left == Left::Nothing {
            return;
        }
        self.frames.begin();
        let mut message = AtHand::of_publication(publication, Origin::Retained, left.seconds());
        let route = hub::Route {
            session: grant.session,
            qos: grant.qos,
            no_local: false,
            own: None,
            // What was retained is shown as such, whatever the subscription says.
            retain_as_published: true,
            shared: false,
            identifiers: grant.identifier.into_iter().collect(),
        };
        self.deliver(&mut message, &route);
    }

    /// Of sessions that have ended, nobody is greeted.
    pub(super) fn forget_greetings(&mut self) {
        let sessions = &self.sessions;
        self.greeting.retain(|session, _| sessions.get(*session).is_some());
    }
}
