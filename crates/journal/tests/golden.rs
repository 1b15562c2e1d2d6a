//! The bytes of version 1, for ever.

#[cfg(test)]
mod golden {
    use std::fmt::Write as _;

    use expect_test::expect_file;
    use journal::mem::MemDisk;
    use journal::{Disk as _, Log, Options};
    use model::{Position, Timestamp};

    const NAME: &str = "0000000000000001.segment";
    const GOLDEN: &[u8] = include_bytes!("golden/journal-v1.bin");

    fn log_on(disk: &MemDisk) -> (Log<MemDisk>, journal::Recovery) {
        let options = Options { salt_seed: 42, segment_bytes: 64 << 10, ..Options::default() };
        Log::open(disk.handle(), options, Timestamp::from_micros(1_700_000_000_000_000)).unwrap()
    }

    fn described(log: &Log<MemDisk>) -> String {
        let mut text = String::new();
        let mut reader = log.reader(Position::new(1));
        while let Some(batch) = reader.next_batch().unwrap() {
            writeln!(text, "frame of {} at {}", batch.len(), batch.time().micros()).unwrap();
            for (position, record) in &batch {
                writeln!(text, "  {position}: {}", record.escape_ascii()).unwrap();
            }
        }
        text
    }

    #[test]
    fn the_version_is_told_of_this_one_and_of_a_newer_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let found = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            journal::archive::format(&path).unwrap()
        };
        let format = found(GOLDEN);
        assert_eq!((format.found, format.oldest, format.newest), (Some(1), 1, 1));
        let mut newer = GOLDEN.to_vec();
        newer[4] = 9;
        assert_eq!(found(&newer).found, Some(9), "whatever its checksum is");
        assert_eq!(found(b"ALJ").found, None);
        assert_eq!(found(&[0; 4_096]).found, None);
    }

    #[test]
    fn version_one_still_reads() {
        let disk = MemDisk::new(1);
        disk.put(NAME, GOLDEN.to_vec());
        let (log, recovery) = log_on(&disk);
        assert_eq!((recovery.frames, recovery.torn, recovery.damage), (3, None, None));
        expect_file!["golden/journal-v1.txt"].assert_eq(&described(&log));
    }

    #[test]
    fn version_one_is_still_written() {
        let disk = MemDisk::new(1);
        let (mut log, _) = log_on(&disk);
        let time = |second: i64| Timestamp::from_micros(1_700_000_000_000_000 + second * 1_000_000);
        log.append(b"21.5", time(1)).unwrap();
        log.append(b"", time(1)).unwrap();
        log.commit().unwrap();
        log.append(&[0xfe, 0, 1], time(2)).unwrap();
        log.commit().unwrap();
        log.close(time(3)).unwrap();
        let bytes = disk.bytes(NAME).unwrap();
        let (written, zeros) = bytes.split_at(4 * 4096);
        assert!(written == GOLDEN, "the format changed: that is another version");
        assert!(zeros.iter().all(|byte| *byte == 0));
    }
}
