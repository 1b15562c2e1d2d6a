//! A hostile client, an unreliable connection and a journal that commits now and then: nothing is
//! acknowledged before its commit, and QoS 2 reaches the hub once.

#![no_main]

#[path = "../../crates/mqtt/tests/probe/session.rs"]
mod session;

libfuzzer_sys::fuzz_target!(|input: &[u8]| session::probe(input));
