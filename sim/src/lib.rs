//! A whole site on one thread, from one seed: devices, network, shards, journal, ingest and history,
//! with disks that fail, tear and lose power, and a clock that only moves when told.
//!
//! The oracle is small: every acknowledged reading is in history exactly as it was sent, at once and
//! after any crash; and nothing is in history that was not sent. The code that runs is the code of
//! the product; only the sockets, the threads and the disks are replaced.

mod device;
mod listener;
mod oracle;
mod random;
mod site;
mod world;

pub use oracle::Violation;
pub use site::Sabotage;
pub use world::{Outcome, run};
