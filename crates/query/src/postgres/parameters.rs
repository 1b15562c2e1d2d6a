//! The parameters of a statement: how many, and what they are compared with or cast to.

use std::collections::BTreeMap;

use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::statement::Parameter;

/// The key under which `pg_catalog` marks columns that hold numbers of rows.
const OID_KEY: &str = "pg.oid_alias";

/// More cannot be said on the wire.
const PARAMETERS_MAX: usize = 65_535;

/// `$1` and so on, in their order; one that is not used has no kind.
pub(crate) fn parameters(plan: &LogicalPlan) -> Result<Vec<Parameter>, DataFusionError> {
    let mut found: BTreeMap<usize, Parameter> = BTreeMap::new();
    plan.apply_with_subqueries(|node| {
        for expr in node.expressions() {
            expr.apply(|part| {
                note(part, &mut found);
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let count = found.keys().next_back().copied().unwrap_or_default();
    Ok((1..=count).map(|number| found.remove(&number).unwrap_or_default()).collect())
}

/// A cast says what its parameter is, whatever the plan infers.
fn note(expr: &Expr, found: &mut BTreeMap<usize, Parameter>) {
    let (placeholder, cast) = if let Expr::Placeholder(placeholder) = expr {
        (placeholder, None)
    } else if let Expr::Cast(cast) = expr
        && let Expr::Placeholder(placeholder) = &*cast.expr
    {
        (placeholder, Some(cast.field.data_type().clone()))
    } else {
        return;
    };
    let number = placeholder.id.strip_prefix('$').and_then(|text| text.parse().ok());
    let Some(number) = number.filter(|number| (1..=PARAMETERS_MAX).contains(number)) else {
        return;
    };
    let field = placeholder.field.as_deref();
    let parameter = found.entry(number).or_default();
    parameter.is_oid |= field.is_some_and(|field| field.metadata().contains_key(OID_KEY));
    if let Some(kind) = cast {
        parameter.kind = Some(kind);
    } else if parameter.kind.is_none() {
        parameter.kind = field.map(|field| field.data_type().clone());
    }
}
