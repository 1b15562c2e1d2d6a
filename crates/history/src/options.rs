//! What a site can choose about its history.

use std::path::PathBuf;
use std::time::Duration;

use crate::remote::RemoteOptions;

/// Rows in one chunk of the hot tail: large enough for column loops, small enough to copy the
/// open one for a view (65,536 rows of 22 bytes are 1.4 MB).
pub(crate) const CHUNK_ROWS: usize = 65_536;

#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that holds `<space>/readings/`.
    pub dir: PathBuf,
    /// The organisation whose table this is; one folder each.
    pub space: String,
    /// Rows of the hot tail that make a flush due. While it runs as many again may arrive, so the
    /// tail holds at most twice this: 16 M rows of 22 bytes are 352 MB, plus the texts.
    pub hot_rows_max: u64,
    /// Age of the oldest hot row that makes a flush due.
    pub hot_age_max: Duration,
    /// How long files that were merged or dropped stay on disk, for programs that read the folder
    /// and know an older version of the table.
    pub linger: Duration,
    /// Readings older than this leave with the whole of their folder. `None` keeps all.
    pub keep: Option<Duration>,
    /// Where old days go. `None` keeps them here.
    pub remote: Option<RemoteOptions>,
    /// Hours older than this leave, likewise, whether their readings are still there or not.
    pub keep_hours: Option<Duration>,
    /// Bytes of readings that are read as fast as the columns of a file of hours are opened: where
    /// the wanted readings of a day are fewer, its hours are not read in their place.
    pub hours_cost: u64,
}

/// Some 25,000 readings of one signal: both take 0.4 ms on the machine it was measured on.
const HOURS_COST_BYTES: u64 = 48 << 10;

/// How long the readings of a device stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// As `Options::keep` says.
    #[default]
    AsAll,
    For(Duration),
    Ever,
}

/// Devices whose readings stay longer or shorter than others. Asked again and again, on a thread of low
/// priority: what it says may change.
pub trait Keeping: std::fmt::Debug + Send + Sync {
    fn of(&self, device: &str) -> Keep;
    /// Everything that `of` can answer.
    fn all(&self) -> Vec<Keep>;
}

impl Keep {
    /// `None` for ever.
    pub(crate) const fn span(self, all: Option<Duration>) -> Option<Duration> {
        match self {
            Self::AsAll => all,
            Self::For(span) => Some(span),
            Self::Ever => None,
        }
    }
}

impl Options {
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            space: "main".to_owned(),
            hot_rows_max: 8_000_000,
            hot_age_max: Duration::from_secs(15 * 60),
            linger: Duration::from_secs(60 * 60),
            keep: None,
            remote: None,
            keep_hours: None,
            hours_cost: HOURS_COST_BYTES,
        }
    }

    /// Rows at which `Writer::seal` answers `Room::Full`.
    #[must_use]
    pub const fn rows_limit(&self) -> u64 {
        self.hot_rows_max.saturating_mul(2)
    }
}
