//! What a site needs to play or to load a field of devices, over real MQTT as devices speak it.
//!
//! `client` is a small blocking MQTT client, `world` a demo world of devices that is a pure
//! function of time, `demo` lets that world speak, `replay` publishes CSV files.
//! Never: storage, a terminal, tokio. Whoever calls owns the threads and prints what happened.

pub mod client;
pub mod clock;
pub mod demo;
mod fault;
pub mod replay;
pub mod world;

pub use client::{Client, Event};
pub use clock::{Clock, Stop};
pub use fault::{Fault, MappingFault, ProgressFault};
