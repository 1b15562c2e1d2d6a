//! Any bytes as a WebSocket: no panic, and the pieces in which they come mean nothing.
//!
//! The first byte says how long the pieces are, and whether the request is still to come.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| edge::probe::websocket(input));
