//! `readings`: every reading, one row each.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, SchemaRef, UInt32Type};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use history::{Scan, Share, column};

use crate::names::Names;
use crate::prune::{self, Span};
use crate::site::Snapshot;
use crate::source::{self, Batches, Outline};
use crate::table::{self, Forecast};

/// The columns of history that a reading in SQL consists of, in the order of `schema`.
const STORED: [usize; 6] =
    [column::TIME, column::DEVICE, column::SIGNAL, column::NUMBER, column::TEXT, column::QUALITY];

pub(crate) const KEYS: [&str; 2] = ["device", "signal"];

pub(crate) fn schema() -> SchemaRef {
    table::schema(&[
        ("time", table::time_type(), false),
        ("device", DataType::Utf8View, false),
        ("signal", DataType::Utf8View, false),
        ("number", DataType::Float64, true),
        ("text", DataType::Utf8View, true),
        ("quality", DataType::UInt16, false),
    ])
}

#[derive(Debug)]
pub(crate) struct Readings(pub(crate) Arc<Snapshot>);

#[async_trait]
impl TableProvider for Readings {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        Ok(prune::pushdown(filters, &KEYS))
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let every: Vec<usize> = (0..STORED.len()).collect();
        let wanted = projection.unwrap_or(&every);
        let schema = Arc::new(schema().project(wanted)?);
        let stored = wanted.iter().filter_map(|index| STORED.get(*index).copied()).collect();
        let shape = Shape { schema: Arc::clone(&schema), stored, names: self.0.names.clone() };
        let mut scan = Scan {
            series: prune::series(session, (&self.0.names, &KEYS), filters)?,
            columns: Some(shape.history()),
            ..Scan::default()
        };
        Span::of(filters).put_into(&mut scan);
        let Forecast { told, size } = table::forecast(&self.0, &scan);
        let (told, size) = (format!("readings, {told}"), Some(size));
        let shares = table::shares(session, &self.0, &scan);
        let snapshot = Arc::clone(&self.0);
        let begins = move |_: &TaskContext, share| begin(&snapshot, &scan, (share, shape.clone()));
        Ok(source::plan(Outline { schema, limit, told, shares, size }, begins))
    }
}

fn begin(
    snapshot: &Arc<Snapshot>,
    scan: &Scan,
    (share, shape): (Share, Shape),
) -> Result<Batches, DataFusionError> {
    let scan = Scan { share: Some(share), ..scan.clone() };
    let readings = snapshot.view.scan(&scan).map_err(table::unreadable)?;
    let snapshot = Arc::clone(snapshot);
    Ok(Box::new(readings.map(move |batch| {
        let batch = batch.map_err(table::unreadable)?;
        snapshot.work.add_rows(batch.num_rows());
        shape.of(&batch)
    })))
}

/// How a batch of history becomes one of SQL. Names and series stand at the same places in what
/// history has of readings and of hours.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) schema: SchemaRef,
    pub(crate) stored: Vec<usize>,
    pub(crate) names: Names,
}

impl Shape {
    /// What history is asked for: the series instead of names, as the last column.
    pub(crate) fn history(&self) -> Vec<usize> {
        let plain = self.stored.iter().filter(|column| !is_name(**column)).copied();
        let named = self.stored.iter().any(|column| is_name(*column));
        plain.chain(named.then_some(column::SERIES)).collect()
    }

    pub(crate) fn of(&self, batch: &RecordBatch) -> Result<RecordBatch, DataFusionError> {
        let mut values = batch.columns().iter();
        let series = batch.columns().last();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.stored.len());
        for stored in &self.stored {
            let source = if is_name(*stored) { series } else { values.next() };
            let Some(source) = source else { continue };
            columns.push(match *stored {
                column::DEVICE => {
                    take(self.names.column(0), source.as_primitive::<UInt32Type>(), None)?
                }
                column::SIGNAL => {
                    take(self.names.column(1), source.as_primitive::<UInt32Type>(), None)?
                }
                _ if source.data_type() == &DataType::Utf8 => cast(source, &DataType::Utf8View)?,
                _ => Arc::clone(source),
            });
        }
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(schema, columns, &rows)?)
    }
}

fn is_name(stored: usize) -> bool {
    stored == column::DEVICE || stored == column::SIGNAL
}
