//! The front door: one message in, one outcome out, and the state that later messages need.

use model::{Message, Quality, Timestamp};

use crate::claim::{Body, Claim};
use crate::json::{Item, Tape};
use crate::leaf::Flattener;
use crate::note::Note;
use crate::outcome::{GroupHead, Keys, Outcome};
use crate::state::{Learned, StateFault};
use crate::time::{Judged, Off, Stamp, Zone};
use crate::value::TextRules;
use crate::{fallback, line, senml, thingsboard};

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
    /// Room for the document, and for the name of the signal at hand.
    tape: Tape,
    path: String,
}

/// What a dialect works with while it reads one message.
#[derive(Debug)]
pub(crate) struct Desk<'d> {
    pub(crate) message: &'d Message<'d>,
    pub(crate) ctx: &'d Context<'d>,
    pub(crate) out: &'d mut Outcome,
    learned: &'d mut Learned,
    path: &'d mut String,
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
        if let Some(note) = beyond_limits(message) {
            return out.unread(note);
        }
        let Self { learned, tape, path } = self;
        let body = Body::of(message.payload, tape);
        let claim = Claim::on(message, body);
        out.claim(claim.dialect());
        let mut desk = Desk { message, ctx, out, learned, path };
        match claim {
            Claim::ThingsBoard(route) => thingsboard::read(&mut desk, route, body),
            Claim::SenmlJson => senml::read_json(&mut desk, body),
            Claim::SenmlCbor => senml::read_cbor(&mut desk, message.payload),
            Claim::Line => {
                if let Body::Text(text) = body {
                    line::read(&mut desk, text);
                }
            }
            Claim::Fallback => fallback::read(&mut desk, body),
        }
        if message.retain && ctx.bridged && out.groups().any(|group| group.time().is_none()) {
            out.note(Note::RetainedReplay);
        }
    }

    /// What was learned, in the form of docs/formats/dialect-state.md.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        self.learned.encode()
    }

    /// Forgets what devices have taught that are not known any more, by their keys.
    pub fn retain(&mut self, is_known: impl FnMut(&str) -> bool) {
        self.learned.retain(is_known);
    }

    /// # Errors
    /// Bytes that `snapshot` did not write, or a newer program did.
    pub fn restore(bytes: &[u8]) -> Result<Self, StateFault> {
        Ok(Self { learned: Learned::decode(bytes)?, ..Self::default() })
    }
}

impl Desk<'_> {
    /// What the device's time is worth, with its notes taken and the device's clock watched.
    pub(crate) fn judge(
        &mut self,
        stamp: Option<Stamp>,
        keys: Keys,
    ) -> (Option<Timestamp>, Quality) {
        let Some(stamp) = stamp else { return (None, Quality::GOOD) };
        let Judged { time, quality, note, off } = stamp.judge(self.message.received_at);
        if let Some(note) = note {
            self.out.note(note);
        }
        if let Some(off) = off {
            let key = self.out.first_key_text(keys);
            if let (true, Off::ByQuarters(quarters)) = (self.learned.watch_clock(key, off), off) {
                self.out.note(Note::ZoneProposed { quarters });
            }
        }
        (time, quality)
    }

    /// Opens a group at the device's own time. An impossible time is kept as an attribute.
    pub(crate) fn open_at(&mut self, head: GroupHead, stamp: Option<(Stamp, Option<Item<'_>>)>) {
        let (time, quality) = self.judge(stamp.map(|(stamp, _)| stamp), head.keys);
        if let (Some((_, Some(item))), true) = (stamp, quality.holds(Quality::CLOCK_BAD)) {
            let name = self.out.put(DEVICE_TIME);
            let json = self.out.put(item.raw());
            self.out.add_attribute(head.keys, name, json);
        }
        self.out.open_group(GroupHead { time, quality: head.quality | quality, ..head });
    }

    pub(crate) fn flattener(&mut self, keys: Keys, rules: TextRules) -> Flattener<'_> {
        Flattener::new(self.out, self.path, keys, rules)
    }
}

/// The attribute that keeps what an unset clock said.
const DEVICE_TIME: &str = "device_time";

fn beyond_limits(message: &Message<'_>) -> Option<Note> {
    let topic = message.topic.as_str();
    if topic.len() > TOPIC_BYTES_MAX {
        return Some(Note::TopicTooLong);
    }
    // A topic needs as many bytes as levels, so short ones need no counting.
    if topic.len() >= TOPIC_LEVELS_MAX && message.topic.levels().count() > TOPIC_LEVELS_MAX {
        return Some(Note::TopicTooLong);
    }
    (message.payload.len() > PAYLOAD_BYTES_MAX).then_some(Note::PayloadTooLarge)
}
