//! Joins that compare all rows with all others, in steps: a thread that never comes back to its
//! runtime hears of no time limit and of no reader who went away.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{
    Transformed, TransformedResult as _, TreeNode as _, TreeNodeRecursion,
};
use datafusion::common::{DataFusionError, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode;
use datafusion::physical_plan::joins::{CrossJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::{StreamExt as _, stream};

/// Rows that are compared with all of the other side in one step: with a million of these, some
/// hundred million pairs, a second.
const STEP_ROWS: usize = 128;

/// Gives such joins one side in short batches.
#[derive(Debug)]
pub(super) struct Steps;

impl PhysicalOptimizerRule for Steps {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let stepped = |node: Arc<dyn ExecutionPlan>| {
            if !node.is::<NestedLoopJoinExec>() && !node.is::<CrossJoinExec>() {
                return Ok(Transformed::no(node));
            }
            // The left one is kept in memory, the right one comes batch by batch.
            let [left, right] = node.children()[..] else {
                return internal_err!("a join has two sides");
            };
            let right = Arc::new(ShortSteps(Arc::clone(right)));
            let sides = vec![Arc::clone(left), right as Arc<dyn ExecutionPlan>];
            let same = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
            node.replace_children(sides, same).map(Transformed::yes)
        };
        plan.transform_up(stepped).data()
    }

    fn name(&self) -> &'static str {
        "steps"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The same rows in short batches, with a look at the clock before each.
#[derive(Debug)]
pub(super) struct ShortSteps(Arc<dyn ExecutionPlan>);

impl DisplayAs for ShortSteps {
    fn fmt_as(
        &self,
        _kind: DisplayFormatType,
        out: &mut std::fmt::Formatter<'_>,
    ) -> std::fmt::Result {
        write!(out, "ShortSteps: rows={STEP_ROWS}")
    }
}

impl ExecutionPlan for ShortSteps {
    fn name(&self) -> &'static str {
        "ShortSteps"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _each: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion, DataFusionError>,
    ) -> Result<TreeNodeRecursion, DataFusionError> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        match children.pop() {
            Some(child) if children.is_empty() => Ok(Arc::new(Self(child))),
            Some(_) | None => internal_err!("short steps have one input"),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let input = self.0.execute(partition, context)?;
        let schema = input.schema();
        let steps = input.flat_map(|batch| match batch {
            Ok(batch) => stream::iter(steps(&batch)),
            Err(fault) => stream::iter(vec![Err(fault)]),
        });
        let steps = steps.then(async |step| {
            tokio::task::yield_now().await;
            step
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, steps)))
    }
}

fn steps(batch: &RecordBatch) -> Vec<Result<RecordBatch, DataFusionError>> {
    let starts = (0..batch.num_rows()).step_by(STEP_ROWS);
    let length = |start| STEP_ROWS.min(batch.num_rows() - start);
    starts.map(|start| Ok(batch.slice(start, length(start)))).collect()
}
