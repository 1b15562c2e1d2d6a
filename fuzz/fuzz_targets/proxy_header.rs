//! Any bytes in front of a connection as a header of the PROXY protocol: read as far as it goes.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| edge::probe::proxy(input));
