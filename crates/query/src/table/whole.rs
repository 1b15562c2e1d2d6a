//! `devices` and `labels`: tables that are made whole, from memory.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::site::Snapshot;
use crate::source::{self, Batches, Begin, Outline, Size};
use crate::table::devices;

/// Which of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Devices,
    Labels,
}

impl Kind {
    fn rows(self, snapshot: &Snapshot) -> Result<RecordBatch, DataFusionError> {
        match self {
            Self::Devices => devices::rows(snapshot.devices()),
            Self::Labels => snapshot.labels.rows(&*snapshot.catalog),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::Labels => "labels",
        }
    }
}

/// All rows of a moment.
#[derive(Debug)]
pub(crate) struct Whole {
    kind: Kind,
    rows: RecordBatch,
}

impl Whole {
    pub(crate) fn new(kind: Kind, snapshot: &Snapshot) -> Result<Self, DataFusionError> {
        Ok(Self { kind, rows: kind.rows(snapshot)? })
    }
}

#[async_trait]
impl TableProvider for Whole {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let columns: Vec<usize> =
            projection.cloned().unwrap_or_else(|| (0..self.rows.num_columns()).collect());
        let rows = self.rows.project(&columns)?;
        let (kind, planned) = (self.kind, rows.num_rows());
        let told = format!("{}, rows={planned}", kind.name());
        // What is planned for one thread may be kept: the plan must not hold the number of rows.
        let exact = session.config().target_partitions() > 1;
        let size = Some(Size { rows: planned, series: planned, exact });
        let outline = Outline { schema: rows.schema(), limit, told, shares: 1, size };
        let again = move |snapshot: &Arc<Snapshot>| {
            let rows = kind.rows(snapshot)?;
            if rows.num_rows() != planned {
                return Ok(None);
            }
            Ok(Some(begin(rows.project(&columns)?)))
        };
        Ok(source::plan_to_keep(outline, begin(rows), Arc::new(again)))
    }
}

/// In batches of the usual length.
fn begin(rows: RecordBatch) -> Begin {
    Box::new(move |context, _share| {
        let (rows, most) = (rows.clone(), context.session_config().batch_size());
        let starts = (0..rows.num_rows()).step_by(most);
        let batches: Batches = Box::new(
            starts.map(move |start| Ok(rows.slice(start, most.min(rows.num_rows() - start)))),
        );
        Ok(batches)
    })
}
