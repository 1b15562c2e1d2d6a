//! The log against a model, on a disk that breaks at any call.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::bytes::mix;
use crate::fault::ReadFault;
use crate::mem::{MemDisk, Trouble};

fn small() -> Options {
    Options {
        segment_bytes: 64 << 10,
        batch_bytes_max: 32 << 10,
        retain_bytes: 200 << 10,
        ..Options::default()
    }
}

fn open(disk: &MemDisk, options: Options) -> (Log<MemDisk>, Recovery) {
    Log::open(disk.handle(), options, Timestamp::from_millis(1)).unwrap()
}

fn commit(log: &mut Log<MemDisk>, record: &[u8]) -> Position {
    log.append(record, Timestamp::from_millis(2)).unwrap();
    log.commit().unwrap()
}

fn read_all(log: &Log<MemDisk>) -> Result<BTreeMap<u64, Vec<u8>>, ReadFault> {
    let mut reader = log.reader(log.first());
    let mut records = BTreeMap::new();
    while let Some(batch) = reader.next_batch()? {
        for (position, record) in &batch {
            records.insert(position.get(), record.to_vec());
        }
    }
    Ok(records)
}

/// A site that writes, dies and comes back, and everything that was promised.
struct World {
    seed: u64,
    disk: MemDisk,
    chance: u64,
    /// What was last appended at each position.
    appended: BTreeMap<u64, Vec<u8>>,
    acknowledged: u64,
    keep_from: u64,
    restarts: u32,
    rolled: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            disk: MemDisk::new(seed),
            chance: seed,
            appended: BTreeMap::new(),
            acknowledged: 0,
            keep_from: 1,
            restarts: 0,
            rolled: false,
        }
    }

    fn roll(&mut self, limit: u64) -> u64 {
        self.chance = mix(self.chance);
        self.chance % limit
    }

    /// One life of the process: until a fault ends it, or it ends by itself.
    fn live(&mut self) {
        let options = Options { salt_seed: self.chance, ..small() };
        let now = Timestamp::from_millis(i64::from(self.restarts));
        let Ok((mut log, recovery)) = Log::open(self.disk.handle(), options, now) else { return };
        self.check(&log, &recovery);
        for _ in 0..self.roll(40) {
            if !self.step(&mut log, now) {
                return;
            }
        }
        if self.roll(2) == 0 && log.close(now).is_ok() {
            assert_eq!(log.last().get(), self.acknowledged);
        }
    }

    fn check(&mut self, log: &Log<MemDisk>, recovery: &Recovery) {
        assert_eq!(recovery.damage, None, "no fault of this test damages what was durable");
        let last = recovery.last.get();
        let (promised, seed) = (self.acknowledged, self.seed);
        assert!(last >= promised, "seed {seed}: {last} of {promised} acknowledged");
        assert!(recovery.first.get() <= self.keep_from, "retention keeps what readers need");
        self.rolled |= recovery.first.get() > 1;
        let records = read_all(log).unwrap();
        let all: Vec<u64> = (recovery.first.get()..=last).collect();
        assert!(records.keys().eq(all.iter()), "no holes: {recovery:?}");
        for (position, record) in &records {
            assert_eq!(self.appended.get(position), Some(record), "position {position}");
        }
        self.acknowledged = last;
    }

    fn step(&mut self, log: &mut Log<MemDisk>, now: Timestamp) -> bool {
        match self.roll(12) {
            0 => {
                let behind = self.roll(20);
                let wanted = self.acknowledged.saturating_sub(behind).max(1);
                self.keep_from = self.keep_from.max(wanted);
                survives(log.retain(now, Position::new(self.keep_from)))
            }
            1 => survives(log.fill_ahead()),
            _ => {
                for _ in 0..=self.roll(4) {
                    self.append(log, now);
                }
                let done = log.commit();
                if let Ok(last) = done {
                    self.acknowledged = last.get();
                    assert_eq!(last, log.last());
                }
                survives(done)
            }
        }
    }

    fn append(&mut self, log: &mut Log<MemDisk>, now: Timestamp) {
        let length = [3, 100, 4_000, 9_000][usize::try_from(self.roll(4)).unwrap()];
        let record = vec![self.chance.to_le_bytes()[0]; length];
        match log.append(&record, now) {
            Ok(position) => {
                self.appended.insert(position.get(), record);
            }
            Err(full) => assert_eq!(full, Full::Busy),
        }
    }

    /// Kills the process, or cuts the power, and plans the next trouble.
    fn restart(&mut self) {
        self.restarts += 1;
        let cut = self.disk.is_powerless() || self.roll(2) == 0;
        let seed = self.roll(u64::MAX);
        self.disk = if cut { self.disk.after_power_cut(seed) } else { self.disk.after_kill() };
        let trouble = [Trouble::PowerCut, Trouble::Error, Trouble::Full, Trouble::PowerCut];
        let trouble = trouble[usize::try_from(self.roll(4)).unwrap()];
        let call = self.roll(60);
        self.disk.plan(call, trouble);
    }
}

