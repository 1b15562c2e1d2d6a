//! A client that listens and keeps count of every stream it should hear.

use model::Qos;
use mqtt::{Ack, Packet, Publish, Reason};

use crate::LoadPlan;
use crate::payload::Stamp;
use crate::tally::Tally;
use crate::wire::VERSION;

#[derive(Clone, Debug)]
pub(crate) struct Subscriber {
    group: u32,
    groups: u32,
    /// Streams `group`, `group + groups` and so on.
    tallies: Vec<Tally>,
}

impl Subscriber {
    pub(crate) fn new(group: u32, plan: &LoadPlan) -> Self {
        let streams = plan.streams().saturating_sub(group).div_ceil(plan.groups);
        let streams = usize::try_from(streams).unwrap_or(usize::MAX);
        Self { group, groups: plan.groups, tallies: vec![Tally::default(); streams] }
    }

    pub(crate) const fn group(&self) -> u32 {
        self.group
    }

    /// Appends the PUBACK that is owed. Returns the stamp, if it is one of ours.
    pub(crate) fn take(&mut self, publish: &Publish<'_>, out: &mut Vec<u8>) -> Option<Stamp> {
        if let (Some(id), Qos::AtLeastOnce) = (publish.packet_id, publish.qos) {
            let ack = Packet::PubAck(Ack::new(id, Reason::Success));
            ack.encode(VERSION, out).ok()?;
        }
        let stamp = Stamp::read(publish.payload)?;
        if stamp.stream % self.groups != self.group {
            return None;
        }
        let place = usize::try_from(stamp.stream / self.groups).ok()?;
        self.tallies.get_mut(place)?.take(stamp.sequence);
        Some(stamp)
    }

    /// Takes over what another member of the same shared subscription heard.
    pub(crate) fn absorb(&mut self, other: &Self) {
        for (tally, other) in self.tallies.iter_mut().zip(&other.tallies) {
            tally.absorb(other);
        }
    }

    /// `sent` is by stream.
    pub(crate) fn lost(&self, sent: &[u64]) -> u64 {
        let (first, step) = (usize::try_from(self.group), usize::try_from(self.groups));
        let (Ok(first), Ok(step)) = (first, step) else { return 0 };
        let ours = sent.iter().skip(first).step_by(step);
        ours.zip(&self.tallies).map(|(sent, tally)| tally.lost(*sent)).sum()
    }

    pub(crate) fn duplicated(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.duplicated).sum()
    }

    pub(crate) fn reordered(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.reordered).sum()
    }
}

#[cfg(test)]
mod tests;
