//! What was written reads back as what it was.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int32Array, StringArray, StringViewArray, TimestampMillisecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::ipc::reader::StreamReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::*;

fn sample() -> RecordBatch {
    let time = TimestampMillisecondArray::from(vec![0, 1_500, -1]).with_timezone("UTC");
    let text = StringViewArray::from(vec![Some("a,\"b\"\n"), Some(""), None]);
    let number = Float64Array::from(vec![Some(1.5), Some(f64::NAN), None]);
    let count = Int32Array::from(vec![1, -2, 3]);
    let columns: [(&str, ArrayRef); 4] = [
        ("time", Arc::new(time)),
        ("te\"xt", Arc::new(text)),
        ("number", Arc::new(number)),
        ("count", Arc::new(count)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn written(format: Format, batches: &[RecordBatch]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(format, &sample().schema()).unwrap();
    for batch in batches {
        encoder.write(batch, &mut out).unwrap();
    }
    encoder.finish(&mut out).unwrap();
    out
}

fn text(format: Format) -> String {
    String::from_utf8(written(format, &[sample()])).unwrap()
}

#[test]
fn json_is_an_array_of_row_objects() {
    let rows: serde_json::Value = serde_json::from_str(&text(Format::Json)).unwrap();
    let expected = serde_json::json!([
        {"time": "1970-01-01T00:00:00.000Z", "te\"xt": "a,\"b\"\n", "number": 1.5, "count": 1},
        {"time": "1970-01-01T00:00:01.500Z", "te\"xt": "", "number": null, "count": -2},
        {"time": "1969-12-31T23:59:59.999Z", "te\"xt": null, "number": null, "count": 3},
    ]);
    assert_eq!(rows, expected);
    assert_eq!(written(Format::Json, &[]), b"[]\n");
    let two = written(Format::Json, &[sample(), sample()]);
    let two: Vec<serde_json::Value> = serde_json::from_slice(&two).unwrap();
    assert_eq!(two.len(), 6);
    let lines = text(Format::JsonLines);
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(serde_json::Value::Array(lines), rows);
}

#[test]
fn csv_follows_rfc_4180() {
    let expected = "time,\"te\"\"xt\",number,count\r\n\
        1970-01-01T00:00:00.000Z,\"a,\"\"b\"\"\n\",1.5,1\r\n\
        1970-01-01T00:00:01.500Z,\"\",NaN,-2\r\n\
        1969-12-31T23:59:59.999Z,,,3\r\n";
    assert_eq!(text(Format::Csv), expected);
    assert_eq!(written(Format::Csv, &[]), b"time,\"te\"\"xt\",number,count\r\n");
}

#[test]
fn a_terminal_gets_aligned_lines_and_no_control_signs() {
    let expected = "time                      te\"xt   number  count\n\
        ------------------------  ------  ------  -----\n\
        1970-01-01T00:00:00.000Z  a,\"b\"\u{fffd}     1.5      1\n\
        (1 rows shown, 2 more)\n";
    assert_eq!(text(Format::Table { rows: 1 }), expected);
}

#[test]
fn arrow_and_parquet_read_back() {
    let plain = cast(sample().column(1), &DataType::Utf8).unwrap();
    let check = |back: &RecordBatch| {
        assert_eq!(back.num_rows(), 3);
        assert_eq!(back.column(0), sample().column(0));
        assert_eq!(back.column(1), &plain);
        assert_eq!(back.column(3), sample().column(3));
        assert!(back.column(1).as_any().is::<StringArray>());
    };
    let stream = written(Format::Arrow, &[sample()]);
    let batches: Vec<_> = StreamReader::try_new(&stream[..], None).unwrap().collect();
    check(batches[0].as_ref().unwrap());
    let file = bytes::Bytes::from(written(Format::Parquet, &[sample()]));
    let batches: Vec<_> = ParquetRecordBatchReader::try_new(file, 100).unwrap().collect();
    check(batches[0].as_ref().unwrap());
}
