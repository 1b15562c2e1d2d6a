//! What can go wrong, told by who can do something about it.

use std::io;

use model::Position;

/// Why a journal did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// The person who started a second Althing on this directory must stop one of the two.
    #[error("journal directory is in use by another process ({owner})")]
    InUse {
        /// What the other process wrote about itself: its process id.
        owner: Box<str>,
    },
    /// The person who went back to an older Althing must use the newer one again.
    #[error(
        "journal segment {segment} has format version {found}, but this program knows versions up to {known}: \
         start it with the newer program that wrote it"
    )]
    Newer {
        /// File name of the segment.
        segment: Box<str>,
        /// Version found on disk.
        found: u16,
        /// Highest version this program reads.
        known: u16,
    },
    /// The operator must look at the disk or its permissions.
    #[error("journal directory cannot be {doing}")]
    Disk {
        /// What was tried, as a participle.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

impl OpenFault {
    pub(crate) fn disk(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Disk { doing, source }
    }
}

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitFault {
    /// The disk is full. The batch is kept; commit again when there is room.
    #[error("disk is full; nothing is acknowledged until there is room")]
    Full(#[source] io::Error),
    /// The disk refused a write. Final: a restart recovers.
    #[error("journal cannot be written; a restart recovers it")]
    Write(#[source] io::Error),
    /// An fsync failed, so nobody knows what the disk holds. Final: a restart recovers.
    #[error("journal cannot be synced; a restart recovers it")]
    Sync(#[source] io::Error),
    /// An earlier final fault, or damage found at start, stopped the journal: nothing is written.
    #[error("journal is read-only")]
    ReadOnly,
    /// The commit thread panicked.
    #[error("the journal's thread broke down; a restart recovers it")]
    Panicked,
}

impl CommitFault {
    /// Whether the same commit may be tried again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Only a full disk is worth waiting for.
    pub(crate) fn of_write(fault: io::Error) -> Self {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        if full.contains(&fault.kind()) { Self::Full(fault) } else { Self::Write(fault) }
    }
}

/// Why records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// The reader asks for what retention has removed, or for what was never written.
    #[error("journal holds positions from {first} on, not {wanted}")]
    Gone {
        /// What was asked for.
        wanted: Position,
        /// The oldest that is kept.
        first: Position,
    },
    /// The disk gave other bytes than were written. The operator must look at the disk.
    #[error("journal segment {segment} is damaged at byte {offset}, position {position}")]
    Damaged {
        /// File name of the segment.
        segment: Box<str>,
        /// Where the frame that is not whole starts.
        offset: u64,
        /// The first position that cannot be read.
        position: Position,
    },
    /// The operator must look at the disk.
    #[error("journal cannot be read")]
    Disk(#[source] io::Error),
    /// The journal has stopped; there is nothing more to wait for.
    #[error("journal has stopped")]
    Stopped(#[source] crate::TailEnd),
}

/// Why records were not taken. Overload is an ordinary answer: try again after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The batch that is being filled has no room; the disk is behind.
    #[error("journal has no room until the disk has caught up")]
    Busy,
    /// The journal has stopped or is read-only.
    #[error("journal takes nothing any more")]
    Stopped,
}

/// A record beyond `RECORD_BYTES_MAX`, or one too many for a `Pending`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record of {bytes} bytes does not fit")]
pub struct TooLarge {
    /// Length of the record that was refused.
    pub bytes: usize,
}
