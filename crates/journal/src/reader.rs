//! Reads committed records from disk, segment after segment, while the log goes on writing.

use std::io::ErrorKind;
use std::sync::Arc;

use model::Position;

use crate::batch::Batch;
use crate::disk::{Disk, DiskFile};
use crate::fault::ReadFault;
use crate::frame::{BLOCK, Frame, Header};
use crate::segment::Segment;
use crate::table::{Shared, View};

/// A reader with its own place in the journal.
#[derive(Debug)]
pub struct LogReader<D: Disk> {
    disk: D,
    shared: Arc<Shared>,
    /// The next position to hand out.
    next: Position,
    place: Option<Place<D::File>>,
}

/// Where in which segment the next frame starts.
#[derive(Debug)]
struct Place<F> {
    segment: Segment,
    file: F,
    offset: u64,
    /// Of the frame at `offset`.
    position: Position,
    link: u64,
}

/// What is at a place.
enum Found {
    Frame(Frame),
    /// All its records are before the reader's position.
    Passed,
    /// Not what was written there.
    Bad,
}

impl<D: Disk> LogReader<D> {
    pub(crate) fn new(disk: D, shared: Arc<Shared>, from: Position) -> Self {
        Self { disk, shared, next: from.max(Position::new(1)), place: None }
    }

    /// Position of the next record.
    #[must_use]
    pub fn position(&self) -> Position {
        self.next
    }

    /// Goes on from `position`, without looking at what lies between. Never back.
    pub fn skip_to(&mut self, position: Position) {
        self.next = self.next.max(position);
    }

    /// The next committed records; `None` when there are no more for now.
    ///
    /// # Errors
    /// `Gone` when retention was faster, `Damaged` when the disk gives other bytes than were
    /// written. Asking again gives the same answer.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, ReadFault> {
        loop {
            let (segment, until) = match self.shared.view(self.next) {
                View::Ahead => return Ok(None),
                View::Gone { first } => return Err(ReadFault::Gone { wanted: self.next, first }),
                View::Inside { segment, until } => (segment, until),
            };
            let Some(mut place) = self.place_in(segment)? else { continue };
            while place.position < until {
                match place.step(self.next)? {
                    Found::Passed => {}
                    Found::Frame(frame) => {
                        self.place = Some(place);
                        return Ok(self.hand_out(frame));
                    }
                    Found::Bad if self.shared.holds(segment.sequence) => {
                        return Err(place.damaged());
                    }
                    // Recycled under our feet: look again, it is gone.
                    Found::Bad => break,
                }
            }
            // The segment ended before a position that the table says is in it.
            if place.position >= until && self.shared.holds(segment.sequence) {
                return Err(place.damaged());
            }
        }
    }

    fn hand_out(&mut self, frame: Frame) -> Option<Batch> {
        let batch = Batch::whole(Arc::new(frame)).starting_at(self.next);
        if let Some(batch) = &batch {
            self.next = batch.next();
        }
        batch
    }

    /// The place the reader is at, or the start of `segment`; `None` when that has gone.
    fn place_in(&mut self, segment: Segment) -> Result<Option<Place<D::File>>, ReadFault> {
        if let Some(place) = self.place.take().filter(|place| place.segment == segment) {
            return Ok(Some(place));
        }
        match self.disk.open(&segment.name()) {
            Ok(file) => Ok(Some(Place {
                segment,
                file,
                offset: BLOCK as u64,
                position: segment.first,
                link: segment.previous,
            })),
            Err(fault) if fault.kind() == ErrorKind::NotFound => {
                let held = self.shared.holds(segment.sequence);
                if held { Err(ReadFault::Disk(fault)) } else { Ok(None) }
            }
            Err(fault) => Err(ReadFault::Disk(fault)),
        }
    }
}

impl<F: DiskFile> Place<F> {
    /// Looks at the frame here and, when it is whole, goes behind it. Of frames without a record
    /// from `wanted` on only the header is looked at.
    fn step(&mut self, wanted: Position) -> Result<Found, ReadFault> {
        let mut block = [0; BLOCK];
        let read = self.file.read_at(&mut block, self.offset).map_err(ReadFault::Disk)?;
        let block = block.get(..read).unwrap_or(&[]);
        let Some(header) = Header::parse(block).filter(|header| self.continues(header)) else {
            return Ok(Found::Bad);
        };
        let found = if header.next() <= wanted {
            Found::Passed
        } else {
            match self.read_frame(&header, block)? {
                Some(frame) => Found::Frame(frame),
                None => return Ok(Found::Bad),
            }
        };
        self.offset += header.padded_len() as u64;
        self.position = header.next();
        self.link = header.link();
        Ok(found)
    }

    fn continues(&self, header: &Header) -> bool {
        header.salt == self.segment.salt
            && header.first == self.position
            && header.previous == self.link
    }

    fn read_frame(&self, header: &Header, block: &[u8]) -> Result<Option<Frame>, ReadFault> {
        let mut bytes = vec![0; header.padded_len()];
        let (start, rest) = bytes.split_at_mut(BLOCK);
        if block.len() < start.len() {
            return Ok(None);
        }
        start.copy_from_slice(block);
        let read = match rest.len() {
            0 => 0,
            _ => {
                let offset = self.offset + BLOCK as u64;
                self.file.read_at(rest, offset).map_err(ReadFault::Disk)?
            }
        };
        let whole = read == rest.len();
        Ok(Frame::verify(header, bytes).filter(|_| whole))
    }

    fn damaged(&self) -> ReadFault {
        ReadFault::Damaged {
            segment: self.segment.name().into(),
            offset: self.offset,
            position: self.position,
        }
    }
}
