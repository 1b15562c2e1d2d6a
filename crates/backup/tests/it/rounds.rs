use std::fs;

use backup::{BackupFault, restore, take, verify_backup, verify_site};
use model::{Position, Timestamp};

use crate::site::{NOW, Site};

#[test]
fn a_site_made_from_a_backup_holds_what_was_committed() {
    let mut site = Site::new();
    site.write(50);
    site.flush();
    site.write(20);
    let folder = site.beside("backup");
    let taken = site.back_up(&folder);
    assert_eq!(taken.position, Position::new(70));
    assert_eq!(verify_backup(&folder, &mut |_| {}).unwrap().faults, Vec::<String>::new());
    let copy = site.beside("copy");
    assert_eq!(restore(&folder, &copy, &mut |_| {}).unwrap(), Position::new(70));
    let checked = verify_site(&copy).unwrap();
    assert_eq!((checked.position, checked.rows), (Position::new(70), 50));
    assert_eq!(checked.faults, Vec::<String>::new());
}

#[test]
fn a_site_that_was_never_flushed_has_a_backup() {
    let mut site = Site::new();
    let folder = site.beside("backup");
    assert_eq!(site.back_up(&folder).position, Position::ZERO);
    site.write(3);
    assert_eq!(site.back_up(&folder).position, Position::new(3));
    let copy = site.beside("copy");
    restore(&folder, &copy, &mut |_| {}).unwrap();
    assert_eq!(verify_site(&copy).unwrap().position, Position::new(3));
}

/// Files that never change are copied once, over segments and flushes.
#[test]
fn the_next_backup_copies_what_is_new() {
    let mut site = Site::new();
    let folder = site.beside("backup");
    site.write(600);
    site.flush();
    let first = site.back_up(&folder);
    assert_eq!((first.files, first.bytes), (first.copied_files, first.copied_bytes));
    site.write(10);
    let second = site.back_up(&folder);
    assert_eq!(second.position, Position::new(610));
    assert!(second.copied_bytes < first.bytes / 2, "{first:?} {second:?}");
    for _ in 0..5 {
        site.write(300);
        site.flush();
        site.back_up(&folder);
        let copy = site.beside("copy");
        restore(&folder, &copy, &mut |_| {}).unwrap();
        assert_eq!(verify_site(&copy).unwrap().faults, Vec::<String>::new());
        fs::remove_dir_all(copy).unwrap();
    }
}

/// Until the new one is whole, the one before is.
#[test]
fn a_backup_that_fails_leaves_the_one_before() {
    let mut site = Site::new();
    let folder = site.beside("backup");
    site.write(30);
    site.flush();
    site.back_up(&folder);
    site.write(30);
    site.flush();
    let files = site.data().join("history/main/readings");
    fs::remove_dir_all(&files).unwrap();
    fs::create_dir_all(files.join("_delta_log")).unwrap();
    fs::write(files.join("_delta_log/00000000000000000000.json"), "no json").unwrap();
    take(&site.data(), &folder, (NOW, &mut |_| {})).unwrap_err();
    assert_eq!(verify_backup(&folder, &mut |_| {}).unwrap().position, Position::new(30));
    let copy = site.beside("copy");
    restore(&folder, &copy, &mut |_| {}).unwrap();
    assert_eq!(verify_site(&copy).unwrap().faults, Vec::<String>::new());
}

#[test]
fn a_folder_belongs_to_one_site_and_one_past() {
    let (mut one, mut other) = (Site::new(), Site::begun(Timestamp::EPOCH));
    let folder = one.beside("backup");
    one.write(10);
    one.flush();
    one.back_up(&folder);
    other.write(20);
    let refused = take(&other.data(), &folder, (NOW, &mut |_| {})).unwrap_err();
    assert!(matches!(refused, BackupFault::Other { .. }), "{refused}");
    other.flush();
    let refused = take(&other.data(), &folder, (NOW, &mut |_| {})).unwrap_err();
    assert!(matches!(refused, BackupFault::Other { .. }), "{refused}");
    assert_eq!(verify_backup(&folder, &mut |_| {}).unwrap().faults, Vec::<String>::new());
}

/// What has suffered is copied again, as long as the site has it.
#[test]
fn a_file_that_was_cut_is_copied_again() {
    let mut site = Site::new();
    let folder = site.beside("backup");
    site.write(600);
    site.flush();
    site.back_up(&folder);
    for name in ["files/journal/0000000000000001.segment", "files/history/main/readings"] {
        let mut path = folder.join(name);
        while path.is_dir() {
            let mut inside = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
            path = inside.find(|inside| !inside.ends_with("_delta_log")).unwrap();
        }
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    }
    assert_eq!(verify_backup(&folder, &mut |_| {}).unwrap().faults.len(), 2);
    site.back_up(&folder);
    assert_eq!(verify_backup(&folder, &mut |_| {}).unwrap().faults, Vec::<String>::new());
}

#[test]
fn nothing_is_written_over() {
    let mut site = Site::new();
    site.write(5);
    let folder = site.beside("backup");
    site.back_up(&folder);
    let other = site.beside("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter.txt"), "dear").unwrap();
    let refused = take(&site.data(), &other, (NOW, &mut |_| {})).unwrap_err();
    assert!(matches!(refused, BackupFault::NotEmpty { .. }), "{refused}");
    let refused = restore(&folder, &other, &mut |_| {}).unwrap_err();
    assert!(matches!(refused, BackupFault::NotEmpty { .. }), "{refused}");
    let refused = restore(&other, &site.beside("new"), &mut |_| {}).unwrap_err();
    assert!(matches!(refused, BackupFault::NoBackup { .. }), "{refused}");
    let refused = take(&other, &site.beside("new"), (NOW, &mut |_| {})).unwrap_err();
    assert!(matches!(refused, BackupFault::NoSite { .. }), "{refused}");
}
