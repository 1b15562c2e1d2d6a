//! Folders of other versions, and what is said of them.

use std::fs;

use super::*;
use crate::config::Config;

fn check(folder: &Path) -> (String, Result<(), Complaint>) {
    let mut out = Vec::new();
    let config = Config::default();
    let mut context = Context { config: &config, json: false, out: &mut out };
    let args = UpgradeArgs { folder: Some(folder.to_owned()) };
    let ended = run(&mut context, &args);
    (String::from_utf8(out).unwrap(), ended)
}

/// A site whose segments have these versions.
fn site(versions: &[u16]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("journal")).unwrap();
    for (sequence, version) in (1..).zip(versions) {
        let mut block = vec![0; 4_096];
        block[..4].copy_from_slice(b"ALJS");
        block[4..6].copy_from_slice(&version.to_le_bytes());
        let name = format!("journal/{sequence:016}.segment");
        fs::write(folder.path().join(name), block).unwrap();
    }
    folder
}

#[test]
fn formats_of_this_version_change_nothing() {
    let site = site(&[1, 1]);
    let (text, ended) = check(site.path());
    assert_eq!(ended, Ok(()));
    assert!(text.starts_with("journal        version 1   as this version writes it (2 files)\n"));
    assert!(text.contains("No format changes"), "{text}");
}

#[test]
fn a_newer_format_is_refused_and_named() {
    let site = site(&[1, 2]);
    let (text, ended) = check(site.path());
    assert!(text.contains("version 2   newer: this version reads up to 1"), "{text}");
    let complaint = ended.unwrap_err();
    assert_eq!((complaint.exit, &*complaint.cause), (Exit::Failed, "a newer version wrote it"));
}

#[test]
fn damage_is_told_but_not_of_a_segment_that_is_only_just_begun() {
    let site = site(&[1, 1]);
    let newest = site.path().join("journal/0000000000000002.segment");
    fs::write(&newest, [0; 4_096]).unwrap();
    assert_eq!(check(site.path()).1, Ok(()));
    let first = site.path().join("journal/0000000000000001.segment");
    fs::write(&first, [0; 4_096]).unwrap();
    let complaint = check(site.path()).1.unwrap_err();
    assert_eq!(complaint.exit, Exit::Failed, "{complaint:?}");
}

#[test]
fn a_registry_of_a_newer_version_is_refused() {
    let site = site(&[1]);
    let path = site.path().join("registry.sqlite");
    fs::write(&path, "").unwrap();
    let complaint = check(site.path()).1.unwrap_err();
    assert_eq!(complaint.exit, Exit::Failed, "no version at all: {complaint:?}");
    // The header of SQLite, whose `user_version` stands at byte 60.
    let mut head = b"SQLite format 3\0\x10\x00\x01\x01\x00\x40\x20\x20".to_vec();
    head.resize(4_096, 0);
    head[28..32].copy_from_slice(&1_u32.to_be_bytes());
    head[44..48].copy_from_slice(&4_u32.to_be_bytes());
    head[56..60].copy_from_slice(&1_u32.to_be_bytes());
    head[60..64].copy_from_slice(&9_u32.to_be_bytes());
    head[100..108].copy_from_slice(&[13, 0, 0, 0, 0, 16, 0, 0]);
    fs::write(&path, head).unwrap();
    let (text, ended) = check(site.path());
    assert!(text.contains("registry       version 9   newer"), "{text}");
    assert_eq!(ended.unwrap_err().exit, Exit::Failed);
}

#[test]
fn a_newer_backup_is_refused_whatever_else_it_says() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("files/journal")).unwrap();
    fs::write(folder.path().join("manifest.json"), "{\"althing_backup\":2,\"new\":[]}\nx").unwrap();
    let (text, ended) = check(folder.path());
    assert!(text.contains("backup         version 2   newer"), "{text}");
    assert!(ended.is_err());
}

#[test]
fn what_is_no_site_is_not_found_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let complaint = check(folder.path()).1.unwrap_err();
    assert_eq!(complaint.exit, Exit::NotFound);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
