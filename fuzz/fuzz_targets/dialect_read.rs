//! Any topic and payload: no panic, limits kept, and the same message twice reads the same.
//!
//! The input is one byte of context, the topic up to the first NUL, and the payload.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| dialect::probe::read(input));
