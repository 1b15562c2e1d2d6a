//! Which days a statement asks for.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::day::DAY_MS;

/// Bounds of the column `day`, both included, in days since 1970. They may be too wide by what
/// filters say beyond them, never too narrow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
}

impl Days {
    pub(super) fn of(filters: &[Expr]) -> Self {
        let mut days = Self::default();
        filters.iter().for_each(|filter| days.narrow(filter));
        days
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "kinds of DataFusion that say nothing of what is asked"
    )]
    fn narrow(&mut self, filter: &Expr) {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                self.narrow(left);
                self.narrow(right);
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                if let (true, Some(day)) = (is_day(left), day(right)) {
                    self.bound(*op, day);
                } else if let (Some(day), true, Some(op)) = (day(left), is_day(right), op.swap()) {
                    self.bound(op, day);
                }
            }
            Expr::Between(between) if !between.negated && is_day(&between.expr) => {
                if let (Some(low), Some(high)) = (day(&between.low), day(&between.high)) {
                    self.bound(Operator::GtEq, low);
                    self.bound(Operator::LtEq, high);
                }
            }
            _ => {}
        }
    }

    /// `day` is the one that holds the instant.
    fn bound(&mut self, op: Operator, day: i64) {
        if matches!(op, Operator::Eq | Operator::Gt | Operator::GtEq) {
            self.from = Some(self.from.map_or(day, |from| from.max(day)));
        }
        if matches!(op, Operator::Eq | Operator::Lt | Operator::LtEq) {
            self.to = Some(self.to.map_or(day, |to| to.min(day)));
        }
    }
}

/// The column itself, or as another kind of time: that keeps the order of days.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "kinds of DataFusion that say nothing of what is asked"
)]
fn is_day(expr: &Expr) -> bool {
    match expr {
        Expr::Column(column) => column.name == "day",
        Expr::Cast(cast) => cast.field.data_type().is_temporal() && is_day(&cast.expr),
        _ => false,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "kinds of DataFusion that say nothing of what is asked"
)]
fn day(expr: &Expr) -> Option<i64> {
    let Expr::Literal(value, _) = expr else { return None };
    Some(match value {
        ScalarValue::Date32(Some(day)) => i64::from(*day),
        ScalarValue::Date64(Some(at)) | ScalarValue::TimestampMillisecond(Some(at), _) => {
            at.div_euclid(DAY_MS)
        }
        ScalarValue::TimestampSecond(Some(at), _) => at.div_euclid(DAY_MS / 1_000),
        ScalarValue::TimestampMicrosecond(Some(at), _) => at.div_euclid(DAY_MS * 1_000),
        ScalarValue::TimestampNanosecond(Some(at), _) => at.div_euclid(DAY_MS * 1_000_000),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
