//! Real files.

use model::{Position, Timestamp};

use super::*;
use crate::log::Log;
use crate::options::Options;

#[test]
fn a_second_opener_is_told_who_has_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/journal");
    let disk = FsDisk::open(&path).unwrap();
    let fault = FsDisk::open(&path).unwrap_err();
    let OpenFault::InUse { owner } = &fault else { panic!("{fault}") };
    assert_eq!(**owner, format!("process {}", std::process::id()));
    let reader = disk.handle();
    drop(disk);
    assert!(FsDisk::open(&path).is_err(), "a reader's handle holds the lock too");
    drop(reader);
    FsDisk::open(&path).unwrap();
}

#[test]
fn a_log_on_real_files_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        || Options { segment_bytes: 64 << 10, retain_bytes: 64 << 10, ..Options::default() };
    let disk = FsDisk::open(folder.path()).unwrap();
    let (mut log, recovery) = Log::open(disk, options(), Timestamp::EPOCH).unwrap();
    assert_eq!((recovery.last, recovery.segments), (Position::ZERO, 1));
    let mut reader = log.reader(Position::new(1));
    for number in 1..=60_u8 {
        log.append(&[number; 5_000], Timestamp::EPOCH).unwrap();
        log.commit().unwrap();
        assert_eq!(reader.next_batch().unwrap().unwrap().iter().next().unwrap().1, [number; 5_000]);
    }
    assert!(log.retain(Timestamp::EPOCH, Position::new(50)).unwrap() > 0);
    let first = log.first();
    log.fill_ahead().unwrap();
    drop((log, reader));
    let disk = FsDisk::open(folder.path()).unwrap();
    let (log, recovery) = Log::open(disk, options(), Timestamp::EPOCH).unwrap();
    assert_eq!((recovery.first, recovery.last), (first, Position::new(60)));
    assert_eq!((recovery.torn, recovery.damage), (None, None));
    let batch = log.reader(Position::new(60)).next_batch().unwrap().unwrap();
    assert_eq!(batch.iter().next(), Some((Position::new(60), &[60; 5_000][..])));
}

#[test]
fn names_that_are_not_ours_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["notes.txt", "1.segment", "x000000000000001.segment"] {
        std::fs::write(folder.path().join(name), "mine").unwrap();
    }
    let disk = FsDisk::open(folder.path()).unwrap();
    let (_, recovery) = Log::open(disk, Options::default(), Timestamp::EPOCH).unwrap();
    assert_eq!((recovery.segments, recovery.damage), (1, None));
    assert_eq!(std::fs::read(folder.path().join("1.segment")).unwrap(), b"mine");
}

#[test]
fn a_created_file_is_all_zeros() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), vec![7; 300_000]).unwrap();
    let disk = FsDisk::open(folder.path()).unwrap();
    let file = disk.create("file", 200_001).unwrap();
    let mut bytes = vec![1; 300_000];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 200_001);
    assert!(bytes[..200_001].iter().all(|byte| *byte == 0));
    assert_eq!(file.read_at(&mut bytes, 200_001).unwrap(), 0);
}
