use expect_test::expect_file;
use model::{Position, Unit};
use proptest::prelude::*;

use super::{Snapshot, SnapshotLatest, SnapshotSeries};
use crate::OpenFault;

fn sample() -> Snapshot {
    let series = |id, device: &str, signal: &str, unit, last_time, latest| SnapshotSeries {
        id,
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
        numbers: 3,
        series: vec![
            series(
                0,
                "farm/barn1",
                "temperature",
                Unit::from_code("Cel"),
                number.time,
                Some(number),
            ),
            series(1, "farm/barn1", "door", None, -5, Some(text)),
            series(2, "", "", None, i64::MIN, None),
        ],
        gone: Vec::new(),
        extra: b"learned".to_vec(),
    }
}

#[test]
fn version_one_still_reads() {
    let golden = include_bytes!("../../tests/golden/snapshot-v1.bin");
    let read = Snapshot::decode("golden", golden).unwrap();
    expect_file!["../../tests/golden/snapshot-v1.txt"].assert_debug_eq(&read);
    assert_eq!(read, sample());
}

/// As the sample, after the second series and one more were erased.
fn after_erasures() -> Snapshot {
    let mut snapshot = sample();
    snapshot.series.remove(1);
    let gone = vec![(1, Position::new(70)), (4, Position::new(77))];
    Snapshot { numbers: 6, gone, ..snapshot }
}

#[test]
fn version_two_reads_and_is_written() {
    let golden = include_bytes!("../../tests/golden/snapshot-v2.bin");
    let read = Snapshot::decode("golden", golden).unwrap();
    expect_file!["../../tests/golden/snapshot-v2.txt"].assert_debug_eq(&read);
    assert_eq!(read, after_erasures());
    assert_eq!(after_erasures().encode(), golden);
}

#[test]
fn numbers_that_do_not_add_up_are_damage() {
    let check = |what: &str, change: fn(&mut Snapshot)| {
        let mut snapshot = after_erasures();
        change(&mut snapshot);
        assert!(Snapshot::decode("bad", &snapshot.encode()).is_err(), "{what}");
    };
    check("a number that was never given", |it| it.numbers = 4);
    check("a series that is there and gone", |it| it.gone[0].0 = 0);
    check("a series twice", |it| it.series[1].id = 0);
    check("erasures out of order", |it| it.gone.swap(0, 1));
    check("an erasure that is still to come", |it| it.gone[1].1 = Position::new(78));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let good = after_erasures().encode();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let read = Snapshot::decode("bad", &bad);
        assert!(read.is_err(), "bit {bit} flipped and nobody saw it");
    }
}

#[test]
fn a_cut_is_noticed_everywhere() {
    let good = after_erasures().encode();
    for length in 0..good.len() {
        assert!(Snapshot::decode("cut", &good[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn a_newer_version_is_named() {
    let mut newer = sample().encode();
    newer[8] = 3;
    let fault = Snapshot::decode("newer", &newer).unwrap_err();
    assert!(matches!(fault, OpenFault::Newer { found: 3, known: 2, .. }), "{fault}");
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
    fn bytes_with_a_right_checksum_never_panic(version in 1..3_u8, mut body in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = b"ALTHSNAP\x01\0\0\0".to_vec();
        bytes[8] = version;
        bytes.append(&mut body);
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend(checksum.to_le_bytes());
        check_round_trip(&bytes);
    }
}
