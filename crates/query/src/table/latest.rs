//! `latest` and `signals`: the last reading of every series, and what is known of the series.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::array::{UInt16Array, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use history::{Latest, LatestValue, SeriesId};
use model::Unit;

use crate::prune::{self, SeriesTest};
use crate::site::Snapshot;
use crate::source::{self, Batches, Begin, Outline, Size};
use crate::table;

const KEYS: [&str; 2] = ["device", "signal"];

/// Series that a kept scan with filters knows, 4 KiB; more are found again each time.
const KEPT_MAX: usize = 1_024;

/// Which of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Latest,
    Signals,
}

/// What a column shows.
#[derive(Clone, Copy, Debug)]
enum Column {
    Device,
    Signal,
    Time,
    Number,
    Text,
    Quality,
    Unit,
    UnitPrint,
    Kind,
}

impl Kind {
    fn columns(self) -> &'static [(&'static str, Column)] {
        match self {
            Self::Latest => &[
                ("time", Column::Time),
                ("device", Column::Device),
                ("signal", Column::Signal),
                ("number", Column::Number),
                ("text", Column::Text),
                ("quality", Column::Quality),
                ("unit", Column::Unit),
            ],
            Self::Signals => &[
                ("device", Column::Device),
                ("signal", Column::Signal),
                ("unit", Column::Unit),
                ("unit_print", Column::UnitPrint),
                ("kind", Column::Kind),
                ("last_time", Column::Time),
                ("last_number", Column::Number),
                ("last_text", Column::Text),
            ],
        }
    }

    fn schema(self) -> SchemaRef {
        let column = |(name, column): &(&'static str, Column)| match column {
            Column::Device | Column::Signal | Column::Kind => (*name, DataType::Utf8View, false),
            Column::Time => (*name, table::time_type(), false),
            Column::Number => (*name, DataType::Float64, true),
            Column::Text | Column::Unit | Column::UnitPrint => (*name, DataType::Utf8View, true),
            Column::Quality => (*name, DataType::UInt16, false),
        };
        table::schema(&self.columns().iter().map(column).collect::<Vec<_>>())
    }
}

/// One row for each series that has a reading, from memory.
#[derive(Debug)]
pub(crate) struct LastValues {
    snapshot: Arc<Snapshot>,
    kind: Kind,
    schema: SchemaRef,
}

impl LastValues {
    pub(crate) fn new(snapshot: Arc<Snapshot>, kind: Kind) -> Self {
        Self { snapshot, kind, schema: kind.schema() }
    }
}

#[async_trait]
impl TableProvider for LastValues {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        Ok(prune::pushdown_series(filters, &KEYS))
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let own = self.kind.columns();
        let wanted: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..own.len()).collect());
        let columns =
            wanted.iter().filter_map(|index| own.get(*index)).map(|(_, column)| *column).collect();
        let schema = Arc::new(self.schema.project(&wanted)?);
        let test = SeriesTest::new(session, &KEYS, filters)?;
        let asked = Arc::new(Asked { test, columns, schema: Arc::clone(&schema) });
        let names = &self.snapshot.names;
        let ids: Arc<[SeriesId]> = asked.test.passing(names)?.into();
        let (few, all) = (ids.len() <= KEPT_MAX, names.num_rows());
        let told = format!("last values, series={} of {all}", ids.len());
        let size = Some(Size { rows: ids.len(), series: ids.len(), exact: false });
        let outline = Outline { schema, limit, told, shares: 1, size };
        let kept = (few && !asked.test.passes_all()).then(|| Arc::clone(&ids));
        let begin = Arc::clone(&asked).begin(&self.snapshot, ids);
        let again = move |snapshot: &Arc<Snapshot>| {
            // As many names are the same names.
            if snapshot.names.num_rows() != all {
                return Ok(None);
            }
            let ids = match &kept {
                Some(ids) => Arc::clone(ids),
                None => asked.test.passing(&snapshot.names)?.into(),
            };
            Ok(Some(Arc::clone(&asked).begin(snapshot, ids)))
        };
        Ok(source::plan_to_keep(outline, begin, Arc::new(again)))
    }
}

/// What a scan wants, at whatever moment.
#[derive(Debug)]
struct Asked {
    test: SeriesTest,
    columns: Vec<Column>,
    /// Of these columns.
    schema: SchemaRef,
}

impl Asked {
    fn begin(self: Arc<Self>, snapshot: &Arc<Snapshot>, ids: Arc<[SeriesId]>) -> Begin {
        let snapshot = Arc::clone(snapshot);
        Box::new(move |_context, _share| {
            let rows = self.rows(&snapshot, &ids)?;
            let batches: Batches = Box::new(std::iter::once(Ok(rows)));
            Ok(batches)
        })
    }

    fn rows(&self, snapshot: &Snapshot, ids: &[SeriesId]) -> Result<RecordBatch, DataFusionError> {
        let latest = snapshot.view.latest_of(ids);
        let said: Vec<(SeriesId, Latest)> =
            ids.iter().zip(latest).filter_map(|(id, last)| Some((*id, last?))).collect();
        let columns: Result<Vec<ArrayRef>, DataFusionError> =
            self.columns.iter().map(|column| column.of(snapshot, &said)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(said.len()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns?, &options)?)
    }
}

impl Column {
    fn of(
        self,
        snapshot: &Snapshot,
        said: &[(SeriesId, Latest)],
    ) -> Result<ArrayRef, DataFusionError> {
        let values = || said.iter().map(|(_, last)| &last.value);
        let name = |column: usize| {
            let keys: UInt32Array = said.iter().map(|(id, _)| Some(id.get())).collect();
            take(snapshot.names.column(column), &keys, None)
        };
        let unit = |word: fn(Unit) -> &'static str| -> ArrayRef {
            let ids: Vec<SeriesId> = said.iter().map(|(id, _)| *id).collect();
            let units = snapshot.view.units_of(&ids);
            Arc::new(StringViewArray::from_iter(units.into_iter().map(|unit| unit.map(word))))
        };
        let kind = |value: &LatestValue| if value.text().is_some() { "text" } else { "number" };
        Ok(match self {
            Self::Device => name(0)?,
            Self::Signal => name(1)?,
            Self::Time => table::times(said.iter().map(|(_, last)| Some(last.time.millis()))),
            Self::Number => Arc::new(Float64Array::from_iter(values().map(LatestValue::number))),
            Self::Text => Arc::new(StringViewArray::from_iter(values().map(LatestValue::text))),
            Self::Quality => Arc::new(UInt16Array::from_iter_values(
                said.iter().map(|(_, last)| last.quality.bits()),
            )),
            Self::Unit => unit(Unit::code),
            Self::UnitPrint => unit(Unit::print),
            Self::Kind => Arc::new(StringViewArray::from_iter_values(values().map(kind))),
        })
    }
}
