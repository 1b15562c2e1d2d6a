//! Answers to operators: who is connected and how each of them does.
//!
//! A shard looks through its sessions a part in every turn, so that no message waits for an answer,
//! and keeps the best rows only; the rows themselves are made when everything was seen. Whoever
//! asked waits elsewhere: the answer goes into a channel that has room for it, or nowhere.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use hub::{Session, SessionKey};
use model::Moment;
use model::census::{
    Client, Connection as Line, Detail, Expiry, FILTERS_MAX, Fate, Filter, Mark, PAGE_MAX, Page,
    Presence, Question, Totals, Unanswered, Version,
};
use model::trace::{Tracing, Wish};
use mqtt::session::EXPIRY_NEVER;

use super::Shard;
use super::connection::Connection;
use super::kept::Kept;
use crate::clock::Now;

/// Sessions that one turn looks at: about half a millisecond.
const SESSIONS_PER_TURN: usize = 4_096;

/// Inquiries at once, each with at most `PAGE_MAX` rows. More are not answered.
const INQUIRIES_MAX: usize = 64;

/// What an operator asks of a shard, and where the answer goes.
#[derive(Debug)]
pub(crate) enum Asked {
    Page(Question, SyncSender<Page>),
    Client(Box<str>, SyncSender<Option<Detail>>),
    /// Answered with whether there was such a client.
    Close(Box<str>, Fate, SyncSender<bool>),
    Trace(Wish, SyncSender<Result<Tracing, Unanswered>>),
}

/// A page that is being put together.
#[derive(Debug)]
pub(super) struct Inquiry {
    question: Question,
    answer: SyncSender<Page>,
    /// The next slot to look at.
    next: usize,
    matching: u64,
    totals: Totals,
    /// The best so far, the worst of them on top; never more than the limit.
    best: BinaryHeap<Rank>,
    more: bool,
    /// Where the address of a peer is written while it is searched.
    text: String,
}

/// Where a client stands in the order. The greatest comes last on a page.
#[derive(Debug, PartialEq, Eq)]
struct Rank {
    weight: u64,
    client: Arc<str>,
    session: SessionKey,
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        other.weight.cmp(&self.weight).then_with(|| self.client.cmp(&other.client))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Inquiry {
    fn new(mut question: Question, answer: SyncSender<Page>) -> Self {
        question.limit = question.limit.min(PAGE_MAX);
        Self {
            question,
            answer,
            next: 0,
            matching: 0,
            totals: Totals::default(),
            best: BinaryHeap::new(),
            more: false,
            text: String::new(),
        }
    }

    fn count(&mut self, session: &Session<Kept>, connection: Option<&Connection>, now: Moment) {
        let totals = &mut self.totals;
        totals.sessions += 1;
        totals.subscriptions += session.filters().len() as u64;
        totals.queued += session.queue.len() as u64;
        totals.in_flight += in_flight(session, connection);
        if let Some(connection) = connection {
            totals.connected += 1;
            totals.output_bytes += connection.output.len() as u64;
            totals.rate.add(connection.counters.rate(now));
        }
    }

    fn fits(&mut self, session: &Session<Kept>, connection: Option<&Connection>) -> bool {
        let present = match self.question.presence {
            Presence::Any => true,
            Presence::Connected => connection.is_some(),
            Presence::Away => connection.is_none(),
        };
        let search = self.question.search.as_bytes();
        present
            && (holds(session.client(), search)
                || connection.is_some_and(|connection| {
                    self.text.clear();
                    let written = write!(self.text, "{}", connection.peer);
                    debug_assert_eq!(written, Ok(()), "a String takes every text");
                    holds(&self.text, search)
                }))
    }

    fn rank(&mut self, rank: Rank) {
        let behind = |mark: &Mark| mark.is_before(rank.weight, &rank.client);
        if !self.question.after.as_ref().is_none_or(behind) {
            return;
        }
        self.best.push(rank);
        if self.best.len() > self.question.limit {
            self.best.pop();
            self.more = true;
        }
    }

    fn look_at(
        &mut self,
        (key, session): (SessionKey, &Session<Kept>),
        connection: Option<&Connection>,
        now: Moment,
    ) {
        self.count(session, connection, now);
        if !self.fits(session, connection) {
            return;
        }
        self.matching += 1;
        let rate = connection.map(|connection| connection.counters.rate(now)).unwrap_or_default();
        let output = connection.map_or(0, |connection| connection.output.len());
        let weight = self.question.order.weight_of(
            rate.received_millis + rate.sent_millis,
            session.queue.len() as u64,
            output as u64,
        );
        self.rank(Rank { weight, client: Arc::clone(session.client()), session: key });
    }
}

fn holds(text: &str, search: &[u8]) -> bool {
    search.is_empty()
        || text.as_bytes().windows(search.len()).any(|part| part.eq_ignore_ascii_case(search))
}

/// Of a client that is away, what its next connection begins with.
fn in_flight(session: &Session<Kept>, connection: Option<&Connection>) -> u64 {
    let count = match connection {
        Some(connection) => connection.session.outbound().count(),
        None => session.protocol.inflight.outbound().count(),
    };
    count as u64
}

impl Shard {
    pub(crate) fn asked(&mut self, asked: Asked, now: Now) {
        let taken = match asked {
            Asked::Page(question, answer) => {
                let room = self.inquiries.len() < INQUIRIES_MAX;
                if room {
                    self.inquiries.push(Inquiry::new(question, answer));
                }
                room
            }
            Asked::Client(client, answer) => answer.try_send(self.detail(&client, now)).is_ok(),
            Asked::Close(client, fate, answer) => {
                answer.try_send(self.close_client(&client, fate, now)).is_ok()
            }
            Asked::Trace(wish, answer) => answer.try_send(self.trace(wish, now)).is_ok(),
        };
        if !taken {
            tracing::debug!("an operator's question was not answered");
        }
    }

