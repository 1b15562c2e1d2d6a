//! Files: delimiters, gzip, and rows that are no rows.

use std::io::Write as _;

use super::*;
use crate::run::{Options, Summary, run};
use crate::sink::Skip;

fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn look(path: &Path) -> Summary {
    let mut source = CsvFile::open(path, None, &Layout::default()).unwrap();
    let now = model::Timestamp::from_micros(1_714_816_800_000_000);
    let options = Options { now, ..Options::default() };
    run(&mut source, None, &options, (&field::Stop::default(), &mut |_| {})).unwrap()
}

#[test]
fn delimiter_and_byte_order_mark_are_seen_by_themselves() {
    for delimiter in [",", ";", "\t", "|"] {
        let text = "\u{feff}time,device,t\n2024-05-04,d,1\n\n2024-05-05,d,2\n";
        let (_folder, path) = file("a.csv", text.replace(',', delimiter).as_bytes());
        let summary = look(&path);
        assert_eq!((summary.rows, summary.survey.readings), (2, 2), "{delimiter:?}");
        assert_eq!(summary.survey.examples(9), ["d"]);
    }
}

#[test]
fn a_packed_file_without_a_device_is_called_like_the_file() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"time,t\n2024-05-04 10:00,1\nnever,2\n").unwrap();
    let (_folder, path) = file("roof.csv.gz", &packed.finish().unwrap());
    let summary = look(&path);
    assert_eq!(summary.survey.examples(9), ["roof"]);
    let skipped = summary.survey.skipped[&Skip::NoTime];
    assert_eq!((skipped.count, skipped.first), (1, 3), "lines are counted as an editor does");
}

#[test]
fn a_file_that_is_not_there_or_no_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| CsvFile::open(path, None, &Layout::default()).unwrap_err();
    assert!(matches!(open(&folder.path().join("no")), ImportFault::Input { .. }));
    assert!(matches!(open(folder.path()), ImportFault::Unfit { .. }));
}
