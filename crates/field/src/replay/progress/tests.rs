//! The file on disk, byte by byte.

use expect_test::expect;

use super::*;
use crate::replay::{Form, Template, When};

fn mapping() -> Mapping {
    Mapping {
        topic: Template::parse("a/{file}").unwrap(),
        device: None,
        when: When::default(),
        columns: Vec::new(),
        without: Vec::new(),
        missing: Vec::new(),
        rename: Vec::new(),
        units: Vec::new(),
        form: Form::Json,
    }
}

#[test]
fn version_1_reads_as_it_was_written() {
    let golden = expect![[r#"
        althing-replay 1
        of 1234abcd
        shift -5
        rows 3
        rows 70000
        crc 6fbd2d55
    "#]];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p");
    let files = [PathBuf::from("x.csv"), PathBuf::from("y.csv")];
    let mut progress = Progress::open(Some(&path), &files, &mapping()).unwrap();
    progress.identity = 0x1234_abcd;
    progress.set_shift(-5);
    progress.save(&[3, 70_000]).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    golden.assert_eq(&text);
    let mut again = Progress { rows: vec![0; 2], shift_us: 0, is_new: true, ..progress };
    again.restore(&text, &path).unwrap();
    assert_eq!((again.rows(), again.shift(), again.is_new()), (&[3, 70_000][..], -5, false));
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p");
    let files = [PathBuf::from("x.csv")];
    Progress::open(Some(&path), &files, &mapping()).unwrap().save(&[9]).unwrap();
    let sound = fs::read(&path).unwrap();
    for at in 0..sound.len() - 1 {
        let mut bad = sound.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        let opened = Progress::open(Some(&path), &files, &mapping());
        // The sum is written in hexadecimal: the case of a digit is all that may change unseen.
        assert!(opened.is_err(), "byte {at}");
    }
    fs::write(&path, &sound).unwrap();
    assert_eq!(Progress::open(Some(&path), &files, &mapping()).unwrap().rows(), [9]);
}
