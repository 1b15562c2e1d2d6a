use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, cast, col, lit};

use super::Days;
use crate::table::time_type;

#[track_caller]
fn check(filter: &Expr, from: Option<i64>, to: Option<i64>) {
    assert_eq!(Days::of(std::slice::from_ref(filter)), Days { from, to }, "{filter}");
}

#[test]
fn conditions_on_days_bound_them_and_others_do_not() {
    let date = |day| lit(ScalarValue::Date32(Some(day)));
    let instant = |millis| lit(ScalarValue::TimestampMillisecond(Some(millis), Some("UTC".into())));
    let noon = |day: i64| instant(day * 86_400_000 + 43_200_000);
    let as_time = || cast(col("day"), time_type());
    check(&col("day").eq(date(5)), Some(5), Some(5));
    check(&col("day").gt(date(5)).and(date(9).gt(col("day"))), Some(5), Some(9));
    check(&col("day").between(date(5), date(9)), Some(5), Some(9));
    check(&as_time().gt_eq(noon(5)), Some(5), None);
    check(&as_time().lt(noon(5)), None, Some(5));
    check(&as_time().lt(instant(-1)), None, Some(-1));
    check(&col("day").not_between(date(5), date(9)), None, None);
    check(&col("received").eq(lit(5)), None, None);
    check(&col("day").eq(date(5)).or(col("received").eq(lit(5))), None, None);
}
