//! All connections of a run.

use std::collections::BTreeMap;
use std::net::TcpStream;

use anyhow::Result;
use mio::event::Source as _;
use mio::{Events, Interest, Registry, Token};
use mqtt::Packet;

use super::counters::Counters;
use crate::clock::Clock;
use crate::publisher::Publisher;
use crate::subscriber::Subscriber;
use crate::wire::Wire;
use crate::{Listening, LoadPlan, peer};

enum Role {
    Publisher(Publisher),
    Subscriber(Subscriber),
}

struct Member {
    wire: Wire,
    role: Role,
    /// It is in the list of those who have work.
    busy: bool,
}

pub(super) struct Fleet {
    /// A member's token is its place. Publishers come first.
    members: Vec<Member>,
    publishers: usize,
    /// Whose turn it is in the open loop.
    next_debtor: usize,
    /// Where the last round of publishing began, so that a shared window is shared fairly.
    first: usize,
    /// Subscribers with something to read or to write: there may be thousands, and a turn looks
    /// at these only.
    busy: Vec<usize>,
    /// They hear nothing, so nobody reads them.
    _bystanders: Vec<TcpStream>,
}

/// Filters of one client that hears nothing.
const BYSTANDER_FILTERS: u32 = 1_000;

impl Fleet {
    pub(super) fn connect(plan: &LoadPlan, registry: &Registry) -> Result<Self> {
        let (address, topic) = (plan.target.address, &plan.topic);
        let mut members = Vec::new();
        for number in 0..plan.publishers {
            let stream = peer::connect(address, &format!("{topic}-p{number}"))?;
            let role = Role::Publisher(Publisher::new(number, plan)?);
            members.push(Member { wire: Wire::new(stream)?, role, busy: false });
        }
        let bystanders = bystanders(plan)?;
        for number in 0..plan.subscribers {
            let group = number % plan.groups;
            let mut stream = peer::connect(address, &format!("{topic}-s{number}"))?;
            peer::subscribe(&mut stream, &[plan.filter_of(group)], plan.qos)?;
            let role = Role::Subscriber(Subscriber::new(group, plan));
            members.push(Member { wire: Wire::new(stream)?, role, busy: false });
        }
        let both = Interest::READABLE | Interest::WRITABLE;
        for (place, member) in members.iter_mut().enumerate() {
            member.wire.stream().register(registry, Token(place), both)?;
        }
        let publishers = usize::try_from(plan.publishers)?;
        let (next_debtor, first, busy) = (0, 0, Vec::new());
        Ok(Self { members, publishers, next_debtor, first, busy, _bystanders: bystanders })
    }

    pub(super) const fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn owe(&mut self, due_ns: u64) {
        let place = self.next_debtor;
        self.next_debtor = (place + 1) % self.publishers.max(1);
        if let Some(Member { role: Role::Publisher(it), .. }) = self.members.get_mut(place) {
            it.owe(due_ns);
        }
    }

    pub(super) fn publish(&mut self, now_ns: u64, plan: &LoadPlan, counters: &mut Counters) {
        let first = self.first;
        self.first = (first + 1) % self.publishers.max(1);
        let publishers = self.members.get_mut(..self.publishers).unwrap_or_default();
        let (before, from) = publishers.split_at_mut(first.min(self.publishers));
        for member in from.iter_mut().chain(before) {
            let Role::Publisher(publisher) = &mut member.role else { continue };
            while counters.may_send() {
                let due = if plan.rate == 0 { Some(now_ns) } else { publisher.next_late() };
                let (Some(due), Some(out)) = (due, member.wire.room()) else { break };
                if !publisher.publish(due, out) {
                    break;
                }
                counters.sent();
            }
        }
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        for place in (0..self.publishers).chain(self.busy.iter().copied()) {
            if let Some(member) = self.members.get_mut(place) {
                member.wire.flush()?;
            }
        }
        Ok(())
    }

    pub(super) fn mark(&mut self, events: &Events) {
        for event in events {
            let place = event.token().0;
            let Some(member) = self.members.get_mut(place) else { continue };
            member.wire.mark(event);
            if place >= self.publishers && !std::mem::replace(&mut member.busy, true) {
                self.busy.push(place);
            }
        }
    }

