//! Puts load on an MQTT broker and measures what came of it: one thread, many connections, every
//! message numbered, so that what is lost, doubled or out of order is counted and not guessed.
//!
//! Owns: the generator, its payloads, the reading of CPU times, the disk's own figure.
//! Never: starting brokers or comparing them. That is `cargo xtask bench`.

mod clock;
mod connects;
mod cpu;
mod disk;
mod forward;
mod load;
mod payload;
mod peer;
mod plan;
mod publisher;
mod report;
mod subscriber;
mod tally;
mod wire;

pub use connects::connects;
pub use disk::disk;
pub use forward::forward;
pub use load::load;
pub use plan::{ConnectPlan, Content, DiskPlan, LoadPlan, Target};
pub use report::{ConnectReport, DiskReport, Latency, LoadReport};
