use std::fs;
use std::path::{Path, PathBuf};

use backup::{restore, verify_backup, verify_site};

use crate::site::Site;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Flips so many bits all over a file, one at a time.
fn flips(path: &Path, count: usize, mut each: impl FnMut(usize)) {
    let whole = fs::read(path).unwrap();
    let bits = whole.len() * 8;
    for bit in (0..bits).step_by((bits / count).max(1) | 1) {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(path, flipped).unwrap();
        each(bit);
    }
    fs::write(path, whole).unwrap();
}

fn site() -> Site {
    let mut site = Site::new();
    site.write(300);
    site.flush();
    site.write(30);
    site
}

#[test]
fn every_flipped_bit_of_a_backup_is_found() {
    let site = site();
    let folder = site.beside("backup");
    site.back_up(&folder);
    let mut count = 0;
    for path in files(&folder) {
        flips(&path, 40, |bit| {
            count += 1;
            let found = verify_backup(&folder, &mut |_| {}).map(|checked| checked.faults);
            assert!(found.is_err() || !found.unwrap().is_empty(), "bit {bit} of {path:?}");
        });
    }
    assert!(count > 200, "{count}");
    assert!(verify_backup(&folder, &mut |_| {}).unwrap().faults.is_empty());
}

#[test]
fn a_damaged_backup_makes_no_site() {
    let site = site();
    let folder = site.beside("backup");
    site.back_up(&folder);
    for path in files(&folder) {
        flips(&path, 1, |_| {
            let copy = site.beside("copy");
            restore(&folder, &copy, &mut |_| {}).unwrap_err();
            assert!(!copy.exists());
        });
    }
}

/// What is not found must be what nobody reads: padding, and what programs say of themselves.
#[test]
fn flipped_bits_of_a_site_are_found_or_harmless() {
    let site = site();
    let folder = site.beside("backup");
    site.back_up(&folder);
    let copy = site.beside("copy");
    restore(&folder, &copy, &mut |_| {}).unwrap();
    let expected = verify_site(&copy).unwrap();
    let (mut found, mut missed) = (0, 0);
    for path in files(&copy).into_iter().filter(|path| !path.ends_with("registry.sqlite")) {
        flips(&path, 60, |bit| {
            let checked = verify_site(&copy).unwrap();
            if checked.faults.is_empty() {
                missed += 1;
                let same = (checked.rows, checked.position) == (expected.rows, expected.position);
                // The newest frame is the one that a power cut may have left half written.
                let torn = path.to_string_lossy().contains("segment");
                assert!(same || torn, "bit {bit} of {path:?}: {checked:?}");
            } else {
                found += 1;
            }
        });
    }
    assert!(found > 5 * missed, "found {found}, missed {missed}");
}

#[test]
fn a_manifest_cannot_lead_elsewhere() {
    let site = site();
    let folder = site.beside("backup");
    site.back_up(&folder);
    let path = folder.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let (json, _) = text.split_once('\n').unwrap();
    for bad in ["../escape", "/etc/escape", ""] {
        let json = json.replacen("\"registry.sqlite\":", &format!("\"{bad}\":"), 1);
        let crc = format!("{:08x}\n", crc32c::crc32c(json.as_bytes()));
        fs::write(&path, format!("{json}\n{crc}")).unwrap();
        restore(&folder, &site.beside("copy"), &mut |_| {}).unwrap_err();
    }
}
