use std::fs;
use std::path::Path;

use super::Replay;
use crate::dice::Dice;
use crate::torture::write_log::WriteLog;

fn head(sector: u64, sectors: u64, flags: u64) -> Vec<u8> {
    let fields = [sector, sectors, flags, 0];
    let mut bytes: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
    bytes.resize(512, 0);
    bytes
}

/// Writes 1 to sector 0, 2 to sector 1, a flush, then 3 to sector 1 and 4 to sector 2.
fn log(folder: &Path) -> WriteLog {
    let mut start: Vec<u8> = 0x006a_7366_7773_6872_u64.to_le_bytes().to_vec();
    start.extend_from_slice(&1_u64.to_le_bytes());
    start.extend_from_slice(&5_u64.to_le_bytes());
    start.extend_from_slice(&512_u64.to_le_bytes());
    start.resize(512, 0);
    let write = |sector, byte| [head(sector, 1, 0), vec![byte; 512]].concat();
    let all = [start, write(0, 1), write(1, 2), head(0, 0, 1), write(1, 3), write(2, 4)].concat();
    fs::write(folder.join("log"), all).unwrap();
    WriteLog::open(&folder.join("log")).unwrap()
}

#[test]
fn what_was_flushed_is_there_and_what_was_not_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let (disk, image) = (folder.path().join("disk"), folder.path().join("image"));
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        fs::write(&disk, vec![0; 4096]).unwrap();
        let mut replay = Replay::new(&log, &disk).unwrap();
        replay.cut(5, &mut Dice::new(seed), &image).unwrap();
        let bytes = fs::read(&image).unwrap();
        seen.insert([bytes[0], bytes[512], bytes[1024]]);
    }
    let expected = [[1, 2, 0], [1, 2, 4], [1, 3, 0], [1, 3, 4]];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn before_the_first_flush_nothing_is_sure() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path());
    let (disk, image) = (folder.path().join("disk"), folder.path().join("image"));
    fs::write(&disk, vec![0; 4096]).unwrap();
    let mut replay = Replay::new(&log, &disk).unwrap();
    let cut = replay.cut(2, &mut Dice::new(1), &image).unwrap();
    assert_eq!(cut.whole + cut.torn + cut.dropped, 2);
    assert_eq!(fs::read(&disk).unwrap(), vec![0; 4096]);
}
