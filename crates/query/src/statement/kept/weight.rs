//! About how much memory a plan takes.

use std::any::Any;

use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::partial::Partials;

/// Of a node, an expression, and a column of a node.
const PART_BYTES: usize = 256;

/// In bytes; `None` when it is more than `most`.
pub(super) fn weight(plan: &LogicalPlan, most: usize) -> Option<usize> {
    let mut bytes = 0_usize;
    let walked = plan.apply_with_subqueries(|node| {
        bytes += PART_BYTES * (1 + node.schema().fields().len());
        node.apply_expressions(|expr| add(expr, &mut bytes))?;
        for filter in folded(node)? {
            add(&filter, &mut bytes)?;
        }
        Ok(if bytes > most { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    (walked.is_ok() && bytes <= most).then_some(bytes)
}

fn add(expr: &Expr, bytes: &mut usize) -> Result<TreeNodeRecursion, DataFusionError> {
    expr.apply(|part| {
        *bytes += PART_BYTES;
        if let Expr::Literal(value, _) = part {
            *bytes += value.size();
        }
        Ok(TreeNodeRecursion::Continue)
    })
}

/// The filters of readings that are folded where they are read: no plan shows them.
fn folded(node: &LogicalPlan) -> Result<Vec<Expr>, DataFusionError> {
    let LogicalPlan::TableScan(scan) = node else { return Ok(Vec::new()) };
    let provider = source_as_provider(&scan.source)?;
    let partials = (&*provider as &dyn Any).downcast_ref::<Partials>();
    Ok(partials.map(|partials| partials.recipe().filters.clone()).unwrap_or_default())
}
