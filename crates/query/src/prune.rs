//! What a scan can leave out, read from the filters of a statement.

use arrow::array::AsArray;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DataFusionError, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown};
use history::{Scan, SeriesId};
use model::Timestamp;

use crate::names::Names;

/// Whether series alone decide this filter: then history never reads the others, and SQL need
/// not look again.
fn is_about_series(filter: &Expr, keys: &[&str]) -> bool {
    let columns = filter.column_refs();
    let all = columns.iter().all(|column| keys.contains(&column.name.as_str()));
    !columns.is_empty() && all && !filter.is_volatile()
}

/// `keys` are the columns of the table that name a series.
pub(crate) fn pushdown(filters: &[&Expr], keys: &[&str]) -> Vec<TableProviderFilterPushDown> {
    let of = |filter: &&Expr| {
        if is_about_series(filter, keys) {
            TableProviderFilterPushDown::Exact
        } else {
            TableProviderFilterPushDown::Inexact
        }
    };
    filters.iter().map(of).collect()
}

/// The series that pass all filters about series; `None` when there is no such filter.
pub(crate) fn series(
    session: &dyn Session,
    (names, keys): (&Names, &[&str]),
    filters: &[Expr],
) -> Result<Option<Vec<SeriesId>>, DataFusionError> {
    let about = || filters.iter().filter(|filter| is_about_series(filter, keys));
    if about().next().is_none() {
        return Ok(None);
    }
    let schema = DFSchema::try_from(names.schema())?;
    let mut passes = vec![true; names.num_rows()];
    for filter in about() {
        let plain = unqualified(filter)?;
        let test = session.create_physical_expr(plain, &schema)?;
        let mask = test.evaluate(names)?.into_array(names.num_rows())?;
        let mask = mask.as_boolean();
        for (pass, held) in passes.iter_mut().zip(mask.iter()) {
            *pass &= held == Some(true);
        }
    }
    let numbered = (0_u32..).zip(passes);
    Ok(Some(numbered.filter(|(_, pass)| *pass).map(|(id, _)| SeriesId::new(id)).collect()))
}

fn unqualified(filter: &Expr) -> Result<Expr, DataFusionError> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let plain = filter.clone().transform(|expr| {
        Ok(if let Expr::Column(column) = expr {
            Transformed::yes(Expr::Column(datafusion::common::Column::from_name(column.name)))
        } else {
            Transformed::no(expr)
        })
    })?;
    Ok(plain.data)
}

/// Bounds of a column of times, in milliseconds. `to` is not included. They may be too wide by
/// what the filter says beyond them, never too narrow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Option<i64>,
    pub(crate) to: Option<i64>,
}

impl Span {
    /// Of the column `time`.
    pub(crate) fn of(filters: &[Expr]) -> Self {
        Self::of_column("time", filters)
    }

    pub(crate) fn of_column(name: &str, filters: &[Expr]) -> Self {
        let mut span = Self::default();
        filters.iter().for_each(|filter| span.narrow(filter, name));
        span
    }

    pub(crate) fn put_into(self, scan: &mut Scan) {
        scan.from = self.from.map(Timestamp::from_millis);
        scan.to = self.to.map(Timestamp::from_millis);
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "kinds of DataFusion that say nothing of what is asked"
    )]
    fn narrow(&mut self, filter: &Expr, name: &str) {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                self.narrow(left, name);
                self.narrow(right, name);
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                if let (true, Some(at)) = (is_time(left, name), instant(right)) {
                    self.bound(*op, at);
                } else if let (Some(at), true, Some(op)) =
                    (instant(left), is_time(right, name), op.swap())
                {
                    self.bound(op, at);
                }
            }
            Expr::Between(between) if !between.negated && is_time(&between.expr, name) => {
                if let (Some(low), Some(high)) = (instant(&between.low), instant(&between.high)) {
                    self.bound(Operator::GtEq, low);
                    self.bound(Operator::LtEq, high);
                }
            }
            _ => {}
        }
    }

    /// `at` is the millisecond that holds the instant, so the one before the next is covered.
    fn bound(&mut self, op: Operator, at: i64) {
        if matches!(op, Operator::Eq | Operator::Gt | Operator::GtEq) {
            self.from = Some(self.from.map_or(at, |from| from.max(at)));
        }
        if matches!(op, Operator::Eq | Operator::Lt | Operator::LtEq) {
            let to = at.saturating_add(1);
            self.to = Some(self.to.map_or(to, |known| known.min(to)));
        }
    }
}

/// The column itself, or in another resolution: that keeps the order of times.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "kinds of DataFusion that say nothing of what is asked"
)]
fn is_time(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Column(column) => column.name == name,
        Expr::Cast(cast) => cast.field.data_type().is_temporal() && is_time(&cast.expr, name),
        _ => false,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "kinds of DataFusion that say nothing of what is asked"
)]
fn instant(expr: &Expr) -> Option<i64> {
    let Expr::Literal(value, _) = expr else { return None };
    let millis = match value {
        ScalarValue::TimestampSecond(Some(at), _) => at.saturating_mul(1_000),
        ScalarValue::TimestampMillisecond(Some(at), _) => *at,
        ScalarValue::TimestampMicrosecond(Some(at), _) => at.div_euclid(1_000),
        ScalarValue::TimestampNanosecond(Some(at), _) => at.div_euclid(1_000_000),
        _ => return None,
    };
    Some(millis)
}

#[cfg(test)]
mod tests;
