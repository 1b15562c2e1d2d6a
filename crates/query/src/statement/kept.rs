//! Optimized plans of statements that were asked before. Screens and alarms say the same words again
//! and again, and to plan them takes longer than to look up last values.
//!
//! A kept plan holds no snapshot: `blank` takes the tables out of it, and each run puts those of its
//! own moment in (`Blank::fill`), so it sees new devices, values and files like any other.

mod blank;
mod weight;

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DataFusionError, ParamValues, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};

use crate::postgres::Statement;
use crate::site::Tables;
use crate::statement::Text;
use blank::Blank;
use weight::weight;

/// A site's screens have some dozens of statements.
const PLANS_MAX: usize = 128;
/// Longer texts come from programs that put values into them, which are not said again.
const TEXT_MAX: usize = 4 << 10;
/// Of one plan; together with `PLANS_MAX` it bounds the memory to 16 MiB. A short text can have a large
/// plan: of a table with thousands of columns, or with a text that it repeats.
const BYTES_MAX: usize = 128 << 10;

/// What was asked. Who says something decides what its words mean.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Words {
    Site(String),
    /// With the values of its parameters.
    Postgres(Arc<Statement>, Vec<ScalarValue>),
}

impl Words {
    /// `None` for what is not kept anyway.
    pub(super) fn of(text: &Text) -> Option<Self> {
        match text {
            Text::Site(sql) => (sql.len() <= TEXT_MAX).then(|| Self::Site(sql.clone())),
            Text::Postgres(statement, values) => {
                let ParamValues::List(values) = values else { return None };
                let plain = values.iter().all(|value| value.metadata.is_none());
                let values = values.iter().map(|value| value.value.clone()).collect();
                (plain && statement.text_bytes() <= TEXT_MAX)
                    .then(|| Self::Postgres(Arc::clone(statement), values))
            }
        }
    }
}

/// The one that was not asked for the longest time is the first.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Vec<(Words, Arc<Blank>)>>);

impl Kept {
    /// The plan over the tables of a moment, if it is known and the tables have the same columns.
    ///
    /// # Errors
    /// When a table cannot be made.
    pub(super) fn get(
        &self,
        words: &Words,
        tables: &Tables,
    ) -> Result<Option<LogicalPlan>, DataFusionError> {
        let Some(blank) = self.look_up(words) else { return Ok(None) };
        blank.fill(tables)
    }

    fn look_up(&self, words: &Words) -> Option<Arc<Blank>> {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = plans.iter().rposition(|(known, _)| known == words)?;
        let found = plans.remove(place);
        let blank = Arc::clone(&found.1);
        plans.push(found);
        Some(blank)
    }

    /// Keeps a plan in place of the one of the same words, or of the one that was not asked for the
    /// longest time.
    pub(super) fn put(&self, words: Words, optimized: &LogicalPlan) {
        if weight(optimized, BYTES_MAX).is_none() {
            return;
        }
        let Some(blank) = Blank::of(optimized) else { return };
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|(known, _)| *known != words);
        if plans.len() >= PLANS_MAX {
            plans.remove(0);
        }
        plans.push((words, Arc::new(blank)));
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Whether a plan, not yet optimized, means the same tomorrow: optimizing puts the moment in place
/// of `now()`, and what describes a table holds its columns.
pub(super) fn is_timeless(plan: &LogicalPlan) -> bool {
    let mut timeless = true;
    let walked = plan.apply_with_subqueries(|node| {
        timeless &= !matches!(
            node,
            LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_)
        );
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                timeless &= is_fixed(part);
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    timeless && walked.is_ok()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is no function and no variable is fixed")]
fn is_fixed(expr: &Expr) -> bool {
    match expr {
        Expr::ScalarFunction(call) => call.func.signature().volatility == Volatility::Immutable,
        Expr::ScalarVariable(..) | Expr::Placeholder(_) => false,
        _ => true,
    }
}
