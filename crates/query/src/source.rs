//! A table scan whose batches come from an iterator, as DataFusion wants to see it.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::stream;

pub(crate) type Batches =
    Box<dyn Iterator<Item = Result<RecordBatch, DataFusionError>> + Send + 'static>;

type Begin = Box<dyn Fn(&TaskContext) -> Result<Batches, DataFusionError> + Send + Sync>;

struct Source {
    schema: SchemaRef,
    begin: Begin,
}

impl fmt::Debug for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Source").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl PartitionStream for Source {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches: Batches = match (self.begin)(&context) {
            Ok(batches) => batches,
            Err(fault) => Box::new(std::iter::once(Err(fault))),
        };
        let schema = Arc::clone(&self.schema);
        Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches)))
    }
}

/// A plan that calls `begin` when it is executed. The batches have exactly the columns of `schema`.
pub(crate) fn plan(
    schema: SchemaRef,
    limit: Option<usize>,
    begin: impl Fn(&TaskContext) -> Result<Batches, DataFusionError> + Send + Sync + 'static,
) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let source = Arc::new(Source { schema: Arc::clone(&schema), begin: Box::new(begin) });
    let plan = StreamingTableExec::try_new(schema, vec![source], None, [], false, limit)?;
    Ok(Arc::new(plan))
}
