//! What can go wrong, by who must act: the operator (`OpenFault`), nobody but time (`FlushFault`:
//! it is tried again), whoever asked (`ReadFault`).

use std::io;

use arrow::error::ArrowError;
use model::Position;
use parquet::errors::ParquetError;

use crate::remote::AWAY;

/// Why the history does not open; an operator must act.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    #[error("{what} was written by a newer version of Althing (format {found}, known {known})")]
    Newer { what: &'static str, found: u64, known: u64 },
    #[error("{name} is damaged: {what}")]
    Damaged { name: Box<str>, what: &'static str },
    #[error("the table is at journal position {table}, but no snapshot of it is left")]
    SnapshotMissing { table: Position },
    #[error("{name} cannot be read or written")]
    Storage {
        name: Box<str>,
        #[source]
        source: io::Error,
    },
}

/// Why a flush did not happen. The rows stay in the hot tail and the flush may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum FlushFault {
    #[error("{name} cannot be written")]
    Storage {
        name: Box<str>,
        #[source]
        source: io::Error,
    },
    #[error("{name} may be written or not; only a restart can tell")]
    Unsure {
        name: Box<str>,
        #[source]
        source: io::Error,
    },
    #[error("rows cannot be encoded as Parquet")]
    Encode(#[from] ParquetError),
    #[error("columns do not fit together")]
    Columns(#[from] ArrowError),
    #[error("no thread can be started for the flush")]
    Thread(#[source] io::Error),
}

impl FlushFault {
    /// Whether the process must end, so that a restart recovers.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Unsure { .. })
    }
}

/// Why files were not merged. They stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum MergeFault {
    #[error("the files of {day} cannot be read")]
    Read {
        day: String,
        #[source]
        source: ReadFault,
    },
    #[error(transparent)]
    Write(#[from] FlushFault),
    #[error("rows cannot be put together")]
    Columns(#[from] ArrowError),
}

/// Why a scan ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    #[error("{name} cannot be read")]
    Storage {
        name: Box<str>,
        #[source]
        source: io::Error,
    },
    #[error("{name} is damaged")]
    Damaged {
        name: Box<str>,
        #[source]
        source: ParquetError,
    },
    #[error("columns do not fit together")]
    Columns(#[from] ArrowError),
}

impl ReadFault {
    /// What a store that did not answer said: a later try may succeed.
    #[must_use]
    pub fn away(&self) -> Option<&io::Error> {
        match self {
            Self::Storage { source, .. } => Some(source).filter(|fault| fault.kind() == AWAY),
            Self::Damaged { .. } | Self::Columns(_) => None,
        }
    }
}
