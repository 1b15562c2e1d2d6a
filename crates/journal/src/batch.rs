//! Records on their way: `Pending` before the journal has them, `Batch` after.

use std::sync::Arc;

use model::{Position, Timestamp};

use crate::fault::TooLarge;
use crate::frame::{FRAME_BYTES_MAX, Frame, PREFIX, RECORD_BYTES_MAX, split_record};

/// Records a caller gathers and then submits together. Its memory is used again and again.
#[derive(Debug, Default)]
pub struct Pending {
    /// Each record behind its length, as in a frame: submitting is one copy.
    bytes: Vec<u8>,
    count: u32,
}

impl Pending {
    /// Adds one record.
    ///
    /// # Errors
    /// When it does not fit; nothing is added then.
    pub fn push(&mut self, record: &[u8]) -> Result<(), TooLarge> {
        self.push_with(|out| out.extend_from_slice(record))
    }

    /// Adds the record that `encode` appends to the buffer.
    ///
    /// # Errors
    /// When it does not fit; nothing is added then.
    pub fn push_with(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<(), TooLarge> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; PREFIX]);
        encode(&mut self.bytes);
        let length = self.bytes.len().saturating_sub(start + PREFIX);
        let fits = length <= RECORD_BYTES_MAX && self.bytes.len() <= FRAME_BYTES_MAX;
        let prefix = u32::try_from(length).ok().filter(|_| fits);
        let slot = self.bytes.get_mut(start..start + PREFIX);
        let (Some(prefix), Some(slot)) = (prefix, slot) else {
            self.bytes.truncate(start);
            return Err(TooLarge { bytes: length });
        };
        slot.copy_from_slice(&prefix.to_le_bytes());
        self.count += 1;
        Ok(())
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes the records will take in a frame.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The records, in order, for those who hand them to a `Log` themselves.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.as_bytes();
        std::iter::from_fn(move || {
            let (record, after) = split_record(rest)?;
            rest = after;
            Some(record)
        })
    }

    /// Forgets the records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// Gives memory back that only a burst needed.
    pub fn shrink_to(&mut self, bytes: usize) {
        self.bytes.shrink_to(bytes);
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Records with consecutive positions. A clone shares the bytes.
#[derive(Clone, Debug)]
pub struct Batch {
    frame: Arc<Frame>,
    /// Where in the frame's records this batch starts.
    start: usize,
    first: Position,
    count: u32,
}

impl Batch {
    /// A batch of the given records, for those who test what reads batches.
    ///
    /// # Errors
    /// When the records do not fit into one frame.
    pub fn of(first: Position, time: Timestamp, records: &[&[u8]]) -> Result<Self, TooLarge> {
        let mut pending = Pending::default();
        for record in records {
            pending.push(record)?;
        }
        let mut frame = Frame::default();
        frame.extend(&pending);
        frame.seal(crate::frame::Seal { salt: 0, first, previous: 0, time });
        Ok(Self::whole(Arc::new(frame)))
    }

    pub(crate) fn whole(frame: Arc<Frame>) -> Self {
        let (first, count) = (frame.first(), frame.len());
        Self { frame, start: 0, first, count }
    }

    /// Position of the first record.
    #[must_use]
    pub fn first(&self) -> Position {
        self.first
    }

    /// Position of the last record.
    #[must_use]
    pub fn last(&self) -> Position {
        Position::new(self.next().get().saturating_sub(1))
    }

    /// Position after the last record.
    #[must_use]
    pub fn next(&self) -> Position {
        self.first.after(u64::from(self.count))
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }

    /// Whether there is none, which the journal never hands out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// When the batch was closed for its commit.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.frame.time()
    }

    /// Bytes of the records and their lengths.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.rest().len()
    }

    /// The records with their positions.
    #[must_use]
    pub fn iter(&self) -> Records<'_> {
        Records { rest: self.rest(), next: self.first, left: self.count }
    }

    /// The same batch without the records before `from`; `None` when nothing is left.
    #[must_use]
    pub fn starting_at(&self, from: Position) -> Option<Self> {
        let mut records = self.iter();
        while records.next < from {
            records.next()?;
        }
        let (rest, first, count) = (records.rest.len(), records.next, records.left);
        let start = self.frame.body_len().saturating_sub(rest);
        (count > 0).then(|| Self { frame: Arc::clone(&self.frame), start, first, count })
    }

    fn rest(&self) -> &[u8] {
        self.frame.body().get(self.start..).unwrap_or(&[])
    }
}

impl<'a> IntoIterator for &'a Batch {
    type Item = (Position, &'a [u8]);
    type IntoIter = Records<'a>;

    fn into_iter(self) -> Records<'a> {
        self.iter()
    }
}

/// Iterates over a `Batch`.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    next: Position,
    left: u32,
}

impl<'a> Iterator for Records<'a> {
    type Item = (Position, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (record, rest) = split_record(self.rest)?;
        self.rest = rest;
        let position = self.next;
        self.next = position.next();
        Some((position, record))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

#[cfg(test)]
mod tests;
