//! The rule: an aggregate over readings becomes one over partial groups, where the answer is the same.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "kinds of DataFusion that say nothing of what is asked"
)]

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DataFusionError};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{
    Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, TableScan, TableScanBuilder,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use datafusion::prelude::col;

use super::cut::Cut;
use super::fold::Part;
use super::sums::{Asked, Sums, What};
use super::table::{Partials, Recipe};
use super::target::Target;
use crate::prune::{self, is_time};

#[derive(Debug)]
pub(crate) struct FoldWhereRead;

impl OptimizerRule for FoldWhereRead {
    fn name(&self) -> &'static str {
        "fold_where_read"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>, DataFusionError> {
        let LogicalPlan::Aggregate(aggregate) = &plan else { return Ok(Transformed::no(plan)) };
        let Some(scan) = scan_of(&aggregate.input) else { return Ok(Transformed::no(plan)) };
        let provider = source_as_provider(&scan.source)?;
        let question = Target::of(&*provider)
            .filter(|target| scan.fetch.is_none() && prune::decide(&scan.filters, target.keys()))
            .and_then(|target| Question::of(aggregate, target));
        let partials = question.as_ref().and_then(|question| {
            Partials::of(question.recipe(scan), &*provider).map(|partials| (question, partials))
        });
        let Some((question, partials)) = partials else { return Ok(Transformed::no(plan)) };
        // DataFusion takes two scans of one name for the same, whatever they read.
        let name = config.alias_generator().next("partials");
        let other = question.plan(aggregate, (partials, name))?;
        let same = plan.schema().logically_equivalent_names_and_types(other.schema());
        Ok(if same { Transformed::yes(other) } else { Transformed::no(plan) })
    }
}

/// A scan that nothing but another name lies over.
fn scan_of(input: &LogicalPlan) -> Option<&TableScan> {
    match input {
        LogicalPlan::TableScan(scan) => Some(scan),
        LogicalPlan::SubqueryAlias(alias) => scan_of(&alias.input),
        _ => None,
    }
}

/// What an aggregate asks, in words of groups.
struct Question {
    /// Over partial groups.
    keys: Vec<Expr>,
    cut: Option<Cut>,
    asked: Vec<Asked>,
}

impl Question {
    /// `None` when groups of readings do not hold what is asked for.
    fn of(aggregate: &Aggregate, target: Target<'_>) -> Option<Self> {
        let mut cut = None;
        let mut keys = Vec::with_capacity(aggregate.group_expr.len());
        for expr in &aggregate.group_expr {
            keys.push(match expr {
                Expr::Column(column) => col(target.key(&column.name)?.name()),
                key => {
                    let (own, key) = Cut::of_key(key, Part::Bucket.name())?;
                    // One bucket of time at most.
                    cut.replace(own).is_none().then_some(key)?
                }
            });
        }
        let asked: Option<Vec<Asked>> =
            aggregate.aggr_expr.iter().map(|expr| asked(expr, target)).collect();
        let asked = asked.filter(|asked| target.holds(asked))?;
        Some(Self { keys, cut, asked })
    }

    fn recipe(&self, scan: &TableScan) -> Recipe {
        let (asked, cut) = (self.asked.clone(), self.cut);
        Recipe { table: scan.table_name.clone(), asked, filters: scan.filters.clone(), cut }
    }

    fn plan(
        &self,
        aggregate: &Aggregate,
        (partials, name): (Partials, String),
    ) -> Result<LogicalPlan, DataFusionError> {
        let source = provider_as_source(Arc::new(partials));
        let scan = TableScanBuilder::new(name, source).build()?;
        let sums = Sums::of(&self.asked)?;
        let keys = || (0..self.keys.len()).map(|place| format!("key_{place}"));
        let named = self.keys.iter().zip(keys()).map(|(key, name)| key.clone().alias(name));
        let groups = LogicalPlanBuilder::from(LogicalPlan::TableScan(scan))
            .aggregate(named, sums.aggregates)?;
        let values = keys().map(col).chain(sums.answers).zip(aggregate.schema.iter());
        let named = values.map(|(value, (qualifier, field))| {
            value.alias_qualified(qualifier.cloned(), field.name())
        });
        groups.project(named.collect::<Vec<_>>())?.build()
    }
}

fn asked(expr: &Expr, target: Target<'_>) -> Option<Asked> {
    let AggregateFunction { func, params } = match expr {
        Expr::AggregateFunction(function) => function,
        Expr::Alias(alias) => return asked(&alias.expr, target),
        _ => return None,
    };
    let plain = !params.distinct
        && params.filter.is_none()
        && params.order_by.is_empty()
        && params.null_treatment.is_none();
    let what = match (func.name(), params.args.as_slice()) {
        ("count", [Expr::Literal(value, _)]) if plain && !value.is_null() => {
            return Some(Asked { what: What::Rows, signal: None });
        }
        ("count", [_]) => What::Numbers,
        ("sum", [_]) => What::Sum,
        ("avg", [_]) => What::Mean,
        ("min", [_]) => What::Min,
        ("max", [_]) => What::Max,
        ("first", [_, time]) if is_time(time, "time") => What::First,
        ("last", [_, time]) if is_time(time, "time") => What::Last,
        _ => return None,
    };
    let Some(Expr::Column(Column { name, .. })) = params.args.first() else { return None };
    if plain { target.asked(what, name) } else { None }
}
