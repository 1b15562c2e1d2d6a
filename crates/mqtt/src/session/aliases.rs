//! Topic aliases of a connection, both ways: those that the client defined, and those that we
//! define for topics it is sent often. None of them outlives the connection.

use std::num::NonZeroU16;

use model::TopicBuf;

use crate::VARINT_MAX;
use crate::publish::{Alias, Frame};

/// An alias in a packet takes three bytes, so that a shorter topic gains nothing.
const TOPIC_BYTES_MIN: usize = 5;

/// Longer topics always travel in full: 32 aliases of 1 KiB are 32 KiB for a connection at most.
const TOPIC_BYTES_MAX: usize = 1_024;

/// Topics seen once that are remembered by four bytes each, to know them the second time.
const SEEN_ONCE: usize = 64;

/// Places that a topic may be remembered in: so many that share them do not drive each other out.
const GROUP: usize = 4;

/// What an entry may live on, in messages of other topics that want its place.
const HEAT_MAX: u8 = 8;

#[derive(Debug, Default)]
pub(super) struct Aliases {
    /// Index = alias - 1.
    pub(super) from_client: Vec<Option<TopicBuf>>,
    pub(super) to_client: Topics,
}

/// The topics that the client knows by an alias of ours.
///
/// A topic gets one when it comes for the second time in short order, so that a stream of ever new
/// topics costs nothing. When all aliases are taken, one that has not been used for a while moves.
#[derive(Debug, Default)]
pub(super) struct Topics {
    /// Index = alias - 1.
    known: Vec<Known>,
    /// Part of the hashes of the last topics, in groups; empty until the first message.
    once: Vec<u32>,
    /// The entry that is asked for its place next.
    hand: usize,
}

#[derive(Debug)]
struct Known {
    hash: u64,
    topic: Vec<u8>,
    /// Goes up with each use, down when another topic wants the place.
    heat: u8,
}

impl Topics {
    /// How the topic of `frame` shall travel, with at most `most` aliases for packets of at most
    /// `bytes_max`. Whatever it says has to be sent.
    pub(super) fn alias_for(
        &mut self,
        frame: Frame<'_>,
        most: u8,
        bytes_max: usize,
    ) -> Option<Alias> {
        let topic = frame.topic();
        if !(TOPIC_BYTES_MIN..=TOPIC_BYTES_MAX).contains(&topic.len()) {
            return None;
        }
        let hash = hash_of(topic);
        let found = self.known.iter_mut().enumerate().find(|(_, known)| known.is(hash, topic));
        if let Some((index, known)) = found {
            known.heat = (known.heat + 1).min(HEAT_MAX);
            return numbered(index).map(Alias::Known);
        }
        let bytes_max = bytes_max.min(VARINT_MAX as usize);
        if !self.comes_again(hash) || frame.len_defining() > bytes_max {
            return None;
        }
        self.place(hash, topic, usize::from(most)).and_then(numbered).map(Alias::New)
    }

    /// Whether the topic came before. Remembers it if not.
    fn comes_again(&mut self, hash: u64) -> bool {
        self.once.resize(SEEN_ONCE, 0);
        let [a, b, c, d, place, ..] = hash.to_le_bytes();
        let part = u32::from_le_bytes([a, b, c, d]);
        let (groups, _) = self.once.as_chunks_mut::<GROUP>();
        let Some(group) = groups.get_mut(usize::from(place) % (SEEN_ONCE / GROUP)) else {
            return false;
        };
        if group.contains(&part) {
            return true;
        }
        // The newest first; the oldest is forgotten.
        group.rotate_right(1);
        group[0] = part;
        false
    }

    /// The index of a new entry, if one is free or has gone cold.
    fn place(&mut self, hash: u64, topic: &[u8], most: usize) -> Option<usize> {
        if self.known.len() < most {
            self.known.reserve_exact(1);
            self.known.push(Known { hash, topic: topic.to_vec(), heat: 1 });
            return Some(self.known.len() - 1);
        }
        let index = self.hand;
        self.hand = (index + 1) % most.max(1);
        let known = self.known.get_mut(index)?;
        if known.heat > 0 {
            known.heat -= 1;
            return None;
        }
        known.hash = hash;
        known.topic.clear();
        known.topic.extend_from_slice(topic);
        known.heat = 1;
        Some(index)
    }
}

impl Known {
    fn is(&self, hash: u64, topic: &[u8]) -> bool {
        self.hash == hash && self.topic == topic
    }
}

fn numbered(index: usize) -> Option<NonZeroU16> {
    NonZeroU16::new(u16::try_from(index + 1).ok()?)
}

/// Eight bytes a step. Whoever makes topics collide makes messages longer, no more.
fn hash_of(topic: &[u8]) -> u64 {
    let (words, rest) = topic.as_chunks::<8>();
    let mut last = [0; 8];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    let mix = |hash: u64, word: u64| {
        let product = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ product >> 32
    };
    let hash =
        words.iter().fold(topic.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    mix(hash, u64::from_le_bytes(last))
}

#[cfg(test)]
mod tests;
