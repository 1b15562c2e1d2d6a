//! The words of Althing as types. A crate that knows these words can talk to every other crate.
//!
//! Owns: time, topics, messages, sessions, wishes to erase and their record forms, positions and the proof types of
//! the promise, readings, devices, units, the list of things we count, what operators ask.
//! Never: input or output, clocks, serde on types that compute.

pub mod census;
pub mod device;
pub mod erasure;
pub mod message;
pub mod meter;
pub mod promise;
pub mod reading;
pub mod record;
pub mod session;
pub mod time;
pub mod topic;
pub mod trace;
pub mod unit;

pub use device::{DeviceId, DeviceKey};
pub use erasure::Erasure;
pub use message::{Message, Qos};
pub use meter::{Event, Gauge, Meter};
pub use promise::{Committed, Horizon, Lane, Position, Settled};
pub use reading::{Quality, Value};
pub use session::{SessionEvent, SessionRecord};
pub use time::{Moment, Timestamp};
pub use topic::{TopicBuf, TopicFilter, TopicName};
pub use unit::Unit;
