//! What a session has not been sent yet, oldest first, bounded by count and bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use model::Qos;
use smallvec::SmallVec;

use crate::Publication;

/// A subscriber that is away for an hour while 25 messages a second arrive: 90,000.
const QUEUE_MESSAGES_MAX: usize = 100_000;

/// 64 MiB a session: a thousand stalled subscribers at their limit is what a site must budget for.
const QUEUE_BYTES_MAX: usize = 64 << 20;

/// One message on its way to one session.
#[derive(Clone, Debug)]
pub struct Queued {
    pub publication: Arc<Publication>,
    /// The lower of the publisher's and the subscription's.
    pub qos: Qos,
    /// As the subscriber shall see it.
    pub retain: bool,
    pub identifiers: SmallVec<[u32; 1]>,
}

/// The queue is at its limit; the message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull;

#[derive(Debug, Default)]
pub struct Queue {
    waiting: VecDeque<Queued>,
    bytes: usize,
}

impl Queue {
    /// # Errors
    /// When the count or the bytes are at their limit: the newest message is the one refused, so
    /// that what a subscriber gets is without a gap up to where it stops.
    pub fn push(&mut self, message: Queued) -> Result<(), QueueFull> {
        let cost = message.publication.cost();
        if self.waiting.len() >= QUEUE_MESSAGES_MAX || self.bytes + cost > QUEUE_BYTES_MAX {
            return Err(QueueFull);
        }
        self.bytes += cost;
        self.waiting.push_back(message);
        Ok(())
    }

    #[must_use]
    pub fn front(&self) -> Option<&Queued> {
        self.waiting.front()
    }

    pub fn pop(&mut self) -> Option<Queued> {
        let message = self.waiting.pop_front()?;
        self.bytes -= message.publication.cost();
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        Some(message)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
