//! The tables of a space, and what differs between them. One log, one kind of folders and one way
//! to write and check files serve both.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::folder::Folder;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Readings,
    /// What the readings of each hour come to.
    Hours,
}

impl Kind {
    /// The folder of the table, below the space.
    pub(crate) const fn dir(self) -> &'static str {
        match self {
            Self::Readings => "readings",
            Self::Hours => "hours",
        }
    }

    pub(crate) const fn log_dir(self) -> &'static str {
        match self {
            Self::Readings => "readings/_delta_log",
            Self::Hours => "hours/_delta_log",
        }
    }

    pub(crate) fn commit_name(self, version: u64) -> String {
        format!("{}/{version:020}.json", self.log_dir())
    }

    /// A folder of the table, below the space.
    pub(crate) fn dir_of(self, folder: Folder) -> String {
        format!("{}/day={}", self.dir(), folder.name())
    }

    /// The name of a file, below the space.
    pub(crate) fn name_of(self, path: &str) -> String {
        format!("{}/{path}", self.dir())
    }

    /// Rows of a row group: it ends with its signal once it has the lesser number, at the latest
    /// with the greater. Readings: small enough that a chart reads little, large enough that a
    /// thousand signals do not make a thousand groups. Hours: a signal has 24 rows in a file, and a
    /// chart of a year reads 365 of them, so a group has those of 85 to 680 series.
    pub(crate) const fn group_rows(self) -> (usize, usize) {
        match self {
            Self::Readings => (16_384, 131_072),
            Self::Hours => (2_048, 16_384),
        }
    }

    /// Rows of a page: what a look-up decodes at least.
    pub(crate) const fn page_rows(self) -> usize {
        match self {
            Self::Readings => 8_192,
            Self::Hours => 1_024,
        }
    }

    /// The columns of a file. The first three and the time stand at the same places in both, so
    /// that row groups and pages are left out in the same way.
    pub(crate) fn stored(self) -> SchemaRef {
        Arc::clone(match self {
            Self::Readings => &READINGS,
            Self::Hours => &HOURS,
        })
    }
}

static READINGS: LazyLock<SchemaRef> = LazyLock::new(|| {
    let more = [
        Field::new("time", time(), false),
        Field::new("number", DataType::Float64, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("quality", DataType::Int32, false),
    ];
    Arc::new(Schema::new(named().into_iter().chain(more).collect::<Vec<_>>()))
});

static HOURS: LazyLock<SchemaRef> = LazyLock::new(|| {
    let number = |name| Field::new(name, DataType::Float64, true);
    let moment = |name| Field::new(name, time(), true);
    let more = [
        Field::new("hour", time(), false),
        Field::new("readings", DataType::Int64, false),
        Field::new("numbers", DataType::Int64, false),
        number("sum"),
        number("min"),
        number("max"),
        moment("min_time"),
        moment("max_time"),
        number("first"),
        moment("first_time"),
        number("last"),
        moment("last_time"),
    ];
    Arc::new(Schema::new(named().into_iter().chain(more).collect::<Vec<_>>()))
});

fn named() -> [Field; 3] {
    let name = DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8));
    [
        Field::new("device", name.clone(), false),
        Field::new("signal", name, false),
        // Delta Lake has no unsigned types.
        Field::new("series", DataType::Int32, false),
    ]
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}
