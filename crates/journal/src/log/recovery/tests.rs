//! What a start makes of disks that were hurt.

use super::*;
use crate::bytes::mix;
use crate::fault::ReadFault;
use crate::mem::MemDisk;

const FIRST: &str = "0000000000000001.segment";

fn small() -> Options {
    Options { segment_bytes: 64 << 10, ..Options::default() }
}

fn start(disk: &MemDisk) -> (Log<MemDisk>, Recovery) {
    Log::open(disk.handle(), small(), Timestamp::from_millis(3)).unwrap()
}

fn commit(log: &mut Log<MemDisk>, record: &[u8]) {
    log.append(record, Timestamp::EPOCH).unwrap();
    log.commit().unwrap();
}

/// A journal of `frames` frames of two blocks each.
fn written(frames: u8) -> MemDisk {
    let disk = MemDisk::new(1);
    let (mut log, _) = start(&disk);
    for number in 0..frames {
        commit(&mut log, &[number + 1; 6_000]);
    }
    disk
}

fn read(log: &Log<MemDisk>) -> (Vec<u8>, Option<ReadFault>) {
    let mut reader = log.reader(log.first());
    let mut seen = Vec::new();
    loop {
        match reader.next_batch() {
            Ok(Some(batch)) => {
                for (_, record) in &batch {
                    assert!(record.len() == 6_000 && record.iter().all(|byte| *byte == record[0]));
                    seen.push(record[0]);
                }
            }
            Ok(None) => return (seen, None),
            Err(fault) => return (seen, Some(fault)),
        }
    }
}

#[test]
fn an_empty_directory_starts_where_it_is_told() {
    let disk = MemDisk::new(1);
    let options = Options { start: Position::new(100), ..small() };
    let (mut log, recovery) = Log::open(disk, options, Timestamp::EPOCH).unwrap();
    assert_eq!((recovery.first.get(), recovery.last.get()), (100, 99));
    commit(&mut log, &[1; 6_000]);
    assert_eq!(log.last().get(), 100);
}

#[test]
fn a_torn_last_frame_is_cut_and_never_comes_back() {
    let disk = written(3);
    // The second block of the third frame: its header says more than there is.
    assert!(disk.flip(FIRST, 6 * BLOCK + 9, 0));
    let (mut log, recovery) = start(&disk);
    let torn = TornTail { segment: FIRST.to_owned(), offset: 5 * BLOCK as u64 };
    assert_eq!((recovery.last.get(), recovery.torn, recovery.damage), (2, Some(torn), None));
    commit(&mut log, &[9; 6_000]);
    assert_eq!(read(&log).0, [1, 2, 9]);
    // Even if the torn bytes heal.
    assert!(disk.flip(FIRST, 6 * BLOCK + 9, 0));
    let (log, recovery) = start(&disk);
    assert_eq!((recovery.last.get(), recovery.torn, recovery.damage), (3, None, None));
    assert_eq!(read(&log).0, [1, 2, 9]);
}

#[test]
fn a_bad_frame_before_a_good_one_is_damage_and_not_an_end() {
    let disk = written(4);
    assert!(disk.flip(FIRST, 4 * BLOCK + 9, 3));
    let (mut log, recovery) = start(&disk);
    let damage = recovery.damage.unwrap();
    assert_eq!((damage.segment.as_str(), damage.offset), (FIRST, 3 * BLOCK as u64));
    assert_eq!(damage.position.get(), 2);
    assert!(log.is_read_only());
    assert!(matches!(log.commit(), Err(CommitFault::ReadOnly)));
    assert_eq!(read(&log).0, [1], "what is before the damage can be read");
    let copy = damage.copy.unwrap();
    assert_eq!(disk.bytes(&copy), disk.bytes(FIRST));
    let (_, again) = start(&disk);
    assert_eq!(again.damage.unwrap().copy, Some(copy), "one copy is enough");
}

#[test]
fn a_closed_log_tells_damage_to_its_last_record() {
    let disk = written(2);
    start(&disk).0.close(Timestamp::EPOCH).unwrap();
    let (_, recovery) = start(&disk);
    assert_eq!((recovery.last.get(), recovery.frames, &recovery.damage), (2, 3, &None));
    assert!(disk.flip(FIRST, 3 * BLOCK + 70, 3));
    assert!(start(&disk).1.damage.is_some());
}

