//! Any bytes as a journal segment: opened, read, written to and opened again, never a panic.

#![no_main]

use journal::mem::{hostile_segment, with_right_checksums};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = hostile_segment(bytes);
    let _ = hostile_segment(&with_right_checksums(bytes));
});
