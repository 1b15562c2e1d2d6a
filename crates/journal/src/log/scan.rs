//! Reads one segment from its start to where its frames end, and tells how they end.

use std::io;

use model::{Position, Timestamp};

use crate::disk::DiskFile;
use crate::frame::{BLOCK, Frame, Header};
use crate::segment::Segment;

/// The frames of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan {
    /// Where the first frame that does not hold starts.
    pub offset: u64,
    /// Position after the last record.
    pub next: Position,
    /// The link of the last frame.
    pub link: u64,
    pub frames: u64,
    /// Of the newest frame.
    pub time: Timestamp,
    pub ending: Ending,
}

/// What comes behind the last frame that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing of this segment's life.
    Clean,
    /// A frame that a power cut left half written.
    Torn,
    /// A frame that does not hold although a later one does.
    Damaged,
}

pub(crate) fn scan(file: &impl DiskFile, segment: &Segment) -> io::Result<Scan> {
    let mut scan = Scan {
        offset: BLOCK as u64,
        next: segment.first,
        link: segment.previous,
        frames: 0,
        time: segment.created,
        ending: Ending::Clean,
    };
    while let Some(header) = frame_at(file, scan.offset, segment.salt)? {
        if header.first != scan.next || header.previous != scan.link {
            break;
        }
        scan.offset += header.padded_len() as u64;
        scan.next = header.next();
        scan.link = header.link();
        scan.time = header.time;
        scan.frames += 1;
    }
    scan.ending = ending(file, segment.salt, scan.offset)?;
    Ok(scan)
}

fn ending(file: &impl DiskFile, salt: u64, offset: u64) -> io::Result<Ending> {
    let torn = header_at(file, offset, salt)?.is_some();
    let end = file.len()?;
    let mut at = offset;
    while at < end {
        if frame_at(file, at, salt)?.is_some() {
            return Ok(Ending::Damaged);
        }
        at += BLOCK as u64;
    }
    Ok(if torn { Ending::Torn } else { Ending::Clean })
}

/// The whole frame at `offset`, when it belongs to this life of the segment and its checksum holds.
fn frame_at(file: &impl DiskFile, offset: u64, salt: u64) -> io::Result<Option<Header>> {
    let Some(header) = header_at(file, offset, salt)? else { return Ok(None) };
    let mut bytes = vec![0; header.padded_len()];
    let read = file.read_at(&mut bytes, offset)?;
    // A file that ends inside the zeros behind the records was cut there; none of them counts.
    let whole = read == bytes.len() && Frame::verify(&header, bytes).is_some();
    Ok(whole.then_some(header))
}

fn header_at(file: &impl DiskFile, offset: u64, salt: u64) -> io::Result<Option<Header>> {
    let mut block = [0; BLOCK];
    let read = file.read_at(&mut block, offset)?;
    let header = block.get(..read).and_then(Header::parse);
    Ok(header.filter(|header| header.salt == salt))
}