    pub(super) fn read(
        &mut self,
        clock: &Clock,
        scratch: &mut [u8],
        counters: &mut Counters,
    ) -> Result<()> {
        for place in (0..self.publishers).chain(self.busy.iter().copied()) {
            if let Some(member) = self.members.get_mut(place).filter(|it| it.wire.has_input()) {
                member.read(clock, scratch, counters)?;
            }
        }
        let members = &mut self.members;
        self.busy.retain(|place| members.get_mut(*place).is_some_and(Member::stays_busy));
        Ok(())
    }

    /// Whether somebody could go on at once, so that waiting for sockets would waste time.
    pub(super) fn has_work(&mut self, plan: &LoadPlan, counters: &Counters) -> bool {
        let may_send = counters.may_send();
        let publishers = self.members.get_mut(..self.publishers).unwrap_or_default();
        !self.busy.is_empty()
            || publishers.iter_mut().any(|Member { wire, role, .. }| {
                let Role::Publisher(it) = role else { return false };
                let owes = plan.rate == 0 || it.next_late().is_some();
                wire.has_input() || may_send && owes && it.may_publish() && wire.room().is_some()
            })
    }

    pub(super) fn open(&self) -> usize {
        self.publishers().map(Publisher::open).sum()
    }

    pub(super) fn sent(&self) -> Vec<u64> {
        self.publishers().flat_map(Publisher::sent).collect()
    }

    fn publishers(&self) -> impl Iterator<Item = &Publisher> {
        self.members.iter().filter_map(|member| match &member.role {
            Role::Publisher(it) => Some(it),
            Role::Subscriber(_) => None,
        })
    }

    /// Those of a shared subscription as one.
    pub(super) fn audience(&self, listening: Listening) -> Vec<Subscriber> {
        let subscribers = self.members.iter().filter_map(|member| match &member.role {
            Role::Subscriber(it) => Some(it),
            Role::Publisher(_) => None,
        });
        if listening != Listening::Shared {
            return subscribers.cloned().collect();
        }
        let mut shares: BTreeMap<u32, Subscriber> = BTreeMap::new();
        for member in subscribers {
            match shares.get_mut(&member.group()) {
                Some(share) => share.absorb(member),
                None => drop(shares.insert(member.group(), member.clone())),
            }
        }
        shares.into_values().collect()
    }
}

impl Member {
    fn read(&mut self, clock: &Clock, scratch: &mut [u8], counters: &mut Counters) -> Result<()> {
        let role = &mut self.role;
        // One look at the clock for all packets of a read: they arrived together.
        let now = clock.nanos();
        self.wire.read(scratch, |packet, out| match (&mut *role, packet) {
            (Role::Publisher(it), Packet::PubAck(ack)) => match it.acknowledged(ack, now) {
                Some(_) if ack.reason.is_failure() => counters.refused += 1,
                Some(age) => counters.acknowledged(age, now),
                None => {}
            },
            (Role::Subscriber(it), Packet::Publish(publish)) => {
                if let Some(stamp) = it.take(publish, out) {
                    counters.delivered(now.saturating_sub(stamp.due_ns), now);
                }
            }
            (Role::Publisher(_) | Role::Subscriber(_), _) => {}
        })
    }

    /// Whether a subscriber has work left; without, an event of its socket brings it back.
    fn stays_busy(&mut self) -> bool {
        self.busy = self.wire.has_input() || self.wire.has_output();
        self.busy
    }
}

fn bystanders(plan: &LoadPlan) -> Result<Vec<TcpStream>> {
    let mut streams = Vec::new();
    for first in (0..plan.bystanders).step_by(usize::try_from(BYSTANDER_FILTERS)?) {
        let end = plan.bystanders.min(first + BYSTANDER_FILTERS);
        let mut stream = peer::connect(plan.target.address, &format!("{}-b{first}", plan.topic))?;
        let filter = |number| format!("{}/{}/x{number}", plan.topic, number % plan.groups);
        let filters: Vec<_> = (first..end).map(filter).collect();
        peer::subscribe(&mut stream, &filters, plan.qos)?;
        streams.push(stream);
    }
    Ok(streams)
}
