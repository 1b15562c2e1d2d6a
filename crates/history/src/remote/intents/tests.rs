use std::collections::BTreeSet;

use super::{NAME, read, write};
use crate::storage::Storage as _;
use crate::storage::memory::Memory;

#[test]
fn version_one_still_reads() {
    let storage = Memory::default();
    let paths = BTreeSet::from(["day=2026-11-25/a".to_owned(), "day=2026-11-25/b".to_owned()]);
    write(&storage, &paths).unwrap();
    let golden = "althing moving 1 67a2a768\nday=2026-11-25/a\nday=2026-11-25/b\n";
    assert_eq!(str::from_utf8(&storage.files()[NAME]).unwrap(), golden);
    assert_eq!(read(&storage).unwrap(), paths);
    write(&storage, &BTreeSet::new()).unwrap();
    assert!(!storage.files().contains_key(NAME));
    assert!(read(&storage).unwrap().is_empty());
}

#[test]
fn what_is_damaged_names_nothing() {
    let storage = Memory::default();
    write(&storage, &BTreeSet::from(["day=2026-11-25/a".to_owned()])).unwrap();
    storage.flip(NAME, 30 * 8);
    assert!(read(&storage).unwrap().is_empty());
    storage.write(NAME, &[0xff]).unwrap();
    assert!(read(&storage).unwrap().is_empty());
}
