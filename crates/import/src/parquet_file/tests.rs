//! Tables as other programs write them.

use std::sync::Arc;

use arrow::array::{
    BooleanArray, Date32Array, DictionaryArray, Float32Array, Int64Array, StringArray,
    StringViewArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use expect_test::{Expect, expect};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::*;
use crate::testing::read;

/// 2024-05-04T10:00:00.123Z
const NOON: i64 = 1_714_816_800_123;

fn file(columns: &[(&str, ArrayRef)], packing: Compression) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roof.parquet");
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.iter().map(|(name, column)| (*name, ArrayRef::clone(column), true)),
    )
    .unwrap();
    let properties = WriterProperties::builder().set_compression(packing).build();
    let file = File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    (folder, path)
}

#[track_caller]
fn check(columns: &[(&str, ArrayRef)], expected: &Expect) {
    let packings = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(parquet::basic::GzipLevel::default()),
        Compression::LZ4_RAW,
        Compression::BROTLI(parquet::basic::BrotliLevel::default()),
        Compression::ZSTD(parquet::basic::ZstdLevel::default()),
    ];
    for packing in packings {
        let (_folder, path) = file(columns, packing);
        let mut source = ParquetFile::open(&path, &Layout::default()).unwrap();
        expected.assert_eq(&read(&mut source).unwrap());
    }
}

#[test]
fn what_althing_writes_is_taken_to_the_letter() {
    let times = TimestampMillisecondArray::from(vec![NOON; 3]).with_timezone("UTC");
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("time", Arc::new(times)),
        ("device", Arc::new(StringViewArray::from(vec!["farm/barn1"; 3]))),
        ("signal", Arc::new(DictionaryArray::<Int32Type>::from_iter(["t", "serial", "serial"]))),
        ("number", Arc::new(Float32Array::from(vec![Some(21.5), None, Some(7.0)]))),
        ("text", Arc::new(StringArray::from(vec![None, Some("12"), None]))),
        ("quality", Arc::new(Int64Array::from(vec![Some(0), None, Some(64)]))),
    ];
    let expected = expect![[r#"
        farm/barn1 t Number(21.5) @2024-05-04T10:00:00.123Z
        farm/barn1 serial Text("12") @2024-05-04T10:00:00.123Z
        left out: a mark of quality (its reading is taken)
        farm/barn1 serial Number(7.0) @2024-05-04T10:00:00.123Z
    "#]];
    check(&columns, &expected);
}

#[test]
fn a_wide_table_may_have_columns_of_many_types() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("ts", Arc::new(TimestampNanosecondArray::from(vec![NOON * 1_000_000 + 999, 1]))),
        ("temp [°F]", Arc::new(UInt64Array::from(vec![Some(70), None]))),
        ("big", Arc::new(Int64Array::from(vec![i64::MAX, 5]))),
        ("open", Arc::new(BooleanArray::from(vec![true, false]))),
        ("since", Arc::new(Date32Array::from(vec![Some(19_000), None]))),
        ("word", Arc::new(StringArray::from(vec!["", "21,5 °C"]))),
    ];
    let expected = expect![[r#"
        roof temp Number(70.0) [degF] @2024-05-04T10:00:00.123Z
        roof big Text("9223372036854775807") @2024-05-04T10:00:00.123Z
        roof open Boolean(true) @2024-05-04T10:00:00.123Z
        roof since Text("2022-01-08T00:00:00Z") @2024-05-04T10:00:00.123Z
        left out: no value (empty, null, unknown, unavailable)
        left out: no value (empty, null, unknown, unavailable)
        roof big Number(5.0) @1970-01-01T00:00:00Z
        roof open Boolean(false) @1970-01-01T00:00:00Z
        left out: no value (empty, null, unknown, unavailable)
        roof word Number(21.5) Cel @1970-01-01T00:00:00Z
    "#]];
    check(&columns, &expected);
}

#[test]
fn what_is_no_parquet_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    std::fs::write(&path, "time,a\n").unwrap();
    let told = ParquetFile::open(&path, &Layout::default()).unwrap_err();
    assert!(matches!(told, ImportFault::Parquet { .. }), "{told:?}");
}
