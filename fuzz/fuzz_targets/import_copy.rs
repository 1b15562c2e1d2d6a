//! Any bytes as a block of PostgreSQL's COPY: rows that are accepted have the cells of their table.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| import::probe::copy(input));
