//! SCRAM: any bytes to both ends and in the file of credentials are survived, and prove nothing.

#![no_main]

#[path = "../../crates/scram/tests/probe/exchange.rs"]
mod exchange;

libfuzzer_sys::fuzz_target!(|input: &[u8]| exchange::probe(input));
