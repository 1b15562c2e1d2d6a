use expect_test::expect_file;
use model::{Position, Unit};
use proptest::prelude::*;

use super::{Snapshot, SnapshotLatest, SnapshotSeries};
use crate::OpenFault;

fn sample() -> Snapshot {
    let series = |device: &str, signal: &str, unit, last_time, latest| SnapshotSeries {
        device: device.to_owned(),
        signal: signal.to_owned(),
        unit,
        last_time,
        latest,
    };
    let number = SnapshotLatest { time: 1_764_000_000_123, number: 21.5, quality: 0, text: None };
    let text =
        SnapshotLatest { time: -5, number: 0.0, quality: 9, text: Some("öffen".to_owned()) };
    Snapshot {
        position: Position::new(77),
        series: vec![
            series("farm/barn1", "temperature", Unit::from_code("Cel"), number.time, Some(number)),
            series("farm/barn1", "door", None, -5, Some(text)),
            series("", "", None, i64::MIN, None),
        ],
        extra: b"learned".to_vec(),
    }
}

#[test]
fn version_one_still_reads_and_is_still_written() {
    let golden = include_bytes!("../../tests/golden/snapshot-v1.bin");
    let read = Snapshot::decode("golden", golden).unwrap();
    expect_file!["../../tests/golden/snapshot-v1.txt"].assert_debug_eq(&read);
    assert_eq!(read, sample());
    assert_eq!(sample().encode(), golden);
}

#[test]
fn every_flipped_bit_is_noticed() {
    let good = sample().encode();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let read = Snapshot::decode("bad", &bad);
        assert!(read.is_err(), "bit {bit} flipped and nobody saw it");
    }
}

#[test]
fn a_cut_is_noticed_everywhere() {
    let good = sample().encode();
    for length in 0..good.len() {
        assert!(Snapshot::decode("cut", &good[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn a_newer_version_is_named() {
    let mut newer = sample().encode();
    newer[8] = 2;
    let fault = Snapshot::decode("newer", &newer).unwrap_err();
    assert!(matches!(fault, OpenFault::Newer { found: 2, known: 1, .. }), "{fault}");
}

#[test]
fn the_fuzz_corpus_is_harmless() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/history_snapshot");
    let mut seen = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        check_round_trip(&bytes);
        seen += 1;
    }
    assert!(seen > 0, "the corpus is there");
}

/// What decodes survives another round. (Units that are unknown do not, so bytes may differ once.)
fn check_round_trip(bytes: &[u8]) {
    if let Ok(snapshot) = Snapshot::decode("input", bytes) {
        let encoded = snapshot.encode();
        assert_eq!(Snapshot::decode("own", &encoded).unwrap().encode(), encoded);
    }
}

proptest! {
    #[test]
    fn bytes_with_a_right_checksum_never_panic(mut body in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = b"ALTHSNAP\x01\0\0\0".to_vec();
        bytes.append(&mut body);
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend(checksum.to_le_bytes());
        check_round_trip(&bytes);
    }
}