/// Whether the process goes on: after a full disk it does.
fn survives<T>(outcome: Result<T, CommitFault>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(fault) => fault.is_retryable(),
    }
}

#[test]
fn an_acknowledged_record_survives_whatever_the_disk_does() {
    let mut rolled = 0;
    for seed in 0..400 {
        let mut world = World::new(seed);
        for _ in 0..12 {
            world.live();
            world.restart();
        }
        rolled += u32::from(world.rolled);
        assert!(world.restarts == 12 && !world.appended.is_empty(), "seed {seed} proves nothing");
    }
    assert!(rolled > 50, "only {rolled} of 400 worlds ever retired a segment");
}

#[test]
fn records_come_back_in_order_over_segments() {
    let disk = MemDisk::new(1);
    let (mut log, _) = open(&disk, small());
    for number in 1..=200_u64 {
        let position = commit(&mut log, &vec![0; 1_000]);
        assert_eq!(position.get(), number);
    }
    assert!(log.shared().table().entries.len() > 3);
    assert_eq!(read_all(&log).unwrap().len(), 200);
    let (log, recovery) = open(&disk.after_kill(), small());
    assert_eq!((recovery.first.get(), recovery.last.get()), (1, 200));
    assert_eq!(read_all(&log).unwrap().len(), 200);
}

#[test]
fn a_reader_starts_in_the_middle_of_a_frame() {
    let disk = MemDisk::new(1);
    let (mut log, _) = open(&disk, small());
    for text in ["a", "b", "c"] {
        log.append(text.as_bytes(), Timestamp::EPOCH).unwrap();
    }
    log.commit().unwrap();
    let batch = log.reader(Position::new(2)).next_batch().unwrap().unwrap();
    let records: Vec<_> = batch.iter().map(|(at, text)| (at.get(), text.to_vec())).collect();
    assert_eq!(records, [(2, b"b".to_vec()), (3, b"c".to_vec())]);
}

#[test]
fn a_reader_sees_only_what_is_committed() {
    let disk = MemDisk::new(1);
    let (mut log, _) = open(&disk, small());
    let mut reader = log.reader(Position::new(1));
    log.append(b"a", Timestamp::EPOCH).unwrap();
    assert!(reader.next_batch().unwrap().is_none());
    log.commit().unwrap();
    assert_eq!(reader.next_batch().unwrap().unwrap().len(), 1);
    assert!(reader.next_batch().unwrap().is_none());
}

#[test]
fn a_reader_overtaken_by_retention_is_told() {
    let disk = MemDisk::new(1);
    let (mut log, _) = open(&disk, Options { retain_bytes: 0, ..small() });
    let mut reader = log.reader(Position::new(1));
    for _ in 0..20 {
        commit(&mut log, &[7; 9_000]);
    }
    reader.next_batch().unwrap();
    assert!(log.retain(Timestamp::EPOCH, Position::new(15)).unwrap() > 0);
    // The file the reader has open is written again, under its feet.
    for _ in 0..20 {
        commit(&mut log, &[8; 9_000]);
    }
    let first = log.first();
    let told = reader.next_batch().unwrap_err();
    assert!(matches!(told, ReadFault::Gone { first: at, .. } if at == first), "{told}");
}

#[test]
fn retention_goes_by_age_and_bytes_and_keeps_what_readers_need() {
    let disk = MemDisk::new(1);
    let options = Options { retain_bytes: u64::MAX, ..small() };
    let age = options.retain_age;
    let (mut log, _) = open(&disk, options);
    let start = Timestamp::from_millis(5_000);
    for _ in 0..40 {
        log.append(&[1; 9_000], start).unwrap();
        log.commit().unwrap();
    }
    let everything = Position::new(41);
    assert_eq!(log.retain(start, everything).unwrap(), 0, "nothing is old");
    let later = start.saturating_add(age);
    assert_eq!(log.retain(later, Position::new(1)).unwrap(), 0, "everything is needed");
    assert!(log.retain(later, Position::new(20)).unwrap() > 0);
    assert!(log.first().get() > 1 && log.first().get() <= 20);
    assert!(log.retain(later, everything).unwrap() > 0);
    assert!(log.first() <= log.last(), "the segment in use stays");
}

#[test]
fn retired_segments_are_used_again() {
    let disk = MemDisk::new(1);
    let (mut log, _) = open(&disk, Options { retain_bytes: 128 << 10, ..small() });
    for number in 0..200 {
        commit(&mut log, &[1; 9_000]);
        log.retain(Timestamp::EPOCH, Position::new(number + 1)).unwrap();
    }
    let names = disk.list().unwrap();
    assert!(names.len() <= 5, "{names:?}");
    assert!(names.iter().any(|name| name.ends_with(".spare")), "{names:?}");
    let (log, recovery) = open(&disk.after_power_cut(3), small());
    assert_eq!((recovery.last.get(), recovery.damage), (200, None));
    assert!(read_all(&log).unwrap().values().all(|record| record == &[1; 9_000]));
}

