//! Any bytes as MQTT 3.1.1 and 5: read in place, written again, read the same.

#![no_main]

#[path = "../../crates/mqtt/tests/probe/decode.rs"]
mod decode;

libfuzzer_sys::fuzz_target!(|input: &[u8]| decode::probe(input));
