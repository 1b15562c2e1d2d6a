//! How much memory may wait for subscribers who are slow or away.
//!
//! Each session has its own limits; a thousand of them that stall at once must not add up. So the
//! shard looks through all of them whenever enough was added since the last look, and when they hold
//! more than the site grants, those that hold more than their share get no more. What they hold
//! stays. Together they hold at most twice the grant: it is all held before a share counts, and
//! then each that holds less may grow up to its share.

use super::Shard;

/// Of the grant, in parts: how much may be added between two looks.
const PARTS: usize = 16;

/// The least that a share is. A thousand times this is no burden, and less would stop subscribers
/// that are only a little behind.
const SHARE_MIN: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Backlog {
    /// Bytes that all may hold before shares count.
    grant: usize,
    /// Bytes added since the last look, less those that went.
    added: usize,
    /// What each may hold now.
    share: usize,
}

impl Backlog {
    pub(super) const fn new(grant: usize) -> Self {
        Self { grant, added: 0, share: usize::MAX }
    }

    pub(super) const fn grew(&mut self, bytes: usize) {
        self.added = self.added.saturating_add(bytes);
    }

    pub(super) const fn shrank(&mut self, bytes: usize) {
        self.added = self.added.saturating_sub(bytes);
    }

    /// Bytes that a single queue or output may hold now.
    pub(super) const fn share(&self) -> usize {
        self.share
    }
}

impl Shard {
    /// To be called once a turn.
    pub(super) fn watch_backlog(&mut self) {
        if self.backlog.added >= self.backlog.grant / PARTS {
            self.look_at_backlog();
        }
    }

    fn look_at_backlog(&mut self) {
        let queues = self.sessions.all().map(|session| session.queue.cost());
        let outputs = self.connections.iter().map(|(_, connection)| connection.output.len());
        let (mut held, mut holders) = (0, 0);
        for bytes in queues.chain(outputs).filter(|bytes| *bytes > 0) {
            held += bytes;
            holders += 1;
        }
        let grant = self.backlog.grant;
        let share = (grant / usize::max(holders, 1)).max(SHARE_MIN);
        self.backlog.share = if held >= grant { share } else { usize::MAX };
        self.backlog.added = 0;
    }

    /// A socket took some of what waited for it.
    pub(crate) const fn drained(&mut self, bytes: usize) {
        self.backlog.shrank(bytes);
    }

    /// Bytes that one output may hold and still take a message.
    pub(super) fn output_room(&self) -> usize {
        self.common.limits.output_bytes_max.min(self.backlog.share())
    }

    /// What one queue may hold.
    pub(super) fn queue_room(&self) -> hub::Room {
        let share = self.backlog.share();
        hub::Room { messages: share / size_of::<hub::Queued>(), bytes: share }
    }
}
