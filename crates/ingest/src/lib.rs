//! From the journal to history: the required reader.
//!
//! Owns: the step from a record to rows (which dialect reads it, which device it is, which series its
//! readings belong to), the live feed of what came in, and the state that is kept beside history.
//! Never: sockets, threads, clocks; the shell hands it batches and the time.

mod devices;
mod feed;
mod ingest;
mod keeping;
mod snapshot;
mod unread;

pub use feed::{Feed, Point, PointValue, Since};
pub use ingest::{Ingest, IngestFault, Source, Stores};
pub use snapshot::{SnapshotFault, formats};
