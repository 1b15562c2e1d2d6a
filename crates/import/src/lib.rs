//! Readings from other programs' files, as messages for the front door of a running site.
//!
//! Owns: the decoders (CSV, Parquet, line protocol, Home Assistant, ThingsBoard), what their rows
//! mean, the packs of SenML or lines that carry them, and how far a run came.
//! Never: storage of a site, sockets, a terminal. Whoever calls has a `Door` and shows the progress.
//!
//! Contract: a source hands out its rows in the same order each time, so that a run that was
//! interrupted goes on by skipping rows. Memory is bounded: a batch, and the names of signals.

mod door;
mod fault;
mod input;
mod pack;
mod run;
mod sink;
mod survey;

// One file for each kind of source.
mod columns;
mod csv_file;
mod home_assistant;
mod line_file;
mod parquet_file;
mod thingsboard;

pub mod probe;
#[cfg(test)]
mod testing;

pub use columns::{DeviceFrom, Epoch, Layout};
pub use csv_file::CsvFile;
pub use door::{Batch, Door, DoorFault};
pub use fault::ImportFault;
pub use home_assistant::{HomeAssistant, Parts};
pub use line_file::LineFile;
pub use parquet_file::ParquetFile;
pub use run::{Options, Report, Summary, run};
pub use sink::{Extent, Found, Sink, Skip, Source};
pub use survey::{Names, Skipped, Survey};
pub use thingsboard::ThingsBoard;
