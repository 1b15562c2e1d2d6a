//! Bounds of time are never too narrow.

use datafusion::prelude::{col, lit};

use super::*;

fn at(millis: i64) -> Expr {
    lit(ScalarValue::TimestampMillisecond(Some(millis), Some("UTC".into())))
}

#[track_caller]
fn check(filters: &[Expr], from: Option<i64>, to: Option<i64>) {
    assert_eq!(Span::of(filters), Span { from, to });
}

#[test]
fn comparisons_with_time_bound_the_scan() {
    check(&[col("time").gt_eq(at(5))], Some(5), None);
    check(&[at(5).gt_eq(col("time"))], None, Some(6));
    check(&[col("time").between(at(5), at(9)), col("time").lt(at(8))], Some(5), Some(9));
    check(&[col("time").eq(at(5)).and(col("number").gt(lit(1)))], Some(5), Some(6));
    let nanos = lit(ScalarValue::TimestampNanosecond(Some(-1), None));
    check(&[col("time").gt(nanos)], Some(-1), None);
}

#[test]
fn what_may_hold_elsewhere_bounds_nothing() {
    check(&[col("time").gt(at(5)).or(col("number").gt(lit(1)))], None, None);
    check(&[col("time").not_between(at(5), at(9))], None, None);
    check(&[col("time").not_eq(at(5))], None, None);
    check(&[col("other").gt(at(5))], None, None);
}
