//! Optimized plans of statements that were asked before. Screens and alarms say the same words again
//! and again, and to plan them takes longer than to look up last values.
//!
//! A kept plan holds no snapshot: `blank` takes the tables out of it, and each run puts those of its
//! own moment in (`Blank::fill`), so it sees new devices, values and files like any other. Of what
//! reads memory only, the physical plan is kept as well (`ready`).

mod blank;
mod ready;
mod weight;

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DataFusionError, ParamValues, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::physical_plan::ExecutionPlan;

use crate::postgres::Statement;
use crate::site::{Snapshot, Tables};
use crate::statement::Text;
use blank::Blank;
use ready::Ready;
use weight::weight;

/// A site's screens have some dozens of statements.
const PLANS_MAX: usize = 128;
/// Longer texts come from programs that put values into them, which are not said again.
const TEXT_MAX: usize = 4 << 10;
/// Of one logical plan; together with `PLANS_MAX` it bounds their memory to 16 MiB. A short text can
/// have a large plan: of a table with thousands of columns, or with a text that it repeats.
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

/// What is known of a statement.
#[derive(Debug)]
pub(super) struct Known {
    blank: Blank,
    ready: Mutex<Option<Arc<Ready>>>,
}

impl Known {
    /// The plan over the tables of a moment, if they have the same columns.
    ///
    /// # Errors
    /// When a table cannot be made.
    pub(super) fn logical(&self, tables: &Tables) -> Result<Option<LogicalPlan>, DataFusionError> {
        self.blank.fill(tables)
    }

    /// What can be executed at once, if there is such a plan and it would be planned the same way.
    ///
    /// # Errors
    /// When a table cannot be made.
    pub(super) fn physical(
        &self,
        snapshot: &Arc<Snapshot>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>, DataFusionError> {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ready.map_or(Ok(None), |ready| ready.at(snapshot))
    }

    /// Keeps what was planned of it, in place of what was planned of it before.
    ///
    /// # Errors
    /// When the plan cannot be copied.
    pub(super) fn put_physical(
        &self,
        root: &Arc<dyn ExecutionPlan>,
    ) -> Result<(), DataFusionError> {
        let ready = Ready::of(root)?.map(Arc::new);
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = ready;
        Ok(())
    }
}

/// The one that was not asked for the longest time is the first.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Vec<(Words, Arc<Known>)>>);

impl Kept {
    pub(super) fn get(&self, words: &Words) -> Option<Arc<Known>> {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = plans.iter().rposition(|(known, _)| known == words)?;
        let found = plans.remove(place);
        let known = Arc::clone(&found.1);
        plans.push(found);
        Some(known)
    }

    /// Keeps a plan in place of the one of the same words, or of the one that was not asked for the
    /// longest time.
    pub(super) fn put(&self, words: Words, optimized: &LogicalPlan) -> Option<Arc<Known>> {
        weight(optimized, BYTES_MAX)?;
        let known = Arc::new(Known { blank: Blank::of(optimized)?, ready: Mutex::default() });
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|(other, _)| *other != words);
        if plans.len() >= PLANS_MAX {
            plans.remove(0);
        }
        plans.push((words, Arc::clone(&known)));
        Some(known)
    }

    /// The physical plan that a statement would run at a moment, if one is kept.
    #[cfg(test)]
    pub(crate) fn ready(
        &self,
        sql: &str,
        snapshot: &Arc<Snapshot>,
    ) -> Option<Arc<dyn ExecutionPlan>> {
        self.get(&Words::Site(sql.to_owned()))?.physical(snapshot).unwrap()
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