#[test]
fn every_bit_flip_is_found_or_harmless() {
    let pristine = written(14);
    start(&pristine).0.close(Timestamp::EPOCH).unwrap();
    let names: Vec<_> = pristine.list().unwrap();
    assert!(names.len() > 1, "more than one segment");
    let all: Vec<u8> = (1..=14).collect();
    let (mut found, mut harmless) = (0, 0);
    let mut chance = 5;
    for _ in 0..3_000 {
        let disk = pristine.after_kill();
        chance = mix(chance);
        let name = &names[usize::try_from(chance >> 8).unwrap() % names.len()];
        // Mostly where frames are; the rest of a segment is zeros.
        let length = disk.bytes(name).unwrap().len().min(15 * BLOCK);
        let byte = usize::try_from(chance >> 16).unwrap() % length;
        assert!(disk.flip(name, byte, chance.to_le_bytes()[0]));
        match Log::open(disk.handle(), small(), Timestamp::EPOCH) {
            Err(fault) => panic!("damage is not an error: {fault}"),
            Ok((log, recovery)) => {
                let (seen, fault) = read(&log);
                assert!(all.starts_with(&seen), "no wrong record, ever: {name} {byte}");
                let told = recovery.damage.is_some() || fault.is_some();
                assert!(told || seen == all, "lost in silence: {name} {byte} {recovery:?}");
                if told { found += 1 } else { harmless += 1 }
            }
        }
    }
    assert!(found > 1_000 && harmless > 100, "{found} {harmless}");
}

#[test]
fn a_missing_segment_is_damage() {
    let disk = written(30);
    disk.remove("0000000000000002.segment").unwrap();
    let (log, recovery) = start(&disk);
    let damage = recovery.damage.unwrap();
    assert_eq!((damage.segment.as_str(), damage.copy), ("0000000000000002.segment", None));
    assert!(log.is_read_only());
    assert_eq!(u64::from(*read(&log).0.last().unwrap()) + 1, damage.position.get());
}

#[test]
fn a_newer_version_is_refused_by_name() {
    let disk = written(1);
    let mut bytes = disk.bytes(FIRST).unwrap();
    bytes[4] = 2;
    let crc = crc32c::crc32c(&bytes[..60]);
    bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    disk.put(FIRST, bytes.clone());
    let fault = Log::open(disk.handle(), small(), Timestamp::EPOCH).unwrap_err();
    assert!(matches!(fault, OpenFault::Newer { found: 2, known: 1, .. }), "{fault}");
    assert_eq!(disk.bytes(FIRST), Some(bytes), "and left as it is");
}

#[test]
fn bytes_of_an_earlier_life_are_no_frames() {
    let disk = written(3);
    let old = disk.bytes(FIRST).unwrap();
    let fresh = MemDisk::new(2);
    fresh.put("0000000000000001.spare", old);
    let options = Options { salt_seed: 4, ..small() };
    let (log, recovery) = Log::open(fresh, options, Timestamp::EPOCH).unwrap();
    assert_eq!((recovery.last.get(), recovery.damage), (0, None));
    assert_eq!(read(&log).0, []);
}

#[test]
fn a_frame_inside_a_payload_is_no_frame() {
    let disk = written(1);
    let stolen = disk.bytes(FIRST).unwrap()[BLOCK..3 * BLOCK].to_vec();
    let victim = MemDisk::new(1);
    let options = || Options { salt_seed: 77, ..small() };
    let (mut log, _) = Log::open(victim.handle(), options(), Timestamp::EPOCH).unwrap();
    // The stolen frame starts at a block, behind the header and the length of the record.
    let mut record = vec![0; BLOCK - 68];
    record.extend_from_slice(&stolen);
    commit(&mut log, &record);
    assert!(victim.flip(FIRST, BLOCK + 100, 1));
    let (_, recovery) = Log::open(victim.handle(), options(), Timestamp::EPOCH).unwrap();
    assert!(recovery.torn.is_some() && recovery.damage.is_none(), "{recovery:?}");
}

#[test]
fn what_a_killed_process_left_in_memory_is_synced_before_it_counts() {
    let disk = written(2).after_kill();
    let before = disk.syncs();
    let (_, recovery) = start(&disk);
    assert!(disk.syncs() > before);
    let (_, again) = start(&disk.after_power_cut(1));
    assert_eq!(again.last, recovery.last);
}
