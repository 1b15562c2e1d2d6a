//! The disk itself: what survives what.

use super::*;
use crate::disk::{Disk as _, DiskFile as _};

fn written(disk: &MemDisk, name: &str) -> MemFile {
    let mut file = disk.create(name, 0).unwrap();
    file.write_at(&[1; 4_096], 0).unwrap();
    file
}

#[test]
fn only_what_was_synced_is_sure_to_survive_a_power_cut() {
    let mut lost = 0;
    for seed in 0..50 {
        let disk = MemDisk::new(seed);
        let mut file = written(&disk, "file");
        disk.sync().unwrap();
        file.sync_data().unwrap();
        file.write_at(&[2; 4_096], 0).unwrap();
        let after = disk.after_power_cut(seed);
        let bytes = after.bytes("file").unwrap();
        assert!(bytes.iter().all(|byte| [1, 2].contains(byte)));
        lost += u32::from(bytes.contains(&1) && bytes.contains(&2));
        assert!(file.write_at(&[3], 0).is_err(), "the old handle has no power");
    }
    assert!(lost > 10, "torn writes happen");
}

#[test]
fn a_name_that_was_not_synced_may_be_lost_and_one_that_was_may_not() {
    let mut kept = 0;
    for seed in 0..50 {
        let disk = MemDisk::new(seed);
        written(&disk, "a").sync_data().unwrap();
        disk.sync().unwrap();
        disk.rename("a", "b").unwrap();
        let after = disk.after_power_cut(seed);
        assert!(after.bytes("a").is_some() != after.bytes("b").is_some());
        kept += u32::from(after.bytes("b").is_some());
    }
    assert!((5..45).contains(&kept), "{kept}");
}

#[test]
fn a_killed_process_loses_nothing_yet() {
    let disk = MemDisk::new(1);
    written(&disk, "file");
    let after = disk.after_kill();
    assert_eq!(after.bytes("file").unwrap(), [1; 4_096]);
    assert!(after.after_power_cut(1).bytes("gone").is_none());
}

#[test]
fn a_full_disk_takes_a_part() {
    let disk = MemDisk::new(1);
    disk.set_capacity(Some(1_000));
    let mut file = disk.create("file", 0).unwrap();
    let fault = file.write_at(&[1; 1_500], 0).unwrap_err();
    assert_eq!(fault.kind(), io::ErrorKind::StorageFull);
    assert_eq!(file.len().unwrap(), 1_000);
    file.write_at(&[2; 1_000], 0).unwrap();
}
