//! Files of points, as programs write them.

use std::io::Write as _;

use expect_test::{Expect, expect};

use super::*;
use crate::run::{Options, run};
use crate::testing::read;

const EXPORT: &str = "# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z
# DDL
CREATE DATABASE farm WITH NAME autogen
# DML
# CONTEXT-DATABASE:farm
# CONTEXT-RETENTION-POLICY:autogen
# writing tsm data
weather,station=nord temperature=21.5 1714816800000000000
weather,station=nord text=\"a\\\"b c\" 1714816800000000000
# CONTEXT-DATABASE:plant

press,machine=7 bar=4.2,on=true 1714816800000000000
";

fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dump.lp");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[track_caller]
fn check(bytes: &[u8], database: Option<&str>, expected: &Expect) {
    let (_folder, path) = file(bytes);
    let mut source = LineFile::open(&path, database).unwrap();
    expected.assert_eq(&read(&mut source).unwrap());
}

#[test]
fn an_export_goes_to_the_databases_it_names() {
    let expected = expect![[r#"
        left out: a statement, not a point
        farm: weather,station=nord temperature=21.5 1714816800000000000
        farm: weather,station=nord text="a\"b c" 1714816800000000000
        plant: press,machine=7 bar=4.2,on=true 1714816800000000000
    "#]];
    check(EXPORT.as_bytes(), None, &expected);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(EXPORT.as_bytes()).unwrap();
    check(&packed.finish().unwrap(), None, &expected);
}

#[test]
fn a_plain_file_is_called_like_itself_or_as_the_caller_says() {
    let expected = expect![[r#"
        dump: m v=1 1714816800000000000
        left out: cannot be read
    "#]];
    check(b"m v=1 1714816800000000000\r\n\xff\xfe v=1\n", None, &expected);
    let expected = expect![[r#"
        x: m v=1
    "#]];
    check(b"m v=1", Some("x"), &expected);
}

#[test]
fn points_are_counted_as_a_site_will_read_them() {
    let text = format!("{EXPORT}no point\nm v=1\nm v=1 12\n");
    let (_folder, path) = file(text.as_bytes());
    let mut source = LineFile::open(&path, None).unwrap();
    let now = model::Timestamp::from_micros(1_714_816_900_000_000);
    let options = Options { now, ..Options::default() };
    let told = run(&mut source, None, &options, (&field::Stop::default(), &mut |_| {})).unwrap();
    assert_eq!((told.survey.readings, told.survey.signals), (4, 4));
    assert_eq!(told.survey.examples(9), ["7", "nord"]);
    let skipped: Vec<(Skip, u64, u64)> =
        told.survey.skipped.iter().map(|(why, it)| (*why, it.count, it.first)).collect();
    let wanted = [(Skip::Unreadable, 1, 13), (Skip::NoTime, 2, 14), (Skip::Statement, 1, 3)];
    assert_eq!(skipped, wanted);
}

#[test]
fn a_point_that_no_door_takes_is_left_out() {
    let (_folder, path) = file(format!("m v=\"{}\" 1\n", "x".repeat(512 << 10)).as_bytes());
    let mut source = LineFile::open(&path, None).unwrap();
    let options = Options::default();
    let told = run(&mut source, None, &options, (&field::Stop::default(), &mut |_| {})).unwrap();
    assert_eq!(told.survey.skipped[&Skip::Unreadable].count, 1);
}

#[test]
fn a_line_without_an_end_is_refused_and_not_kept() {
    let (_folder, path) = file(&vec![b'x'; crate::input::LINE_BYTES_MAX + 2]);
    let told = read(&mut LineFile::open(&path, None).unwrap()).unwrap_err();
    let ImportFault::Input { source, .. } = told else { panic!("{told:?}") };
    assert!(source.to_string().contains("line 1 has more than"), "{source}");
}
