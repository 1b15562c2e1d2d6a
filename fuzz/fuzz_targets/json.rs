//! Any bytes as JSON: what is accepted has a sound tree.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| dialect::probe::json(input));