#[test]
fn a_full_disk_keeps_the_batch_for_another_try() {
    let disk = MemDisk::new(1);
    let (mut log, _) = open(&disk, small());
    commit(&mut log, b"first");
    let first_call = disk.calls();
    for call in first_call..first_call + 20 {
        disk.plan(call, Trouble::Full);
    }
    for _ in 0..20 {
        let room = log.append(&[2; 5_000], Timestamp::EPOCH);
        assert!(matches!(room, Ok(_) | Err(Full::Busy)), "{room:?}");
        assert!(log.commit().is_err_and(|fault| fault.is_retryable()));
    }
    let last = log.commit().unwrap();
    assert_eq!(read_all(&log).unwrap().len() as u64, last.get());
}

#[test]
fn after_a_failed_fsync_nothing_is_written() {
    let disk = MemDisk::new(1);
    let (mut log, _) = open(&disk, small());
    commit(&mut log, b"kept");
    disk.plan(disk.calls() + 1, Trouble::Error);
    log.append(b"lost", Timestamp::EPOCH).unwrap();
    let fault = log.commit().unwrap_err();
    assert!(matches!(fault, CommitFault::Sync(_)), "{fault}");
    let calls = disk.calls();
    assert!(matches!(log.commit(), Err(CommitFault::ReadOnly)));
    assert!(matches!(log.close(Timestamp::EPOCH), Err(CommitFault::ReadOnly)));
    assert_eq!(log.append(b"later", Timestamp::EPOCH), Err(Full::Stopped));
    assert_eq!(log.retain(Timestamp::from_millis(i64::MAX / 1_000), Position::new(9)).unwrap(), 0);
    assert_eq!((disk.calls(), log.last().get()), (calls, 1));
    assert_eq!(read_all(&log).unwrap().len(), 1);
}

#[test]
fn a_log_that_has_come_further_than_any_can_is_damage_and_takes_nothing() {
    for (first, damaged) in [(1 << 61, false), ((1 << 61) + 1, true), (1 << 62, true)] {
        let segment = Segment {
            sequence: 1,
            salt: 7,
            first: Position::new(first),
            previous: 0,
            created: Timestamp::EPOCH,
        };
        let disk = MemDisk::new(1);
        disk.put(&segment.name(), segment.encode());
        let (mut log, recovery) = open(&disk, small());
        assert_eq!(recovery.damage.is_some(), damaged, "{first}");
        assert_eq!(log.append(b"later", Timestamp::EPOCH).is_err(), damaged, "{first}");
    }
}

#[test]
fn a_record_of_the_longest_kind_fits() {
    let disk = MemDisk::new(1);
    let (mut log, _) = open(&disk, small());
    commit(&mut log, b"small");
    commit(&mut log, &vec![9; RECORD_BYTES_MAX]);
    commit(&mut log, b"small");
    let (log, _) = open(&disk.after_power_cut(1), small());
    let records = read_all(&log).unwrap();
    assert_eq!(records.get(&2).map(Vec::len), Some(RECORD_BYTES_MAX));
    assert_eq!(records.len(), 3);
}

#[test]
fn a_start_fills_one_step_and_not_a_segment() {
    let disk = MemDisk::new(1);
    let (mut log, _) = open(&disk, Options::default());
    assert_eq!(log.disk_bytes(), FILL_STEP);
    for _ in 0..300 {
        commit(&mut log, b"reading");
        log.fill_ahead().unwrap();
    }
    assert!(log.disk_bytes() > FILL_STEP && log.disk_bytes() < 4 * FILL_STEP);
    assert_eq!(log.shared().table().entries.len(), 1);
}

#[test]
fn a_commit_into_filled_blocks_is_one_write_and_one_sync() {
    let disk = MemDisk::new(1);
    let (mut log, _) = open(&disk, Options::default());
    let before = disk.calls();
    for _ in 0..100 {
        commit(&mut log, b"reading");
    }
    assert_eq!(disk.calls() - before, 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_records_read_back(sizes in prop::collection::vec(0_usize..20_000, 1..40), every in 1_usize..6) {
        let disk = MemDisk::new(1);
        let (mut log, _) = open(&disk, small());
        let mut wanted = BTreeMap::new();
        for (index, size) in sizes.iter().enumerate() {
            let record = vec![u8::try_from(index).unwrap(); *size];
            let at = match log.append(&record, Timestamp::EPOCH) {
                Ok(at) => at,
                Err(_) => {
                    log.commit().unwrap();
                    log.append(&record, Timestamp::EPOCH).unwrap()
                }
            };
            wanted.insert(at.get(), record);
            if index % every == 0 {
                log.commit().unwrap();
            }
        }
        log.commit().unwrap();
        prop_assert_eq!(read_all(&log).unwrap(), wanted.clone());
        let (log, _) = open(&disk.after_power_cut(2), small());
        prop_assert_eq!(read_all(&log).unwrap(), wanted);
    }
}
