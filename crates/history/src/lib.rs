//! Readings as tables: a hot tail in columns, Parquet behind it, one Delta Lake table per space, and one of
//! what each hour comes to.
//!
//! Owns: series and their numbers, the hot tail, the flush to Parquet, the merging of files, the table log, the snapshot,
//! recovery exactly once, the last value of every series, the hours.
//! Never: SQL, MQTT words, clocks. `now` is an argument; files go through `storage::Storage`.
//!
//! One `Writer` (the ingest thread) appends rows in the order of the journal and publishes them
//! with `seal`. Any number of `Reader`s take a `View` at a `Committed` position: the cold files
//! of one table version and the hot rows after it, chosen under one lock, so that a flush shows
//! nothing twice and misses nothing.

mod arrange;
mod care;
mod chart;
mod checkpoint;
mod chunk;
mod cold;
mod cold_rows;
mod delta;
mod fault;
mod file;
mod flush;
mod folder;
mod gone;
mod hot;
mod hours;
mod inspect;
mod kind;
mod latest;
mod log;
mod merge;
mod opening;
mod options;
mod output;
mod part;
mod place;
mod reader;
mod recovery;
pub mod remote;
mod scan;
mod schema;
mod series;
mod shadow;
pub mod snapshot;
pub mod storage;
mod table;
mod writer;

pub use care::Tended;
pub use chart::{Column, Point, Reading};
pub use fault::{FlushFault, MergeFault, OpenFault, ReadFault};
pub use flush::Flushed;
pub use hours::{Day, DayHours, HourRows, HoursScan, Summarised, hour, hours_schema};
pub use inspect::{
    Elsewhere, Formats, Inventory, Verified, VerifyFault, formats, inventory, verify,
};
pub use latest::{Latest, LatestValue};
pub use merge::Merged;
pub use opening::{Resume, open, open_on};
pub use options::{Keep, Keeping, Options};
pub use reader::{Erasing, Outlook, Reader, View};
pub use scan::{Readings, Scan, Share};
pub use schema::{column, readings_schema};
pub use series::{Series, SeriesId, SeriesInfo, SeriesKey};
pub use writer::{Room, Writer};
