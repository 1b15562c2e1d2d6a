//! The front door: one message in, one outcome out, and the state that later messages need.

use model::Message;

use crate::note::Note;
use crate::outcome::Outcome;
use crate::state::{Learned, StateFault};
use crate::time::Zone;

/// Payload that recognition looks at. Larger messages are kept and delivered all the same.
pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// Longest topic that recognition looks at; the key and handle of a device come from it.
pub const TOPIC_BYTES_MAX: usize = 1024;

/// Deepest topic that recognition looks at.
pub const TOPIC_LEVELS_MAX: usize = 32;

/// What surrounds a message and is not in it.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// In which zone the site writes its times.
    pub zone: &'a Zone,
    /// The message's credential belongs to exactly one device.
    pub credential_is_device: bool,
    /// The message came from another broker; its retain flag may mean a replay.
    pub bridged: bool,
}

/// Reads messages one after the other. The same messages in the same order give the same outcomes.
#[derive(Debug, Default)]
pub struct Recognizer {
    learned: Learned,
}

impl Recognizer {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Fills `out` with what the message means. Never fails: what no dialect reads has a
    /// [`Verdict`](crate::Verdict) that says why.
    pub fn read(&mut self, message: &Message<'_>, ctx: &Context<'_>, out: &mut Outcome) {
        out.clear();
        let _ = (message, ctx, &self.learned);
        out.unread(Note::NoValue);
    }

    /// What was learned, in the form of docs/formats/dialect-state.md.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        self.learned.encode()
    }

    /// # Errors
    /// Bytes that `snapshot` did not write, or a newer program did.
    pub fn restore(bytes: &[u8]) -> Result<Self, StateFault> {
        Ok(Self { learned: Learned::decode(bytes)? })
    }
}
