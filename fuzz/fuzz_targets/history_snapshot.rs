//! Bytes from a disk as a snapshot of history: an error or a snapshot, never a panic, and what
//! decodes survives another round.

#![no_main]

use history::snapshot::Snapshot;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The checksum would stop nearly every input, so it is made right.
    let mut bytes = bytes.to_vec();
    if let Some(body) = bytes.len().checked_sub(4) {
        bytes.truncate(body);
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend(checksum.to_le_bytes());
    }
    if let Ok(snapshot) = Snapshot::decode("input", &bytes) {
        let encoded = snapshot.encode();
        let again = Snapshot::decode("own", &encoded).expect("what was encoded decodes");
        assert_eq!(again.encode(), encoded);
    }
});
