//! Bounds of time are never too narrow, and exact where they say so.

use datafusion::prelude::{cast, col, lit};

use super::*;

fn at(millis: i64) -> Expr {
    lit(ScalarValue::TimestampMillisecond(Some(millis), Some("UTC".into())))
}

#[track_caller]
fn check(filters: &[Expr], from: Option<i64>, to: Option<i64>) {
    assert_eq!(Span::of(filters), Span { from, to });
}

fn nanos(at: i64) -> Expr {
    lit(ScalarValue::TimestampNanosecond(Some(at), None))
}

#[test]
fn comparisons_with_time_bound_the_scan() {
    check(&[col("time").gt_eq(at(5))], Some(5), None);
    check(&[col("time").gt(at(5))], Some(6), None);
    check(&[at(5).gt_eq(col("time"))], None, Some(6));
    check(&[col("time").between(at(5), at(9)), col("time").lt(at(8))], Some(5), Some(8));
    check(&[col("time").eq(at(5)).and(col("number").gt(lit(1)))], Some(5), Some(6));
    check(&[col("time").gt(nanos(-1))], Some(0), None);
    check(&[col("time").gt_eq(nanos(1)), col("time").lt(nanos(1))], Some(1), Some(1));
    check(&[col("time").eq(nanos(1))], Some(1), Some(1));
}

#[test]
fn what_may_hold_elsewhere_bounds_nothing() {
    check(&[col("time").gt(at(5)).or(col("number").gt(lit(1)))], None, None);
    check(&[col("time").not_between(at(5), at(9))], None, None);
    check(&[col("time").not_eq(at(5))], None, None);
    check(&[col("other").gt(at(5))], None, None);
    let seconds = cast(col("time"), DataType::Timestamp(TimeUnit::Second, None));
    check(&[seconds.gt(at(5))], None, None);
}

#[test]
fn a_filter_that_says_more_is_looked_at_again() {
    let says = |filter: Expr| decide(&[filter], &["device"]);
    assert!(says(col("time").gt(at(5)).and(col("time").lt_eq(at(9)))));
    assert!(says(col("device").eq(lit("a"))));
    assert!(!says(col("time").gt(at(5)).and(col("number").gt(lit(1)))));
    assert!(!says(col("time").gt(at(5)).or(col("time").lt(at(2)))));
}
