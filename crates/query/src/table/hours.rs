//! `hours`: what the readings of each hour of a closed day come to.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use history::{HoursScan, hour, hours_schema};
use model::Timestamp;

use crate::prune::{self, Span};
use crate::site::Snapshot;
use crate::source::{self, Batches, Outline};
use crate::table::readings::{KEYS, Shape};
use crate::table::{self, Forecast};

/// The columns of history that an hour in SQL consists of: all but the series.
fn stored() -> Vec<usize> {
    (0..hour::COUNT).filter(|column| *column != hour::SERIES).collect()
}

/// Names are as in other tables.
pub(crate) fn schema() -> SchemaRef {
    let history = hours_schema();
    let field = |column: usize| {
        let field = history.field(column).clone();
        match column {
            hour::DEVICE | hour::SIGNAL => field.with_data_type(DataType::Utf8View),
            _ => field,
        }
    };
    Arc::new(Schema::new(stored().into_iter().map(field).collect::<Vec<_>>()))
}

#[derive(Debug)]
pub(crate) struct Hours(pub(crate) Arc<Snapshot>);

#[async_trait]
impl TableProvider for Hours {
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
        let every: Vec<usize> = (0..stored().len()).collect();
        let wanted = projection.unwrap_or(&every);
        let schema = Arc::new(schema().project(wanted)?);
        let columns = stored();
        let stored = wanted.iter().filter_map(|index| columns.get(*index).copied()).collect();
        let shape = Shape { schema: Arc::clone(&schema), stored, names: self.0.names.clone() };
        let Span { from, to } = Span::of_column("hour", filters);
        let scan = HoursScan {
            series: prune::series(session, (&self.0.names, &KEYS), filters)?,
            from: from.map(Timestamp::from_millis),
            to: to.map(Timestamp::from_millis),
            columns: Some(shape.history()),
            only_usable: false,
        };
        let snapshot = Arc::clone(&self.0);
        let Forecast { told, size } = table::forecast_of_hours(&snapshot, &scan);
        let outline = Outline { schema, limit, told, shares: 1, size: Some(size) };
        let begins = move |_: &TaskContext, _| begin(&snapshot, &scan, shape.clone());
        Ok(source::plan(outline, begins))
    }
}

fn begin(
    snapshot: &Arc<Snapshot>,
    scan: &HoursScan,
    shape: Shape,
) -> Result<Batches, DataFusionError> {
    let hours = snapshot.view.scan_hours(scan).map_err(table::unreadable)?;
    let snapshot = Arc::clone(snapshot);
    Ok(Box::new(hours.map(move |batch| {
        let batch = batch.map_err(table::unreadable)?;
        snapshot.work.add_rows(batch.num_rows());
        shape.of(&batch)
    })))
}
