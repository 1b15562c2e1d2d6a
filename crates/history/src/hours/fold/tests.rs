use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int32Array, RecordBatch, TimestampMillisecondArray, UInt32Array,
};
use arrow::compute::{cast, concat_batches, max, min, take_record_batch};
use arrow::datatypes::DataType;
use arrow::json::LineDelimitedWriter;
use expect_test::{Expect, expect};

use super::Fold;

const HOUR: i64 = 3_600_000;

/// Series, time, number: rows as a merge reads them.
fn rows(rows: &[(i32, i64, Option<f64>)]) -> RecordBatch {
    let times = TimestampMillisecondArray::from_iter_values(rows.iter().map(|row| row.1));
    let columns: [(&str, ArrayRef); 3] = [
        ("series", Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.0)))),
        ("time", Arc::new(times.with_timezone("UTC"))),
        ("number", Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.2)))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

fn fold(rows: &RecordBatch) -> RecordBatch {
    let mut fold = Fold::default();
    fold.take(rows);
    fold.drain(true).unwrap()
}

/// Times as numbers.
fn without_zone(batch: &RecordBatch) -> RecordBatch {
    let names = batch.schema_ref().fields().iter().map(|field| field.name());
    let plain = |column: &ArrayRef| {
        let is_time = matches!(column.data_type(), DataType::Timestamp(..));
        if is_time { cast(column, &DataType::Int64).unwrap() } else { Arc::clone(column) }
    };
    RecordBatch::try_from_iter(names.zip(batch.columns().iter().map(plain))).unwrap()
}

#[track_caller]
fn check(given: &[(i32, i64, Option<f64>)], expected: &Expect) {
    let folded = fold(&rows(given));
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(&without_zone(&folded)).unwrap();
    expected.assert_eq(&String::from_utf8(writer.into_inner()).unwrap());
}

#[test]
fn hours_end_with_the_hour_and_with_the_series() {
    check(
        &[
            (0, -1, Some(1.0)),
            (0, 0, Some(2.0)),
            (0, HOUR - 1, None),
            (1, HOUR - 1, Some(4.0)),
            (1, HOUR, None),
        ],
        &expect![[r#"
            {"series":0,"hour":-3600000,"readings":1,"numbers":1,"sum":1.0,"min":1.0,"max":1.0,"min_time":-1,"max_time":-1,"first":1.0,"first_time":-1,"last":1.0,"last_time":-1}
            {"series":0,"hour":0,"readings":2,"numbers":1,"sum":2.0,"min":2.0,"max":2.0,"min_time":0,"max_time":0,"first":2.0,"first_time":0,"last":2.0,"last_time":0}
            {"series":1,"hour":0,"readings":1,"numbers":1,"sum":4.0,"min":4.0,"max":4.0,"min_time":3599999,"max_time":3599999,"first":4.0,"first_time":3599999,"last":4.0,"last_time":3599999}
            {"series":1,"hour":3600000,"readings":1,"numbers":0}
        "#]],
    );
}

/// As DataFusion's aggregates without groups, which are these kernels.
#[test]
fn what_is_no_number_is_compared_as_in_sql() {
    let all = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1.5, f64::MAX];
    for mask in 1_u32..256 {
        let some: Vec<f64> =
            (0..8).filter(|bit| mask & (1 << bit) != 0).map(|bit| all[bit]).collect();
        let given: Vec<_> =
            (0..).zip(&some).map(|(time, number)| (0, time, Some(*number))).collect();
        let hours = fold(&rows(&given));
        let number = |column: usize| {
            hours.column(column).as_any().downcast_ref::<Float64Array>().unwrap().value(0).to_bits()
        };
        let numbers = Float64Array::from(some.clone());
        assert_eq!(number(5), min(&numbers).unwrap().to_bits(), "min of {some:?}");
        assert_eq!(number(6), max(&numbers).unwrap().to_bits(), "max of {some:?}");
        let sum: f64 = some.iter().sum();
        let found = f64::from_bits(number(4));
        let same = found.total_cmp(&sum).is_eq() || (found.is_nan() && sum.is_nan());
        assert!(same, "sum of {some:?}: {found}");
    }
}

/// An hour may come in many batches.
#[test]
fn hours_are_handed_on_only_when_they_are_over() {
    let given: Vec<_> = (0..100_i64)
        .map(|step| (0, step * HOUR / 7, Some(f64::from(u8::try_from(step).unwrap()))))
        .collect();
    let all = rows(&given);
    let whole = fold(&all);
    let (mut fold, mut pieces) = (Fold::default(), Vec::new());
    for row in 0..100 {
        fold.take(&take_record_batch(&all, &UInt32Array::from(vec![row])).unwrap());
        pieces.push(fold.drain(false).unwrap());
        assert_eq!(fold.len(), 1);
    }
    pieces.push(fold.drain(true).unwrap());
    assert_eq!(concat_batches(&whole.schema(), &pieces).unwrap(), whole);
}
