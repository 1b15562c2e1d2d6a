//! The retained messages that a new subscription is sent.
//!
//! There may be a million of them, and a client takes some at a time. So they are not queued: a run
//! through them remembers how far it has come, and goes on when its client has taken what was sent.
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
pub(super) struct RetainedRun {
    filter: TopicFilter,
    grant: Grant,
    /// The last topic that was sent.
    after: Option<TopicBuf>,
}

impl Shard {
    //= mqtt-v5 MQTT-3.3.1-9, MQTT-3.3.2-5, MQTT-3.3.2-6
    //= mqtt-v311 MQTT-3.3.1-6, MQTT-3.3.1-8
    pub(super) fn send_retained(&mut self, filter: TopicFilter, grant: Grant) {
        let session = grant.session;
        //= mqtt-v5 MQTT-4.7.2-1
        //= mqtt-v311 MQTT-4.7.2-1
        if sys::asks_for_own(&filter) {
            let own = self.sys_matching(&filter);
            own.iter().for_each(|publication| self.send_one_retained(publication, &grant));
            return;
        }
        self.stop_retained(session, &filter);
        let after = None;
        self.retained_runs.entry(session).or_default().push_back(RetainedRun {
            filter,
            grant,
            after,
        });
        self.go_on_retained(session);
    }

    /// The subscription is no more, or a new one of the same filter begins again.
    pub(super) fn stop_retained(&mut self, session: SessionKey, filter: &TopicFilter) {
        if let Some(runs) = self.retained_runs.get_mut(&session) {
            runs.retain(|run| run.filter != *filter);
        }
    }

    /// Goes on where a client had taken no more.
    pub(super) fn go_on_retained(&mut self, session: SessionKey) {
        // Not to be entered twice: what is sent may lead here again.
        let Some(mut runs) = self.retained_runs.remove(&session) else { return };
        while let Some(run) = runs.front_mut() {
            if !self.run_retained(run) {
                self.retained_runs.insert(session, runs);
                return;
            }
            runs.pop_front();
        }
    }

    /// Says whether it came to its end.
    fn run_retained(&mut self, run: &mut RetainedRun) -> bool {
        // Nothing is looked up for a client that takes nothing.
        while self.takes_retained(run.grant.session) {
            let (filter, after) = (&run.filter, run.after.as_ref());
            let kept = self.common.retained.matching(filter, after, BATCH);
            let ends = kept.len() < BATCH;
            for publication in kept {
                if !self.takes_retained(run.grant.session) {
                    return false;
                }
                run.after = Some(publication.topic.clone());
                self.send_one_retained(&publication, &run.grant);
            }
            if ends {
                return true;
            }
        }
        false
    }

    fn takes_retained(&self, session: SessionKey) -> bool {
        let Some(session) = self.sessions.get(session) else { return false };
        let takes = |key| self.output_len(key) <= self.output_room();
        session.queue.len() < WAITING_MAX && session.connection.is_some_and(takes)
    }

    fn send_one_retained(&mut self, publication: &Arc<Publication>, grant: &Grant) {
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

    /// Of sessions that have ended.
    pub(super) fn forget_retained_runs(&mut self) {
        let sessions = &self.sessions;
        self.retained_runs.retain(|session, _| sessions.get(*session).is_some());
    }
}
