//! A client that listens and keeps count of every publisher it should hear.

use model::Qos;
use mqtt::{Ack, Packet, Publish, Reason};

use crate::payload::Stamp;
use crate::tally::Tally;
use crate::wire::VERSION;

#[derive(Debug)]
pub(crate) struct Subscriber {
    group: u32,
    /// By publisher; those of other groups stay empty.
    tallies: Vec<Tally>,
}

impl Subscriber {
    pub(crate) fn new(group: u32, publishers: u32) -> Self {
        let publishers = usize::try_from(publishers).unwrap_or(usize::MAX);
        Self { group, tallies: vec![Tally::default(); publishers] }
    }

    /// Appends the PUBACK that is owed. Returns the stamp, if it is one of ours.
    pub(crate) fn take(&mut self, publish: &Publish<'_>, out: &mut Vec<u8>) -> Option<Stamp> {
        if let (Some(id), Qos::AtLeastOnce) = (publish.packet_id, publish.qos) {
            let ack = Packet::PubAck(Ack::new(id, Reason::Success));
            ack.encode(VERSION, out).ok()?;
        }
        let stamp = Stamp::read(publish.payload)?;
        self.tallies.get_mut(usize::try_from(stamp.publisher).ok()?)?.take(stamp.sequence);
        Some(stamp)
    }

    pub(crate) fn lost(&self, sent: &[u64], groups: u32) -> u64 {
        let heard = (0..).zip(sent).zip(&self.tallies);
        let ours = heard.filter(|((number, _), _)| number % groups == self.group);
        ours.map(|((_, sent), tally)| tally.lost(*sent)).sum()
    }

    pub(crate) fn duplicated(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.duplicated).sum()
    }

    pub(crate) fn reordered(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.reordered).sum()
    }
}
