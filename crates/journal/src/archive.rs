//! Segments from outside: copied while another process writes to them, or checked while none does.
//!
//! A copy is made frame by frame and ends before the first frame that does not hold. So it never
//! has a half-written frame in its middle, which a later start would take for damage.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use model::{Format, Position};

use crate::bytes::u16_at;
use crate::disk::DiskFile;
use crate::frame::{BLOCK, Frame, Header, VERSION};
use crate::log::scan::{Ending, scan};
use crate::segment::{MAGIC, Segment, segment_sequence};

/// The frames of one segment that hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    sequence: u64,
    previous: u64,
    link: u64,
    first: Position,
    next: Position,
    bytes: u64,
}

impl Stretch {
    /// Position of the first record.
    #[must_use]
    pub const fn first(&self) -> Position {
        self.first
    }

    /// Position after the last record.
    #[must_use]
    pub const fn next(&self) -> Position {
        self.next
    }

    /// Length of the copy.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether nothing is missing between the two.
    #[must_use]
    pub fn is_followed_by(&self, next: &Self) -> bool {
        self.sequence + 1 == next.sequence && self.next == next.first && self.link == next.previous
    }
}

/// What a segment looks like to a start that finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All of it holds; the newest may end in a commit that was cut off.
    Whole(Stretch),
    /// From this byte on, something durable does not read back.
    Damaged(u64),
}

/// The segments of a directory, oldest first.
///
/// # Errors
/// When the directory cannot be read.
pub fn segments(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let sequence = entry.file_name().to_str().and_then(segment_sequence);
        found.extend(sequence.map(|sequence| (sequence, entry.path())));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The version of a segment, also while another process writes to it. Only the beginning is read,
/// since a newer version may have its checksum elsewhere.
///
/// # Errors
/// When it cannot be read.
pub fn format(path: &Path) -> io::Result<Format> {
    let mut block = vec![0; BLOCK];
    let read = Reading(File::open(path)?).read_at(&mut block, 0)?;
    let start = block.get(..read).filter(|block| block.starts_with(MAGIC));
    let found = start.and_then(|block| u16_at(block, 4)).map(u64::from);
    let (oldest, newest) = (u64::from(VERSION), u64::from(VERSION));
    Ok(Format { what: "journal", found, oldest, newest })
}

/// Copies the frames of a segment that hold; `None` when its first block does not.
///
/// # Errors
/// When it cannot be read or the copy not be written.
pub fn copy_segment(path: &Path, to: &mut dyn Write) -> io::Result<Option<Stretch>> {
    let file = Reading(File::open(path)?);
    let Some((segment, block)) = first_block(&file)? else { return Ok(None) };
    to.write_all(&block)?;
    let mut stretch = start_of(&segment);
    while let Some((header, frame)) = frame_at(&file, stretch.bytes, segment.salt)? {
        if header.first != stretch.next || header.previous != stretch.link {
            break;
        }
        to.write_all(frame.padded())?;
        stretch.bytes += header.padded_len() as u64;
        stretch.next = header.next();
        stretch.link = header.link();
    }
    Ok(Some(stretch))
}

/// Reads all of a segment that nobody writes to.
///
/// # Errors
/// When it cannot be read.
pub fn check_segment(path: &Path) -> io::Result<Condition> {
    let file = Reading(File::open(path)?);
    let Some((segment, _)) = first_block(&file)? else { return Ok(Condition::Damaged(0)) };
    let found = scan(&file, &segment)?;
    if found.ending == Ending::Damaged {
        return Ok(Condition::Damaged(found.offset));
    }
    let stretch = start_of(&segment);
    Ok(Condition::Whole(Stretch {
        link: found.link,
        next: found.next,
        bytes: found.offset,
        ..stretch
    }))
}

fn start_of(segment: &Segment) -> Stretch {
    Stretch {
        sequence: segment.sequence,
        previous: segment.previous,
        link: segment.previous,
        first: segment.first,
        next: segment.first,
        bytes: BLOCK as u64,
    }
}

fn first_block(file: &Reading) -> io::Result<Option<(Segment, Vec<u8>)>> {
    let mut block = vec![0; BLOCK];
    let read = file.read_at(&mut block, 0)?;
    let segment = block.get(..read).and_then(|block| Segment::decode(block).ok());
    Ok(segment.map(|segment| (segment, block)))
}

fn frame_at(file: &Reading, offset: u64, salt: u64) -> io::Result<Option<(Header, Frame)>> {
    let mut block = [0; BLOCK];
    let read = file.read_at(&mut block, offset)?;
    let header = block.get(..read).and_then(Header::parse).filter(|header| header.salt == salt);
    let Some(header) = header else { return Ok(None) };
    let mut bytes = vec![0; header.padded_len()];
    let read = file.read_at(&mut bytes, offset)?;
    let whole = read == bytes.len();
    let frame = whole.then(|| Frame::verify(&header, bytes)).flatten();
    Ok(frame.map(|frame| (header, frame)))
}

/// A file that is only read, without the lock of its directory.
#[derive(Debug)]
struct Reading(File);

impl DiskFile for Reading {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, offset + done as u64)? {
                0 => break,
                read => done += read,
            }
        }
        Ok(done)
    }

    fn write_at(&mut self, _bytes: &[u8], _offset: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
