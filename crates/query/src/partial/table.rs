//! The table of partial groups: what a scan of readings is, folded.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use history::{Scan, SeriesId, Share, column};

use super::cut::Cut;
use super::fold::{Fold, Part};
use crate::prune::{self, Span};
use crate::site::Snapshot;
use crate::source::{self, Batches, Outline};
use crate::table;

/// Which readings.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) snapshot: Arc<Snapshot>,
    /// `None` for all series.
    pub(crate) series: Option<Vec<SeriesId>>,
    /// The columns that filters about series may name.
    pub(crate) keys: &'static [&'static str],
}

/// A row for each series and bucket, or several of them that are to be put together.
#[derive(Debug)]
pub(crate) struct Partials {
    base: Base,
    /// Series and times alone decide them.
    filters: Vec<Expr>,
    cut: Option<Cut>,
    schema: SchemaRef,
}

impl Partials {
    pub(crate) fn new(base: Base, filters: Vec<Expr>, cut: Option<Cut>) -> Self {
        let column = |part: &Part| (part.name(), part.kind(), part.nullable());
        let columns: Vec<(&str, DataType, bool)> = Part::ALL.iter().map(column).collect();
        Self { base, filters, cut, schema: table::schema(&columns) }
    }

    fn series(&self, session: &dyn Session) -> Result<Option<Vec<SeriesId>>, DataFusionError> {
        let names = (&self.base.snapshot.names, self.base.keys);
        let passing = prune::series(session, names, &self.filters)?;
        Ok(match (&self.base.series, passing) {
            (None, passing) => passing,
            (Some(base), None) => Some(base.clone()),
            (Some(base), Some(passing)) => {
                let both = base.iter().filter(|id| passing.binary_search(id).is_ok());
                Some(both.copied().collect())
            }
        })
    }
}

#[async_trait]
impl TableProvider for Partials {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let wanted = projection.cloned().unwrap_or_else(|| (0..Part::ALL.len()).collect());
        let schema = Arc::new(self.schema.project(&wanted)?);
        let parts: Vec<Part> =
            wanted.iter().filter_map(|index| Part::ALL.get(*index).copied()).collect();
        let reads = |column: &usize| parts.iter().any(|part| part.reads().contains(column));
        let columns = [column::SERIES, column::TIME, column::NUMBER].into_iter().filter(reads);
        let cut = self.cut.filter(|_| parts.contains(&Part::Bucket));
        let mut scan = Scan {
            series: self.series(session)?,
            columns: Some(columns.collect()),
            ..Scan::default()
        };
        Span::of(&self.filters).put_into(&mut scan);
        let snapshot = Arc::clone(&self.base.snapshot);
        let told = format!("groups of readings, {}", table::outlook(&snapshot, &scan));
        let shares = table::shares(session, &snapshot, &scan);
        let plan = Plan { snapshot, scan, parts, cut, schema: Arc::clone(&schema) };
        let outline = Outline { schema, limit: None, told, shares };
        Ok(source::plan(outline, move |_: &TaskContext, share| plan.begin(share)))
    }
}

#[derive(Clone, Debug)]
struct Plan {
    snapshot: Arc<Snapshot>,
    scan: Scan,
    parts: Vec<Part>,
    cut: Option<Cut>,
    schema: SchemaRef,
}

impl Plan {
    fn begin(&self, share: Share) -> Result<Batches, DataFusionError> {
        let plan = self.clone();
        let scan = Scan { share: Some(share), ..plan.scan.clone() };
        let mut readings = plan.snapshot.view.scan(&scan).map_err(table::unreadable)?;
        let reads = scan.columns.unwrap_or_default();
        let mut fold = Fold::new(reads, plan.cut, plan.snapshot.view.series_count());
        let mut ended = false;
        Ok(Box::new(std::iter::from_fn(move || {
            while !ended && !fold.is_full() {
                match readings.next() {
                    Some(Ok(batch)) => {
                        plan.snapshot.work.add_rows(batch.num_rows());
                        fold.take(&batch);
                    }
                    Some(Err(fault)) => {
                        ended = true;
                        return Some(Err(table::unreadable(fault)));
                    }
                    None => ended = true,
                }
            }
            let groups = plan.groups(&mut fold);
            groups.as_ref().map_or(true, |batch| batch.num_rows() > 0).then_some(groups)
        })))
    }

    fn groups(&self, fold: &mut Fold) -> Result<RecordBatch, DataFusionError> {
        let (rows, columns) = fold.finish(&self.parts, &self.snapshot.names)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}