    pub(crate) fn has_inquiries(&self) -> bool {
        !self.inquiries.is_empty()
    }

    /// Goes on with every inquiry, a part of the sessions each.
    pub(crate) fn look_into_inquiries(&mut self, now: Now) {
        if self.inquiries.is_empty() {
            return;
        }
        for mut inquiry in std::mem::take(&mut self.inquiries) {
            let slots = self.sessions.slots();
            let end = inquiry.next.saturating_add(SESSIONS_PER_TURN).min(slots);
            for (key, session) in self.sessions.within(inquiry.next..end) {
                let connection = self.connection_of(session);
                inquiry.look_at((key, session), connection, now.moment);
            }
            inquiry.next = end;
            if end < slots {
                self.inquiries.push(inquiry);
            } else {
                self.finish_inquiry(inquiry, now);
            }
        }
    }

    fn finish_inquiry(&self, inquiry: Inquiry, now: Now) {
        let Inquiry { question, answer, matching, totals, best, more, .. } = inquiry;
        let ranks = best.into_sorted_vec();
        // A session that ended while the others were looked at is left out.
        let rows = ranks.iter().filter_map(|rank| {
            let session = self.sessions.get(rank.session)?;
            Some(self.client(session, now))
        });
        let clients: Vec<Client> = rows.collect();
        let last = ranks.last().filter(|_| more && question.limit > 0);
        let next = last.map(|rank| Mark { weight: rank.weight, client: Arc::clone(&rank.client) });
        if answer.try_send(Page { clients, matching, totals, next }).is_err() {
            tracing::debug!("nobody waited for a page of clients");
        }
    }

    fn connection_of(&self, session: &Session<Kept>) -> Option<&Connection> {
        self.connections.get(session.connection?.0 as usize)
    }

    fn client(&self, session: &Session<Kept>, now: Now) -> Client {
        let connection = self.connection_of(session);
        Client {
            id: Arc::clone(session.client()),
            connection: connection.map(|connection| self.line(connection, now)),
            subscriptions: session.filters().len() as u64,
            in_flight: in_flight(session, connection),
            queued: session.queue.len() as u64,
            expiry: expiry(session, connection, now.moment),
        }
    }

    fn line(&self, connection: &Connection, now: Now) -> Line {
        let ago = |moment: Moment| now.timestamp.saturating_sub(now.moment.since(moment));
        let keep_alive = u64::from(connection.session.keep_alive());
        Line {
            peer: connection.peer,
            door: self.doors.get(usize::from(connection.door)).map(|door| door.terms.name.clone()),
            version: match connection.session.version() {
                mqtt::Version::V311 => Version::V311,
                mqtt::Version::V5 => Version::V5,
            },
            since: ago(connection.counters.since),
            last_heard: ago(connection.session.last_heard()),
            keep_alive: std::time::Duration::from_secs(keep_alive),
            traffic: connection.counters.traffic(connection.output.taken()),
            rate: connection.counters.rate(now.moment),
            output_bytes: connection.output.len() as u64,
        }
    }

    fn detail(&self, client: &str, now: Now) -> Option<Detail> {
        let (key, session) = self.sessions.find(client)?;
        let filters = session.filters().iter().take(FILTERS_MAX).filter_map(|filter| {
            let qos = self.common.subscriptions.qos_of(filter, key)?;
            Some(Filter { filter: filter.to_string().into(), qos })
        });
        Some(Detail { filters: filters.collect(), client: self.client(session, now) })
    }
}

fn expiry(session: &Session<Kept>, connection: Option<&Connection>, now: Moment) -> Expiry {
    let seconds = |seconds: u32| std::time::Duration::from_secs(u64::from(seconds));
    match (connection, session.expires_at()) {
        (Some(connection), _) if connection.session.expiry() == EXPIRY_NEVER => Expiry::Never,
        (Some(connection), _) => Expiry::Granted(seconds(connection.session.expiry())),
        (None, Some(at)) if at.since(now) >= seconds(EXPIRY_NEVER) => Expiry::Never,
        (None, Some(at)) => Expiry::Left(at.since(now)),
        (None, None) => Expiry::Granted(std::time::Duration::ZERO),
    }
}
