//! Buckets of time, as a statement writes them.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "kinds of DataFusion that say nothing of what is asked"
)]

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, Operator, Volatility};
use datafusion::prelude::col;

use crate::prune::is_time;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
/// 1970-01-05, a Monday.
const MONDAY_MS: i64 = 4 * DAY_MS;

/// Buckets of equal length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// At least 1.
    step: i64,
    /// The begin of any of them.
    origin: i64,
}

impl Cut {
    /// The cut of a key that is the same for all times of a bucket, and the key of the begin of a
    /// bucket, which is the column `begin`: `time_bucket(…)`, but also what is computed of it.
    pub(crate) fn of_key(key: &Expr, begin: &str) -> Option<(Self, Expr)> {
        let (mut cut, mut times, mut plain) = (None, 0, true);
        key.apply(|part| {
            cut = cut.or_else(|| Self::of(part));
            times += usize::from(is_time(part, "time") && matches!(part, Expr::Column(_)));
            plain &= is_computed(part);
            Ok(TreeNodeRecursion::Continue)
        })
        .ok()?;
        let cut = cut.filter(|_| plain && times == 1)?;
        let of_begin = key.clone().transform(|part| {
            Ok(if matches!(part, Expr::Column(_)) {
                Transformed::yes(col(begin))
            } else {
                Transformed::no(part)
            })
        });
        Some((cut, of_begin.ok()?.data))
    }

    /// `date_bin` (alias `time_bucket`) with a fixed step, `date_trunc` to a fixed unit, or the whole
    /// part of `extract(epoch FROM time) / seconds`, as Grafana writes it; of the column `time`.
    fn of(expr: &Expr) -> Option<Self> {
        let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else { return None };
        match (func.name(), args.as_slice()) {
            ("date_bin", [step, time]) if is_utc(time) => Self::bins(step, 0),
            ("date_bin", [step, time, origin]) if is_utc(time) => {
                Self::bins(step, literal_millis(origin)?)
            }
            ("date_trunc", [unit, time]) if is_utc(time) => Self::truncation(unit),
            ("floor", [Expr::BinaryExpr(part)]) if part.op == Operator::Divide => {
                is_epoch(&part.left).then(|| Self::seconds(&part.right)).flatten()
            }
            _ => None,
        }
    }

    fn bins(step: &Expr, origin: i64) -> Option<Self> {
        let nanos = match step {
            Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(step)), _) if step.months == 0 => {
                i64::from(step.days)
                    .checked_mul(DAY_MS * 1_000_000)?
                    .checked_add(step.nanoseconds)?
            }
            Expr::Literal(ScalarValue::IntervalDayTime(Some(step)), _) => {
                let millis = i64::from(step.days).checked_mul(DAY_MS)?;
                millis.checked_add(i64::from(step.milliseconds))?.checked_mul(1_000_000)?
            }
            _ => return None,
        };
        let whole = nanos > 0 && nanos % 1_000_000 == 0;
        whole.then_some(Self { step: nanos / 1_000_000, origin })
    }

    /// Whole seconds: of others, the begin of a bucket is no number that a double holds.
    fn seconds(step: &Expr) -> Option<Self> {
        let Expr::Literal(step, _) = step else { return None };
        let ScalarValue::Int64(Some(step)) = step
            .cast_to(&DataType::Int64)
            .ok()
            .filter(|whole| whole.cast_to(&step.data_type()).is_ok_and(|same| same == *step))?
        else {
            return None;
        };
        let step = step.checked_mul(SECOND_MS).filter(|step| *step > 0)?;
        Some(Self { step, origin: 0 })
    }

    fn truncation(unit: &Expr) -> Option<Self> {
        let Expr::Literal(unit, _) = unit else { return None };
        let unit = unit.try_as_str().flatten()?;
        let (step, origin) = match unit.to_ascii_lowercase().as_str() {
            "second" => (SECOND_MS, 0),
            "minute" => (MINUTE_MS, 0),
            "hour" => (HOUR_MS, 0),
            "day" => (DAY_MS, 0),
            "week" => (7 * DAY_MS, MONDAY_MS),
            _ => return None,
        };
        Some(Self { step, origin })
    }

    /// The begin of the bucket of a time, and of the next one.
    pub(crate) const fn bucket(self, time: i64) -> (i64, i64) {
        let offset = time.saturating_sub(self.origin).rem_euclid(self.step);
        let start = time.saturating_sub(offset);
        (start, start.saturating_add(self.step))
    }

    /// Whether each bucket begins and ends with an hour.
    pub(crate) const fn is_of_hours(self) -> bool {
        self.step % HOUR_MS == 0 && self.origin % HOUR_MS == 0
    }
}

/// The column `time`, not shown in a zone: days and weeks of another zone begin at other moments.
fn is_utc(expr: &Expr) -> bool {
    let mut shown = expr;
    while let Expr::Cast(cast) = shown {
        let DataType::Timestamp(_, zone) = cast.field.data_type() else { return false };
        if zone.as_ref().is_some_and(|zone| &**zone != "UTC") {
            return false;
        }
        shown = &cast.expr;
    }
    is_time(expr, "time")
}

/// What has one value for one value of `time`, and no rows of its own.
fn is_computed(expr: &Expr) -> bool {
    match expr {
        Expr::Column(column) => column.name == "time",
        Expr::ScalarFunction(call) => call.func.signature().volatility == Volatility::Immutable,
        Expr::Literal(..)
        | Expr::Alias(_)
        | Expr::BinaryExpr(_)
        | Expr::Cast(_)
        | Expr::Negative(_)
        | Expr::TryCast(_) => true,
        _ => false,
    }
}

/// The seconds since 1970 of the column `time`.
fn is_epoch(expr: &Expr) -> bool {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else { return false };
    let [Expr::Literal(part, _), time] = args.as_slice() else { return false };
    let part = part.try_as_str().flatten().unwrap_or_default();
    func.name() == "date_part" && part.eq_ignore_ascii_case("epoch") && is_time(time, "time")
}

fn literal_millis(origin: &Expr) -> Option<i64> {
    let Expr::Literal(value, _) = origin else { return None };
    let (at, unit) = match value {
        ScalarValue::TimestampSecond(Some(at), _) => (at.checked_mul(SECOND_MS)?, 1),
        ScalarValue::TimestampMillisecond(Some(at), _) => (*at, 1),
        ScalarValue::TimestampMicrosecond(Some(at), _) => (*at, 1_000),
        ScalarValue::TimestampNanosecond(Some(at), _) => (*at, 1_000_000),
        _ => return None,
    };
    (at % unit == 0).then_some(at / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_lies_in_its_bucket_before_1970_too() {
        let cut = Cut { step: 600, origin: 100 };
        assert_eq!(cut.bucket(100), (100, 700));
        assert_eq!(cut.bucket(99), (-500, 100));
        assert_eq!(cut.bucket(-501), (-1_100, -500));
        assert!(!cut.is_of_hours());
        let weeks = Cut { step: 7 * DAY_MS, origin: MONDAY_MS };
        assert_eq!(weeks.bucket(0), (MONDAY_MS - 7 * DAY_MS, MONDAY_MS));
        assert!(weeks.is_of_hours());
    }
}
