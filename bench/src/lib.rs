//! Puts load on an MQTT broker and measures what came of it: one thread, many connections, every
//! message numbered, so that what is lost, doubled or out of order is counted and not guessed.
//!
//! Owns: the generator, its payloads, what stores are compared with, the reading of CPU times, the
//! disk's own figure.
//! Never: starting brokers or comparing them. That is `cargo xtask bench`.

mod clock;
mod connects;
mod cpu;
mod dial;
mod dice;
mod disk;
mod forward;
mod hold;
mod jitter;
mod load;
mod payload;
mod peer;
mod plan;
mod publisher;
mod report;
mod state;
mod subscriber;
mod tally;
#[cfg(test)]
mod testing;
pub mod tsbs;
mod walk;
mod wire;
mod write;
mod year;

pub use connects::connects;
pub use cpu::{memory_of, peak_memory_of};
pub use disk::disk;
pub use forward::forward;
pub use hold::{HoldReport, hold};
pub use jitter::{JitterPlan, Jittered, jitter};
pub use load::{load, watch};
pub use plan::{
    ConnectPlan, Content, DiskPlan, HoldPlan, Listening, LoadPlan, Manner, StatePlan, Target, Thing,
};
pub use report::{ConnectReport, DiskReport, Latency, LoadReport, StateReport};
pub use state::state;
pub use write::{WritePlan, WriteReport, write};
pub use year::Year;
