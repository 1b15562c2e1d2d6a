//! The durable log: what Althing acknowledged is here, fsynced, or it was never acknowledged.
//!
//! Owns: segments and frames on disk, group commit, recovery, readers, retention, the one thread
//! that writes. Never: what a record means, MQTT words, SQL, tokio.
//!
//! `Log` is the core: one thread, no clock, no randomness; a simulation drives it over `mem::MemDisk`.
//! `Journal` is the shell around it: many threads submit, one commits, tails and readers follow.
//! `docs/formats/journal.md` has every byte on disk and what is assumed of disks.

#![deny(missing_docs)]

pub mod archive;
mod batch;
mod bytes;
mod clock;
mod disk;
mod fault;
mod follower;
mod frame;
mod journal;
mod log;
pub mod mem;
mod options;
mod reader;
mod sched;
mod segment;
mod stats;
mod table;
mod tail;
mod writer;

pub use batch::{Batch, Pending, Records};
pub use disk::{Disk, DiskFile, FsDisk, FsFile};
pub use fault::{CommitFault, Full, OpenFault, ReadFault, TooLarge};
pub use follower::Follower;
pub use frame::{FRAME_BYTES_MAX, Frame, RECORD_BYTES_MAX};
pub use journal::{Journal, OnFatal};
pub use log::{Damage, Log, Recovery, TornTail};
pub use options::Options;
pub use reader::LogReader;
pub use sched::Schedule;
pub use stats::Stats;
pub use tail::{Tail, TailEnd};
pub use writer::Writer;
