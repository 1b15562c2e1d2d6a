//! Replays what is kept in `fuzz/corpus`.

use std::path::Path;

use crate::{probe_decode, probe_session};

fn replay(target: &str, probe: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut inputs = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        probe(&std::fs::read(entry.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "{} holds inputs", folder.display());
}

#[test]
fn every_kept_packet_is_survived() {
    replay("mqtt_decode", probe_decode::probe);
}

#[test]
fn every_kept_conversation_keeps_the_promise() {
    replay("mqtt_session", probe_session::probe);
}
