//! Any bytes as a file of points.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| import::probe::lines(input));
