//! What can go wrong, sorted by who must act.

use std::io;
use std::path::{Path, PathBuf};

use crate::door::DoorFault;
use crate::survey::SIGNALS_MAX;

/// Why an import ended early.
#[derive(Debug, thiserror::Error)]
pub enum ImportFault {
    /// The owner of the file.
    #[error("{} cannot be read", path.display())]
    Input { path: PathBuf, source: io::Error },
    #[error("{} is no readable CSV", path.display())]
    Csv { path: PathBuf, source: csv::Error },
    #[error("{} is no readable Parquet file", path.display())]
    Parquet { path: PathBuf, source: parquet::errors::ParquetError },
    #[error("a column of {} cannot be read", path.display())]
    Column { path: PathBuf, source: arrow::error::ArrowError },
    #[error("{} is no readable SQLite database", path.display())]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    #[error("{}, line {line}: {what}", path.display())]
    Line { path: PathBuf, line: u64, what: &'static str },
    /// The caller: name another file, or another kind of it.
    #[error("{} is not what it is taken for: {what}", path.display())]
    Unfit { path: PathBuf, what: &'static str },
    /// The caller: change the flags.
    #[error("there is no column {wanted:?}; the file has {present}")]
    NoColumn { wanted: Box<str>, present: Box<str> },
    #[error("no column is left that could be a signal")]
    NoSignals,
    #[error("{0:?} is no unit that Althing knows")]
    Unit(Box<str>),
    #[error(
        "there are more than {SIGNALS_MAX} signals: a column of numbers may be taken for names"
    )]
    TooManySignals,
    #[error(transparent)]
    Progress(#[from] field::ProgressFault),
    #[error(transparent)]
    Door(#[from] DoorFault),
    /// Nobody: it was asked for.
    #[error("stopped before the end")]
    Stopped,
}

impl ImportFault {
    pub(crate) fn input(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Input { path: path.to_owned(), source }
    }

    pub(crate) fn sqlite(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Sqlite { path: path.to_owned(), source }
    }
}
