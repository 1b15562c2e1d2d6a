//! A device type as a table: one row for each device and time, one column for each signal.
//!
//! The rows are merged from the readings of the wanted signals, device by device, in windows from the
//! newest time back, so that the memory is that of a window, not of the answer.

mod merge;
mod rows;
mod track;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use history::{Scan, Series, SeriesId};

use crate::prune::{self, Span};
use crate::site::Snapshot;
use crate::source::{self, Batches, Outline};
use crate::table::{self, Forecast};
use merge::{Device, Merge, Plan};

pub(crate) const KEYS: [&str; 1] = ["device"];

/// `time` and `device` come before the signals.
pub(crate) const FIXED: usize = 2;

/// The virtual table of one device type.
#[derive(Debug)]
pub(crate) struct Wide {
    snapshot: Arc<Snapshot>,
    schema: SchemaRef,
    /// Each series with the index of its column.
    series: BTreeMap<SeriesId, usize>,
}

impl Wide {
    pub(crate) fn new(snapshot: Arc<Snapshot>, ids: &[SeriesId]) -> Self {
        let known: Vec<Series> =
            ids.iter().filter_map(|id| snapshot.view.series_by_id(*id)).collect();
        let mut signals: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
        for series in &known {
            let latest = snapshot.view.latest(series.id);
            let text = latest.as_ref().is_none_or(|last| last.value.text().is_some());
            let (_, all_text) = signals.entry(&series.signal).or_insert((0, true));
            *all_text &= text;
        }
        let mut fields = vec![
            Field::new("time", table::time_type(), false),
            Field::new("device", DataType::Utf8View, false),
        ];
        for (signal, (index, text)) in &mut signals {
            *index = fields.len();
            let kind = if *text { DataType::Utf8View } else { DataType::Float64 };
            fields.push(Field::new(column_name(signal), kind, true));
        }
        let column = |series: &Series| signals.get(&*series.signal).map(|(index, _)| *index);
        let series = known.iter().filter_map(|series| Some((series.id, column(series)?))).collect();
        Self { schema: Arc::new(Schema::new(fields)), series, snapshot }
    }

    /// The signal whose numbers a column shows.
    pub(crate) fn signal_of(&self, column: &str) -> Option<Arc<str>> {
        let place = self.schema.index_of(column).ok().filter(|place| *place >= FIXED)?;
        if self.schema.field(place).data_type() != &DataType::Float64 {
            return None;
        }
        let mut own = self.series.iter().filter(|(_, column)| **column == place);
        let signal = |id: SeriesId| Some(self.snapshot.view.series_by_id(id)?.signal);
        signal(*own.next()?.0)
    }

    pub(crate) const fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Those of the device type, by number. `None` when one of the signals has none.
    pub(crate) fn series_of(&self, signals: &[&str]) -> Option<Vec<SeriesId>> {
        let names = self.snapshot.names.column(1).as_string_view();
        let mut missing = signals.to_vec();
        let mut series: Vec<SeriesId> =
            self.series.keys().filter(|id| id.index() < names.len()).copied().collect();
        series.retain(|id| {
            let name = names.value(id.index());
            missing.retain(|signal| *signal != name);
            signals.contains(&name)
        });
        missing.is_empty().then_some(series)
    }

    /// The series that fill the wanted columns. Without any signal among them every reading of
    /// the device makes a row.
    fn wanted(&self, columns: &[usize]) -> Vec<SeriesId> {
        let any = columns.iter().all(|column| *column < FIXED);
        let wanted = self.series.iter().filter(|(_, column)| any || columns.contains(column));
        wanted.map(|(id, _)| *id).collect()
    }
}

/// A signal called like a column that every such table has.
fn column_name(signal: &str) -> String {
    match signal {
        "time" | "device" => format!("{signal}_signal"),
        other => other.to_owned(),
    }
}

#[async_trait]
impl TableProvider for Wide {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
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
        let columns: Vec<usize> =
            projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let mut ids = self.wanted(&columns);
        let names = &self.snapshot.names;
        if let Some(passing) = prune::series(session, (names, &KEYS), filters)? {
            ids.retain(|id| passing.binary_search(id).is_ok());
        }
        let schema = Arc::new(self.schema.project(&columns)?);
        let span = Span::of(filters);
        let mut scan = Scan { series: Some(ids), ..Scan::default() };
        span.put_into(&mut scan);
        let Forecast { told, mut size } = table::forecast(&self.snapshot, &scan);
        let told = format!("rows of a device type, {told}");
        // Where all signals of a device come together, their readings are one row.
        let signals = columns.iter().filter(|column| **column >= FIXED).count().max(1);
        size.rows /= signals;
        let size = Some(size);
        let newest_first = limit.is_some();
        let shares = if newest_first { 1 } else { table::shares(session, &self.snapshot, &scan) };
        let (devices, series) = self.devices(scan.series.unwrap_or_default(), &columns);
        let plan = Arc::new(Plan {
            snapshot: Arc::clone(&self.snapshot),
            schema: Arc::clone(&schema),
            columns,
            devices,
            series,
            span,
            newest_first,
        });
        Ok(source::plan(Outline { schema, limit, told, shares, size }, move |context, share| {
            let memory =
                MemoryConsumer::new("rows of a device type").register(context.memory_pool());
            let batches: Batches = Box::new(Merge::new(Arc::clone(&plan), share, memory));
            Ok(batches)
        }))
    }
}

type Filled = (SeriesId, Option<usize>);

impl Wide {
    /// The devices of these series, and the series with the wanted column that each fills.
    fn devices(&self, ids: Vec<SeriesId>, columns: &[usize]) -> (Vec<Device>, Vec<Filled>) {
        let names = self.snapshot.names.column(0).as_string_view();
        let name = |id: &SeriesId| names.value(id.index());
        let mut ids = ids;
        ids.retain(|id| id.index() < names.len());
        ids.sort_by(|one, other| name(one).cmp(name(other)));
        let fills = |id: &SeriesId| {
            let column = self.series.get(id).copied();
            column.and_then(|column| columns.iter().position(|wanted| *wanted == column))
        };
        let mut devices = Vec::new();
        let mut start = 0;
        for own in ids.chunk_by(|one, other| name(one) == name(other)) {
            if let Some(key) = own.first() {
                devices.push(Device { key: *key, series: start..start + own.len() });
            }
            start += own.len();
        }
        (devices, ids.iter().map(|id| (*id, fills(id))).collect())
    }
}
