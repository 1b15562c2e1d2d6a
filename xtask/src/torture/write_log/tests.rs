use std::fs;

use super::{Entry, WriteLog, count};

fn sector(fields: &[u64]) -> Vec<u8> {
    let mut bytes: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
    bytes.resize(512, 0);
    bytes
}

#[test]
fn entries_are_found_behind_each_other() {
    let log = [
        sector(&[super::MAGIC, 1, 3, 512]),
        sector(&[8, 2, 0, 0]),
        vec![7; 1024],
        sector(&[16, 4, super::DISCARD, 0]),
        sector(&[0, 0, super::FLUSH, 0]),
    ];
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), log.concat()).unwrap();
    let log = WriteLog::open(file.path()).unwrap();
    let shape = |entry: &Entry| (entry.target, entry.bytes, entry.is_flush(), entry.is_discard());
    assert_eq!(
        log.entries().iter().map(shape).collect::<Vec<_>>(),
        [(4096, 1024, false, false), (8192, 2048, false, true), (0, 0, true, false)]
    );
    assert_eq!(log.data(&log.entries()[0]).unwrap(), vec![7; 1024]);
    assert_eq!(log.data(&log.entries()[1]).unwrap(), vec![0; 2048]);
    assert_eq!(count(file.as_file()).unwrap(), 3);
}

#[test]
fn another_file_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), vec![1; 4096]).unwrap();
    WriteLog::open(file.path()).unwrap_err();
}
