//! What sources hand out, and to whom.

use model::{Timestamp, Unit, Value};

use crate::fault::ImportFault;

/// A reading as a source has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found<'a> {
    pub device: &'a str,
    pub signal: &'a str,
    pub unit: Option<Unit>,
    pub value: Value<'a>,
    pub at: Timestamp,
}

/// Why something of a row is no reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    Unreadable,
    NoTime,
    TooEarly,
    TooLate,
    NoDevice,
    NoSignal,
    NoValue,
    NotFinite,
    TextTooLong,
    NameTooLong,
    TooManySignals,
    UnknownEntity,
    Statement,
    /// The reading is taken, its mark of quality is not.
    Quality,
}

impl Skip {
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Unreadable => "cannot be read",
            Self::NoTime => "no time, or one that cannot be read",
            Self::TooEarly => "a time before the year 2000",
            Self::TooLate => "a time more than a day ahead",
            Self::NoDevice => "no device",
            Self::NoSignal => "no signal",
            Self::NoValue => "no value (empty, null, unknown, unavailable)",
            Self::NotFinite => "a number that is infinite or none",
            Self::TextTooLong => "a text of more than 256 bytes",
            Self::NameTooLong => "a name of more than 512 bytes",
            Self::TooManySignals => "beyond the 500 signals a device may have",
            Self::UnknownEntity => "of something that is no device or asset of the dump",
            Self::Statement => "a statement, not a point",
            Self::Quality => "a mark of quality (its reading is taken)",
        }
    }
}

/// How much there is to read, for those who wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Bytes(u64),
    Rows(u64),
}

/// Takes the rows of a source.
pub trait Sink {
    /// A row begins, at this line or number of the file, when so much of the extent is read. False:
    /// an earlier run has taken it, so the source passes on.
    ///
    /// # Errors
    /// When what came before it cannot be sent.
    fn row(&mut self, place: u64, done: u64) -> Result<bool, ImportFault>;

    /// # Errors
    /// When there are too many names.
    fn reading(&mut self, found: &Found<'_>) -> Result<(), ImportFault>;

    /// A line of line protocol, which says more than one reading.
    ///
    /// # Errors
    /// When there are too many names, or what came before it cannot be sent.
    fn line(&mut self, database: &str, line: &str) -> Result<(), ImportFault>;

    fn skip(&mut self, why: Skip);

    /// So much is read, and nothing of it is a row.
    ///
    /// # Errors
    /// When somebody asked to stop.
    fn passed(&mut self, done: u64) -> Result<(), ImportFault>;
}

/// A file of readings.
pub trait Source {
    fn extent(&self) -> Extent;

    /// Which rows these are: it differs when the file was changed.
    fn identity(&self) -> String;

    /// Reads all of it, in the same order each time.
    ///
    /// # Errors
    /// When the file cannot be read to its end, or the sink cannot go on.
    fn read(&mut self, sink: &mut dyn Sink) -> Result<(), ImportFault>;
}
