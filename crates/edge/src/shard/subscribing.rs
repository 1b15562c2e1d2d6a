//! SUBSCRIBE and UNSUBSCRIBE. What a booked session subscribes to is written down before the client
//! hears that it is: from then on it is owed what matches, whatever happens to this process.

use hub::{ConnectionKey, Grant, SessionKey};
use model::{Qos, SessionEvent, TopicFilter};
use mqtt::{Reason, RetainHandling, Subscribe, Subscription, Unsubscribe};

use super::Shard;
use super::diary::{Told, Waiting};
use crate::clock::Now;

impl Shard {
    //= mqtt-v5 MQTT-3.8.4-3, MQTT-3.8.4-4, MQTT-3.8.4-7
    //= mqtt-v311 MQTT-3.8.4-3, MQTT-3.8.4-4, MQTT-3.8.4-5
    pub(super) fn subscribe(
        &mut self,
        key: ConnectionKey,
        session_key: SessionKey,
        subscribe: &Subscribe<'_>,
        now: Now,
    ) {
        let identifier = subscribe.subscription_id().map(std::num::NonZeroU32::get);
        let mut reasons = Vec::new();
        let mut retained = Vec::new();
        let mut noted = false;
        for subscription in subscribe.subscriptions() {
            let options = subscription.options;
            let grant = Grant {
                session: session_key,
                qos: options.qos,
                no_local: options.no_local,
                retain_as_published: options.retain_as_published,
                identifier,
            };
            match self.grant(key, &subscription, &grant) {
                Ok((filter, existed)) => {
                    reasons.push(granted(&grant));
                    noted |= self.note_subscribed(&filter, &grant);
                    if wants_retained(options.retain_handling, existed) && filter.group().is_none()
                    {
                        retained.push((filter, grant));
                    }
                }
                Err(reason) => reasons.push(reason),
            }
        }
        let packet_id = subscribe.packet_id();
        let told = Told::Subscribed { packet_id, reasons };
        self.answer((key, session_key), noted, told, now);
        // Not later than the answer, even if that waits: what is published from now on comes after.
        for (filter, grant) in retained {
            self.send_retained(filter, grant);
        }
    }

    /// Answers at once, or when what was noted last is committed.
    fn answer(
        &mut self,
        (key, session): (ConnectionKey, SessionKey),
        noted: bool,
        what: Told,
        now: Now,
    ) {
        let Waiting::Later(session, later) = self.later(key, session, what) else { return };
        match self.waiting.last_mut() {
            Some(last @ Waiting::Nobody) if noted => *last = Waiting::Later(session, later),
            _ => self.tell(session, later, now),
        }
    }

    fn note_subscribed(&mut self, filter: &TopicFilter, grant: &Grant) -> bool {
        if !self.is_booked(grant.session) {
            return false;
        }
        let filter = filter.to_string();
        let event = SessionEvent::Subscribed { filter: &filter, options: grant.options() };
        self.note(grant.session, event, Waiting::Nobody);
        true
    }

    fn grant(
        &mut self,
        key: ConnectionKey,
        subscription: &Subscription<'_>,
        grant: &Grant,
    ) -> Result<(TopicFilter, bool), Reason> {
        let filter =
            TopicFilter::parse(subscription.filter).map_err(|_fault| Reason::TopicFilterInvalid)?;
        let limits = *self.limits_of(key);
        let Some(session) = self.sessions.get_mut(grant.session) else {
            return Err(Reason::Unspecified);
        };
        if session.filters().len() >= limits.filters_max
            || subscription.filter.split('/').count() > limits.filter_levels_max
        {
            return Err(Reason::QuotaExceeded);
        }
        let existed = self
            .common
            .subscriptions
            .subscribe(&filter, grant.clone())
            .map_err(|_full| Reason::QuotaExceeded)?;
        session.remember(filter.clone());
        Ok((filter, existed))
    }

    //= mqtt-v5 MQTT-3.10.4-1, MQTT-3.10.4-2, MQTT-3.10.4-3, MQTT-3.10.4-5, MQTT-3.10.4-6
    //= mqtt-v311 MQTT-3.10.4-1, MQTT-3.10.4-2, MQTT-3.10.4-3, MQTT-3.10.4-5, MQTT-3.10.4-6
    pub(super) fn unsubscribe(
        &mut self,
        key: ConnectionKey,
        session_key: SessionKey,
        unsubscribe: &Unsubscribe<'_>,
        now: Now,
    ) {
        let mut reasons = Vec::new();
        let mut noted = false;
        for text in unsubscribe.filters() {
            let Ok(filter) = TopicFilter::parse(text) else {
                reasons.push(Reason::TopicFilterInvalid);
                continue;
            };
            let existed = self.common.subscriptions.unsubscribe(&filter, session_key);
            if let Some(session) = self.sessions.get_mut(session_key) {
                session.forget(&filter);
            }
            self.stop_retained(session_key, &filter);
            // Also of one that was not there: its answer shall not overtake one that waits.
            if self.is_booked(session_key) {
                let event = SessionEvent::Unsubscribed { filter: text };
                self.note(session_key, event, Waiting::Nobody);
                noted = true;
            }
            reasons.push(if existed { Reason::Success } else { Reason::NoSubscriptionExisted });
        }
        let packet_id = unsubscribe.packet_id();
        self.answer((key, session_key), noted, Told::Unsubscribed { packet_id, reasons }, now);
    }
}

fn granted(grant: &Grant) -> Reason {
    match grant.qos {
        Qos::AtMostOnce => Reason::Success,
        Qos::AtLeastOnce => Reason::GrantedQos1,
        Qos::ExactlyOnce => Reason::GrantedQos2,
    }
}

//= mqtt-v5 MQTT-3.3.1-9, MQTT-3.3.1-10, MQTT-3.3.1-11
fn wants_retained(handling: RetainHandling, existed: bool) -> bool {
    match handling {
        RetainHandling::Send => true,
        RetainHandling::SendIfNew => !existed,
        RetainHandling::DoNotSend => false,
    }
}
