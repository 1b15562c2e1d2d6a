//! What the messages so far have taught: a deterministic function of the journal. Its form on disk
//! is docs/formats/dialect-state.md.

use std::collections::BTreeMap;

use model::Format;

use crate::time::Off;

/// Devices whose clock is watched. With keys of at most 1 KiB that is 1 MiB; the one that was
/// quiet longest makes room.
pub const WATCHED_MAX: usize = 1024;

/// So many messages in a row with the same offset make a proposal.
const STREAK: u8 = 3;

const MAGIC: [u8; 4] = *b"ALDS";
const VERSION: u16 = 1;
const CHECKSUM_BYTES: usize = 4;

/// Why bytes are no learned state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateFault {
    #[error("the learned state of the dialects has version {0}; this program knows version 1")]
    Version(u16),
    #[error("the learned state of the dialects fails its checksum")]
    Checksum,
    #[error("the learned state of the dialects is damaged")]
    Malformed,
}

/// What later messages need from earlier ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Learned {
    /// By device key. At most `WATCHED_MAX`.
    clocks: BTreeMap<Box<str>, Streak>,
    /// Counts what was watched, so that "longest quiet" has an order.
    turn: u64,
}

/// How far the unzoned times of one device are off, and how often in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Streak {
    quarters: i8,
    seen: u8,
    turn: u64,
}

/// The format of what [`Recognizer::snapshot`](crate::Recognizer::snapshot) gave, also of another
/// version.
#[must_use]
pub fn state_format(bytes: &[u8]) -> Format {
    let version = bytes.strip_prefix(&MAGIC).and_then(|rest| rest.first_chunk::<2>());
    let found = version.map(|version| u64::from(u16::from_le_bytes(*version)));
    let (oldest, newest) = (u64::from(VERSION), u64::from(VERSION));
    Format { what: "dialect state", found, oldest, newest }
}

impl Learned {
    /// Takes note that a time without a zone was off by `quarters` of an hour, or by no whole
    /// number of them. True when the streak has just become long enough to propose a zone.
    pub(crate) fn watch_clock(&mut self, key: &str, off: Off) -> bool {
        let Off::ByQuarters(quarters) = off else {
            self.clocks.remove(key);
            return false;
        };
        self.turn += 1;
        let turn = self.turn;
        if let Some(streak) = self.clocks.get_mut(key) {
            streak.turn = turn;
            streak.seen =
                if streak.quarters == quarters { streak.seen.saturating_add(1) } else { 1 };
            streak.quarters = quarters;
            return streak.seen == STREAK;
        }
        if self.clocks.len() >= WATCHED_MAX {
            self.forget_quietest();
        }
        self.clocks.insert(key.into(), Streak { quarters, seen: 1, turn });
        false
    }

    /// Keeps what these devices have taught.
    pub(crate) fn retain(&mut self, mut is_known: impl FnMut(&str) -> bool) {
        self.clocks.retain(|key, _| is_known(key));
    }

    fn forget_quietest(&mut self) {
        let quietest = self.clocks.iter().min_by_key(|(_, streak)| streak.turn);
        if let Some(key) = quietest.map(|(key, _)| key.clone()) {
            self.clocks.remove(&key);
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.turn.to_le_bytes());
        let count = u32::try_from(self.clocks.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&count.to_le_bytes());
        for (key, streak) in &self.clocks {
            let length = u16::try_from(key.len());
            assert!(length.is_ok(), "a key of {} bytes passed the topic limit", key.len());
            out.extend_from_slice(&length.unwrap_or_default().to_le_bytes());
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(&streak.quarters.to_le_bytes());
            out.push(streak.seen);
            out.extend_from_slice(&streak.turn.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StateFault> {
        let at = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(StateFault::Malformed)?;
        let (body, checksum) = bytes.split_at_checked(at).ok_or(StateFault::Malformed)?;
        let mut rest = Cursor(body);
        if rest.take::<4>()? != MAGIC {
            return Err(StateFault::Malformed);
        }
        // Before the checksum, which a later version may compute in another way.
        match u16::from_le_bytes(rest.take()?) {
            VERSION => {}
            other => return Err(StateFault::Version(other)),
        }
        if crc32c::crc32c(body).to_le_bytes() != checksum {
            return Err(StateFault::Checksum);
        }
        Self::decode_body(rest)
    }

    fn decode_body(mut rest: Cursor<'_>) -> Result<Self, StateFault> {
        let mut learned =
            Self { turn: u64::from_le_bytes(rest.take()?), clocks: BTreeMap::default() };
        let count = u32::from_le_bytes(rest.take()?) as usize;
        if count > WATCHED_MAX {
            return Err(StateFault::Malformed);
        }
        for _ in 0..count {
            let length = usize::from(u16::from_le_bytes(rest.take()?));
            let key = rest.text(length)?;
            let quarters = i8::from_le_bytes(rest.take()?);
            let [seen] = rest.take()?;
            let turn = u64::from_le_bytes(rest.take()?);
            learned.clocks.insert(key.into(), Streak { quarters, seen, turn });
        }
        let whole = rest.0.is_empty() && learned.clocks.len() == count;
        if whole { Ok(learned) } else { Err(StateFault::Malformed) }
    }
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], StateFault> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(StateFault::Malformed)?;
        self.0 = tail;
        Ok(*head)
    }

    fn text(&mut self, length: usize) -> Result<&'a str, StateFault> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(StateFault::Malformed)?;
        self.0 = tail;
        std::str::from_utf8(head).map_err(|_fault| StateFault::Malformed)
    }
}
