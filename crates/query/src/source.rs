//! A table scan whose batches come from an iterator, as DataFusion wants to see it, and as EXPLAIN
//! shows it.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Statistics, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, StatisticsArgs,
};
use futures::stream;
use history::Share;

pub(crate) type Batches =
    Box<dyn Iterator<Item = Result<RecordBatch, DataFusionError>> + Send + 'static>;

type Begin = Box<dyn Fn(&TaskContext, Share) -> Result<Batches, DataFusionError> + Send + Sync>;

/// What is known of a scan before it begins.
#[derive(Debug)]
pub(crate) struct Outline {
    /// Of the batches, exactly.
    pub(crate) schema: SchemaRef,
    /// More rows are not needed.
    pub(crate) limit: Option<usize>,
    /// What EXPLAIN shows of it.
    pub(crate) told: String,
    /// How many threads can work on it.
    pub(crate) shares: usize,
    /// If it can be told: of a join, the smaller side is kept in memory.
    pub(crate) size: Option<Size>,
}

/// About how much a scan gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) rows: usize,
    /// Whose rows these are: there are no more devices and signals.
    pub(crate) series: usize,
}

/// A plan that calls `begin` for each share when it is executed.
pub(crate) fn plan(
    outline: Outline,
    begin: impl Fn(&TaskContext, Share) -> Result<Batches, DataFusionError> + Send + Sync + 'static,
) -> Arc<dyn ExecutionPlan> {
    let properties = PlanProperties::new(
        EquivalenceProperties::new(Arc::clone(&outline.schema)),
        Partitioning::UnknownPartitioning(outline.shares),
        EmissionType::Incremental,
        Boundedness::Bounded,
    );
    let (begin, metrics): (Begin, _) = (Box::new(begin), ExecutionPlanMetricsSet::new());
    Arc::new(SiteScan { outline, begin, metrics, properties: Arc::new(properties) })
}

/// The leaf of all plans.
struct SiteScan {
    outline: Outline,
    begin: Begin,
    metrics: ExecutionPlanMetricsSet,
    properties: Arc<PlanProperties>,
}

impl fmt::Debug for SiteScan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SiteScan").field("outline", &self.outline).finish_non_exhaustive()
    }
}

impl DisplayAs for SiteScan {
    fn fmt_as(&self, _kind: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SiteScan: {}", self.outline.told)?;
        self.outline.limit.map_or(Ok(()), |limit| write!(out, ", limit={limit}"))
    }
}

impl ExecutionPlan for SiteScan {
    fn name(&self) -> &'static str {
        "SiteScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _each: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion, DataFusionError>,
    ) -> Result<TreeNodeRecursion, DataFusionError> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        if children.is_empty() { Ok(self) } else { internal_err!("a scan has no children") }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let share = Share { number: partition, of: self.outline.shares };
        let mut batches = (self.begin)(&context, share)?;
        let mut left = self.outline.limit.unwrap_or(usize::MAX);
        let counted = std::iter::from_fn(move || {
            let timer = metrics.elapsed_compute().timer();
            let next = if left == 0 { None } else { batches.next() };
            timer.done();
            if let Some(Ok(batch)) = &next {
                left = left.saturating_sub(batch.num_rows());
                metrics.record_output(batch.num_rows());
            }
            next
        });
        let schema = Arc::clone(&self.outline.schema);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(counted))))
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>, DataFusionError> {
        let schema = &self.outline.schema;
        let mut statistics = Statistics::new_unknown(schema);
        if let Some(Size { rows, series }) = self.outline.size {
            let parts = if args.partition().is_some() { self.outline.shares.max(1) } else { 1 };
            statistics.num_rows = Precision::Inexact(rows.div_ceil(parts));
            for (field, column) in schema.fields().iter().zip(&mut statistics.column_statistics) {
                if matches!(field.name().as_str(), "device" | "signal") {
                    column.distinct_count = Precision::Inexact(series);
                }
            }
        }
        Ok(Arc::new(statistics))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
