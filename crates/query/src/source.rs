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

use crate::site::Snapshot;

pub(crate) type Batches =
    Box<dyn Iterator<Item = Result<RecordBatch, DataFusionError>> + Send + 'static>;

pub(crate) type Begin =
    Box<dyn Fn(&TaskContext, Share) -> Result<Batches, DataFusionError> + Send + Sync>;

/// How the same scan begins at another moment; `None` when its outline is not the same.
pub(crate) type Again =
    Arc<dyn Fn(&Arc<Snapshot>) -> Result<Option<Begin>, DataFusionError> + Send + Sync>;

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
    /// Whether there are exactly so many rows. Then a plan may count on it, and is not to be kept.
    pub(crate) exact: bool,
}

/// A plan that calls `begin` for each share when it is executed.
pub(crate) fn plan(
    outline: Outline,
    begin: impl Fn(&TaskContext, Share) -> Result<Batches, DataFusionError> + Send + Sync + 'static,
) -> Arc<dyn ExecutionPlan> {
    Arc::new(SiteScan::new(outline, Box::new(begin), None))
}

/// The same for a scan that can be kept for other moments.
pub(crate) fn plan_to_keep(outline: Outline, begin: Begin, again: Again) -> Arc<dyn ExecutionPlan> {
    Arc::new(SiteScan::new(outline, begin, Some(again)))
}

/// The leaf of all plans.
pub(crate) struct SiteScan {
    outline: Arc<Outline>,
    /// `None` in a plan that is kept: it is of no moment.
    begin: Option<Begin>,
    again: Option<Again>,
    metrics: ExecutionPlanMetricsSet,
    properties: Arc<PlanProperties>,
}

impl SiteScan {
    fn new(outline: Outline, begin: Begin, again: Option<Again>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&outline.schema)),
            Partitioning::UnknownPartitioning(outline.shares),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            outline: Arc::new(outline),
            begin: Some(begin),
            again,
            metrics: ExecutionPlanMetricsSet::new(),
            properties: Arc::new(properties),
        }
    }

    /// The scan without its moment; `None` when it cannot be kept.
    pub(crate) fn blank(&self) -> Option<Self> {
        self.again.is_some().then(|| self.alike(None))
    }

    /// The scan of a moment; `None` when it would be planned in another way then.
    pub(crate) fn at(&self, snapshot: &Arc<Snapshot>) -> Result<Option<Self>, DataFusionError> {
        let Some(again) = &self.again else { return Ok(None) };
        Ok(again(snapshot)?.map(|begin| self.alike(Some(begin))))
    }

    /// With the same properties, so that what stands above it need not be planned again.
    fn alike(&self, begin: Option<Begin>) -> Self {
        Self {
            outline: Arc::clone(&self.outline),
            begin,
            again: self.again.clone(),
            metrics: ExecutionPlanMetricsSet::new(),
            properties: Arc::clone(&self.properties),
        }
    }
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
        let Some(begin) = &self.begin else { return internal_err!("a scan of no moment") };
        let mut batches = begin(&context, share)?;
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
        if let Some(Size { rows, series, exact }) = self.outline.size {
            let parts = if args.partition().is_some() { self.outline.shares.max(1) } else { 1 };
            let rows = Precision::Exact(rows.div_ceil(parts));
            statistics.num_rows = if exact { rows } else { rows.to_inexact() };
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
