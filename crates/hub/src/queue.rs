//! What a session has not been sent yet, oldest first, bounded by count and bytes.
//!
//! The journal holds every message, so a queue need not: beyond a few megabytes, and while the
//! client is away, it holds positions only, and the messages are read again when they are needed.

use std::collections::VecDeque;
use std::sync::Arc;

use model::{Position, Qos};
use smallvec::SmallVec;

use crate::Publication;

/// A subscriber that is away for an hour while 25 messages a second arrive: 90,000. Of 64 bytes
/// without their messages, 6.4 MB a session.
pub(crate) const QUEUE_MESSAGES_MAX: usize = 100_000;

/// Bytes of messages that one session holds in memory; what comes after is read again.
const QUEUE_BYTES_MAX: usize = 4 << 20;

/// One message on its way to one session.
#[derive(Clone, Debug)]
pub struct Queued {
    /// Its name within the session. A later one has a larger token.
    pub token: u64,
    /// Of its record: `None` until the journal has taken it, `Position::ZERO` if it has none of its
    /// own, as a retained message.
    pub position: Option<Position>,
    /// `None` when it has to be read from the journal first.
    pub body: Option<Arc<Publication>>,
    /// The lower of the publisher's and the subscription's.
    pub qos: Qos,
    /// As the subscriber shall see it.
    pub retain: bool,
    /// The session was chosen for it among a shared group.
    pub shared: bool,
    pub identifiers: SmallVec<[u32; 1]>,
}

impl Queued {
    /// Whether the journal has it, so that its body may be let go.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.position.is_some_and(|position| position > Position::ZERO)
    }

    /// Lets its body go if the journal has it.
    pub fn shed(&mut self) {
        if self.is_recorded() {
            self.body = None;
        }
    }

    /// Bytes of memory that it holds.
    #[must_use]
    pub fn cost(&self) -> usize {
        size_of::<Self>() + self.body_cost()
    }

    fn body_cost(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.cost())
    }
}

/// What one queue may hold at most, where that is less than the limits above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub messages: usize,
    /// Of bodies.
    pub bytes: usize,
}

impl Room {
    pub const ALL: Self = Self { messages: QUEUE_MESSAGES_MAX, bytes: QUEUE_BYTES_MAX };
}

/// The queue is at its limit; the message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull;

#[derive(Debug, Default)]
pub struct Queue {
    /// In the order of their tokens.
    waiting: VecDeque<Queued>,
    /// Of the bodies in memory.
    bytes: usize,
}

impl Queue {
    /// # Errors
    /// At the limit: the newest message is the one refused, so that what a subscriber gets is
    /// without a gap up to where it stops.
    pub fn push(&mut self, mut message: Queued, room: Room) -> Result<(), QueueFull> {
        let cost = message.body_cost();
        if self.waiting.len() >= QUEUE_MESSAGES_MAX.min(room.messages) {
            return Err(QueueFull);
        }
        if self.bytes + cost > QUEUE_BYTES_MAX.min(room.bytes) {
            if message.position == Some(Position::ZERO) {
                return Err(QueueFull);
            }
            message.body = None;
        }
        self.bytes += message.body_cost();
        self.waiting.push_back(message);
        Ok(())
    }

    #[must_use]
    pub fn front(&self) -> Option<&Queued> {
        self.waiting.front()
    }

    pub fn pop(&mut self) -> Option<Queued> {
        let message = self.waiting.pop_front()?;
        self.bytes -= message.body_cost();
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        Some(message)
    }

    /// From the oldest on.
    pub fn iter(&self) -> impl Iterator<Item = &Queued> {
        self.waiting.iter()
    }

    #[must_use]
    pub fn find(&self, token: u64) -> Option<&Queued> {
        let at = self.waiting.binary_search_by_key(&token, |message| message.token).ok()?;
        self.waiting.get(at)
    }

    /// The journal took the message `token` at `position`. Says whether it is the first here: what
    /// waits for that may go on.
    pub fn place(&mut self, token: u64, position: Position) -> bool {
        let Some(message) = self.find_mut(token) else { return false };
        message.position = Some(position);
        self.front().is_some_and(|first| first.token == token)
    }

    /// The message `token` was read again.
    pub fn fill(&mut self, token: u64, body: Arc<Publication>) {
        let cost = body.cost();
        if let Some(message) = self.find_mut(token).filter(|message| message.body.is_none()) {
            message.body = Some(body);
            self.bytes += cost;
        }
    }

    /// The message `token` cannot be had any more.
    pub fn remove(&mut self, token: u64) -> Option<Queued> {
        let at = self.waiting.binary_search_by_key(&token, |message| message.token).ok()?;
        let message = self.waiting.remove(at)?;
        self.bytes -= message.body_cost();
        Some(message)
    }

    /// Lets go of every body that the journal has: the client is away.
    pub fn shed(&mut self) {
        self.waiting.iter_mut().for_each(Queued::shed);
        self.waiting.shrink_to_fit();
        self.bytes = self.waiting.iter().map(Queued::body_cost).sum();
    }

    /// Lets go of the body of one message, if the journal has it.
    pub fn shed_one(&mut self, token: u64) {
        let Some(message) = self.find_mut(token) else { return };
        let before = message.body_cost();
        message.shed();
        let freed = before - message.body_cost();
        self.bytes -= freed;
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Bytes of memory it holds.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.waiting.len() * size_of::<Queued>() + self.bytes
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn find_mut(&mut self, token: u64) -> Option<&mut Queued> {
        // Mostly the newest: a thousand long queues are a thousand searches in cold memory else.
        if self.waiting.back().is_some_and(|newest| newest.token == token) {
            return self.waiting.back_mut();
        }
        let at = self.waiting.binary_search_by_key(&token, |message| message.token).ok()?;
        self.waiting.get_mut(at)
    }
}

#[cfg(test)]
mod tests;
