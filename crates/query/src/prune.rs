//! What a scan can leave out, read from the filters of a statement.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DataFusionError, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_expr::PhysicalExpr;
use history::{Scan, SeriesId};
use model::Timestamp;

use crate::names::{self, Names};

/// Whether series alone decide this filter: then history never reads the others, and SQL need
/// not look again.
fn is_about_series(filter: &Expr, keys: &[&str]) -> bool {
    let columns = filter.column_refs();
    let all = columns.iter().all(|column| keys.contains(&column.name.as_str()));
    !columns.is_empty() && all && !filter.is_volatile()
}

/// For tables whose scan knows series and no times.
pub(crate) fn pushdown_series(
    filters: &[&Expr],
    keys: &[&str],
) -> Vec<TableProviderFilterPushDown> {
    let of = |filter: &&Expr| match is_about_series(filter, keys) {
        true => TableProviderFilterPushDown::Exact,
        false => TableProviderFilterPushDown::Unsupported,
    };
    filters.iter().map(of).collect()
}

/// For tables whose scan is bound in time. `keys` are the columns that name a series.
pub(crate) fn pushdown(filters: &[&Expr], keys: &[&str]) -> Vec<TableProviderFilterPushDown> {
    let of = |filter: &&Expr| {
        if is_about_series(filter, keys) || Span::says(filter) {
            TableProviderFilterPushDown::Exact
        } else {
            TableProviderFilterPushDown::Inexact
        }
    };
    filters.iter().map(of).collect()
}

/// Whether series and times alone decide all filters, so that no row has to be looked at.
pub(crate) fn decide(filters: &[Expr], keys: &[&str]) -> bool {
    filters.iter().all(|filter| is_about_series(filter, keys) || Span::says(filter))
}

/// The series that pass all filters about series; `None` when there is no such filter.
pub(crate) fn series(
    session: &dyn Session,
    (names, keys): (&Names, &[&str]),
    filters: &[Expr],
) -> Result<Option<Vec<SeriesId>>, DataFusionError> {
    let test = SeriesTest::new(session, keys, filters)?;
    if test.passes_all() { Ok(None) } else { test.passing(names).map(Some) }
}

/// Filters about series, ready to be asked of the names of any moment.
#[derive(Debug)]
pub(crate) struct SeriesTest(Vec<Arc<dyn PhysicalExpr>>);

impl SeriesTest {
    pub(crate) fn new(
        session: &dyn Session,
        keys: &[&str],
        filters: &[Expr],
    ) -> Result<Self, DataFusionError> {
        let schema = DFSchema::try_from(names::schema())?;
        let about = filters.iter().filter(|filter| is_about_series(filter, keys));
        let ready = about.map(|filter| session.create_physical_expr(unqualified(filter)?, &schema));
        Ok(Self(ready.collect::<Result<_, _>>()?))
    }

    /// Whether there is no filter.
    pub(crate) const fn passes_all(&self) -> bool {
        self.0.is_empty()
    }

    /// All series when there is no filter.
    pub(crate) fn passing(&self, names: &Names) -> Result<Vec<SeriesId>, DataFusionError> {
        let mut passes = vec![true; names.num_rows()];
        for test in &self.0 {
            let mask = test.evaluate(names)?.into_array(names.num_rows())?;
            for (pass, held) in passes.iter_mut().zip(mask.as_boolean().iter()) {
                *pass &= held == Some(true);
            }
        }
        let numbered = (0_u32..).zip(passes);
        Ok(numbered.filter(|(_, pass)| *pass).map(|(id, _)| SeriesId::new(id)).collect())
    }
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
        for filter in filters {
            span.narrow(filter, name);
        }
        span
    }

    /// Whether bounds say all that this filter says.
    fn says(filter: &Expr) -> bool {
        Self::default().narrow(filter, "time")
    }

    pub(crate) fn put_into(self, scan: &mut Scan) {
        scan.from = self.from.map(Timestamp::from_millis);
        scan.to = self.to.map(Timestamp::from_millis);
    }

    /// Answers whether the bounds say all of the filter.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "kinds of DataFusion that say nothing of what is asked"
    )]
    fn narrow(&mut self, filter: &Expr, name: &str) -> bool {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                self.narrow(left, name) & self.narrow(right, name)
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                if let (true, Some(at)) = (is_time(left, name), instant(right)) {
                    self.bound(*op, at)
                } else if let (Some(at), true, Some(op)) =
                    (instant(left), is_time(right, name), op.swap())
                {
                    self.bound(op, at)
                } else {
                    false
                }
            }
            Expr::Between(between) if !between.negated && is_time(&between.expr, name) => {
                match (instant(&between.low), instant(&between.high)) {
                    (Some(low), Some(high)) => {
                        self.bound(Operator::GtEq, low) & self.bound(Operator::LtEq, high)
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Times of rows are whole milliseconds.
    #[expect(clippy::wildcard_enum_match_arm, reason = "operators that bound nothing")]
    fn bound(&mut self, op: Operator, at: Instant) -> bool {
        let after = at.millis.saturating_add(1);
        let (from, to) = match op {
            // Beyond whole milliseconds nothing is equal.
            Operator::Eq if at.rest => (Some(after), Some(after)),
            Operator::Eq => (Some(at.millis), Some(after)),
            Operator::Gt => (Some(after), None),
            Operator::GtEq => (Some(if at.rest { after } else { at.millis }), None),
            Operator::Lt => (None, Some(if at.rest { after } else { at.millis })),
            Operator::LtEq => (None, Some(after)),
            _ => return false,
        };
        self.from = self.from.max(from);
        self.to = [self.to, to].into_iter().flatten().min();
        true
    }
}

/// The column itself, or in a finer resolution: that keeps the order of times.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "kinds of DataFusion that say nothing of what is asked"
)]
pub(crate) fn is_time(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Column(column) => column.name == name,
        Expr::Cast(cast) => {
            let finer = matches!(
                cast.field.data_type(),
                DataType::Timestamp(unit, _) if *unit != TimeUnit::Second
            );
            finer && is_time(&cast.expr, name)
        }
        _ => false,
    }
}

#[derive(Clone, Copy, Debug)]
struct Instant {
    millis: i64,
    /// Whether it is later than that millisecond's begin.
    rest: bool,
}

impl Instant {
    const fn of(count: i64, per_millisecond: i64) -> Self {
        let rest = count.rem_euclid(per_millisecond) != 0;
        Self { millis: count.div_euclid(per_millisecond), rest }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "kinds of DataFusion that say nothing of what is asked"
)]
fn instant(expr: &Expr) -> Option<Instant> {
    let Expr::Literal(value, _) = expr else { return None };
    Some(match value {
        ScalarValue::TimestampSecond(Some(at), _) => Instant::of(at.saturating_mul(1_000), 1),
        ScalarValue::TimestampMillisecond(Some(at), _) => Instant::of(*at, 1),
        ScalarValue::TimestampMicrosecond(Some(at), _) => Instant::of(*at, 1_000),
        ScalarValue::TimestampNanosecond(Some(at), _) => Instant::of(*at, 1_000_000),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
