//! All connections of a run.

use anyhow::Result;
use mio::event::Source as _;
use mio::{Events, Interest, Registry, Token};
use mqtt::Packet;

use super::counters::Counters;
use crate::clock::Clock;
use crate::publisher::Publisher;
use crate::subscriber::Subscriber;
use crate::wire::Wire;
use crate::{LoadPlan, peer};

enum Role {
    Publisher(Publisher),
    Subscriber(Subscriber),
}

struct Member {
    wire: Wire,
    role: Role,
}

pub(super) struct Fleet {
    /// A member's token is its place. Publishers come first.
    members: Vec<Member>,
    publishers: usize,
    /// Whose turn it is in the open loop.
    next_debtor: usize,
    /// Where the last round of publishing began, so that a shared window is shared fairly.
    first: usize,
}

impl Fleet {
    pub(super) fn connect(plan: &LoadPlan, registry: &Registry) -> Result<Self> {
        let (address, topic) = (plan.target.address, &plan.topic);
        let mut members = Vec::new();
        for number in 0..plan.publishers {
            let stream = peer::connect(address, &format!("{topic}-p{number}"))?;
            let topic = format!("{topic}/{}/{number}", number % plan.groups);
            let it = Publisher::new(number, &topic, plan.qos, plan.window, plan.content)?;
            members.push(Member { wire: Wire::new(stream)?, role: Role::Publisher(it) });
        }
        for number in 0..plan.subscribers {
            let group = number % plan.groups;
            let mut stream = peer::connect(address, &format!("{topic}-s{number}"))?;
            peer::subscribe(&mut stream, &format!("{topic}/{group}/#"), plan.qos)?;
            let role = Role::Subscriber(Subscriber::new(group, plan.publishers));
            members.push(Member { wire: Wire::new(stream)?, role });
        }
        let both = Interest::READABLE | Interest::WRITABLE;
        for (place, member) in members.iter_mut().enumerate() {
            member.wire.stream().register(registry, Token(place), both)?;
        }
        let publishers = usize::try_from(plan.publishers)?;
        Ok(Self { members, publishers, next_debtor: 0, first: 0 })
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
        let (before, from) = self.members.split_at_mut(first);
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
        self.members.iter_mut().try_for_each(|member| member.wire.flush())
    }

    pub(super) fn mark(&mut self, events: &Events) {
        for event in events {
            if let Some(member) = self.members.get_mut(event.token().0) {
                member.wire.mark(event);
            }
        }
    }

    pub(super) fn read(
        &mut self,
        clock: &Clock,
        scratch: &mut [u8],
        counters: &mut Counters,
    ) -> Result<()> {
        for Member { wire, role } in self.members.iter_mut().filter(|it| it.wire.has_input()) {
            // One look at the clock for all packets of a read: they arrived together.
            let now = clock.nanos();
            wire.read(scratch, |packet, out| match (&mut *role, packet) {
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
            })?;
        }
        Ok(())
    }

    /// Whether somebody could go on at once, so that waiting for sockets would waste time.
    pub(super) fn has_work(&mut self, plan: &LoadPlan, counters: &Counters) -> bool {
        let may_send = counters.may_send();
        self.members.iter_mut().any(|Member { wire, role }| {
            wire.has_input()
                || match role {
                    Role::Subscriber(_) => wire.has_output(),
                    Role::Publisher(it) => {
                        let owes = plan.rate == 0 || it.next_late().is_some();
                        may_send && owes && it.may_publish() && wire.room().is_some()
                    }
                }
        })
    }

    pub(super) fn open(&self) -> usize {
        self.publishers().map(Publisher::open).sum()
    }

    pub(super) fn sent(&self) -> Vec<u64> {
        self.publishers().map(|it| it.sent).collect()
    }

    fn publishers(&self) -> impl Iterator<Item = &Publisher> {
        self.members.iter().filter_map(|member| match &member.role {
            Role::Publisher(it) => Some(it),
            Role::Subscriber(_) => None,
        })
    }

    pub(super) fn subscribers(&self) -> impl Iterator<Item = &Subscriber> {
        self.members.iter().filter_map(|member| match &member.role {
            Role::Subscriber(it) => Some(it),
            Role::Publisher(_) => None,
        })
    }
}
