//! `completeness`: what came of each signal on each day, beside what could be expected of it.
//!
//! A day (UTC) is read once into a few numbers for each signal. What is expected follows from the
//! numbers of that day and the seven before it, so that it does not depend on what was asked for.

mod cache;
mod day;
mod read;
mod span;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, RecordBatch, UInt32Array, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use history::SeriesId;

use crate::prune;
use crate::site::Snapshot;
use crate::source::{self, Batches, Outline, Size};
use crate::table;
pub(crate) use cache::DayCache;
use day::{Assessed, DAY_MS, Day, assess};
use read::Days as Shelf;
use span::Days;

const KEYS: [&str; 2] = ["device", "signal"];

/// Days before a day that tell what to expect of it. A signal that was silent for longer is not
/// expected any more.
const BEFORE: u8 = 7;

pub(crate) fn schema() -> SchemaRef {
    let count = DataType::UInt64;
    table::schema(&[
        ("day", DataType::Date32, false),
        ("device", DataType::Utf8View, false),
        ("signal", DataType::Utf8View, false),
        ("expected", count.clone(), true),
        ("received", count.clone(), false),
        ("missing", count.clone(), true),
        ("late", count.clone(), false),
        ("suspect", count, false),
        ("first_time", table::time_type(), true),
        ("last_time", table::time_type(), true),
        ("interval_ms", DataType::Float64, true),
    ])
}

#[derive(Debug)]
pub(crate) struct Completeness(pub(crate) Arc<Snapshot>);

#[async_trait]
impl TableProvider for Completeness {
    fn schema(&self) -> SchemaRef {
        schema()
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
        let every: Vec<usize> = (0..schema().fields().len()).collect();
        let columns = projection.cloned().unwrap_or(every);
        let series = prune::series(session, (&self.0.names, &KEYS), filters)?;
        let asked = self.asked(Days::of(filters), series, self.0.begun.millis());
        let told = format!(
            "completeness, series={} of {}, days={}",
            asked.series.len(),
            self.0.view.series_count(),
            asked.days.clone().count(),
        );
        let (series, days) = (asked.series.len(), asked.days.clone().count());
        let size = Some(Size { rows: series.saturating_mul(days), series, exact: false });
        let snapshot = Arc::clone(&self.0);
        let projected = Arc::new(schema().project(&columns)?);
        let outline = Outline { schema: projected, limit, told, shares: 1, size };
        Ok(source::plan(outline, move |context, _share| {
            let memory = MemoryConsumer::new("completeness").register(context.memory_pool());
            let shelf = Shelf::new(Arc::clone(&snapshot), Arc::clone(&asked.series), memory);
            let walk = Walk::new(shelf, asked.clone());
            let (names, columns) = (snapshot.names.clone(), columns.clone());
            let batches: Batches = Box::new(walk.map(move |rows| {
                let (day, rows) = rows?;
                Ok(batch((day, &rows), &names)?.project(&columns)?)
            }));
            Ok(batches)
        }))
    }
}

impl Completeness {
    /// No day before the first reading of the site, and none after today.
    fn asked(&self, days: Days, series: Option<Vec<SeriesId>>, now: i64) -> Asked {
        let today = now.div_euclid(DAY_MS);
        let oldest = self.0.view.oldest().map_or(now, |oldest| oldest.millis());
        let first = oldest.div_euclid(DAY_MS);
        let from = days.from.map_or(first, |from| from.max(first));
        let to = days.to.map_or(today, |to| to.min(today));
        let all = || (0_u32..).take(self.0.view.series_count()).map(SeriesId::new).collect();
        let series: Arc<[SeriesId]> = series.unwrap_or_else(all).into();
        Asked { days: from..to.saturating_add(1).max(from), series, now }
    }
}

/// What a statement asks for.
#[derive(Clone, Debug)]
struct Asked {
    /// Since 1970.
    days: std::ops::Range<i64>,
    series: Arc<[SeriesId]>,
    now: i64,
}

/// The days of some series, each only of those that reported.
type DayOf = BTreeMap<SeriesId, Arc<Day>>;

type Rows = Vec<(SeriesId, Assessed)>;

/// Day after day, with those before it in memory.
struct Walk {
    shelf: Shelf,
    asked: Asked,
    before: VecDeque<DayOf>,
    /// The day to be read next.
    next: i64,
}

impl Walk {
    fn new(shelf: Shelf, asked: Asked) -> Self {
        let next = asked.days.start - i64::from(BEFORE);
        Self { shelf, asked, before: VecDeque::new(), next }
    }

    fn advance(&mut self) -> Result<Option<(i64, Rows)>, DataFusionError> {
        while self.next < self.asked.days.end && !self.asked.series.is_empty() {
            let day = self.next;
            self.next += 1;
            self.before.push_back(self.shelf.day(day)?);
            if self.before.len() > usize::from(BEFORE) + 1 {
                self.before.pop_front();
            }
            let rows = if day < self.asked.days.start { Rows::new() } else { self.rows(day) };
            if !rows.is_empty() {
                return Ok(Some((day, rows)));
            }
        }
        Ok(None)
    }

    fn rows(&self, day: i64) -> Rows {
        let start = day * DAY_MS;
        let end = (start + DAY_MS).min(self.asked.now);
        let assessed = |id: &SeriesId| {
            let days: Vec<Option<&Day>> =
                self.before.iter().map(|days| days.get(id).map(Arc::as_ref)).collect();
            Some((*id, assess(&days, start, end)?))
        };
        if self.before.iter().all(BTreeMap::is_empty) {
            return Rows::new();
        }
        self.asked.series.iter().filter_map(assessed).collect()
    }
}

impl Iterator for Walk {
    type Item = Result<(i64, Rows), DataFusionError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

fn batch((day, rows): (i64, &Rows), names: &RecordBatch) -> Result<RecordBatch, DataFusionError> {
    let ids = UInt32Array::from_iter_values(rows.iter().map(|(id, _)| id.get()));
    let count = |of: fn(&Assessed) -> u64| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|(_, row)| of(row))))
    };
    let maybe = |of: fn(&Assessed) -> Option<u64>| -> ArrayRef {
        Arc::new(UInt64Array::from_iter(rows.iter().map(|(_, row)| of(row))))
    };
    let time = |of: fn(&Assessed) -> Option<i64>| table::times(rows.iter().map(|(_, row)| of(row)));
    let interval = rows.iter().map(|(_, row)| row.interval_ms);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from_value(i32::try_from(day).unwrap_or(i32::MAX), rows.len())),
        take(names.column(0), &ids, None)?,
        take(names.column(1), &ids, None)?,
        maybe(|row| row.expected),
        count(|row| row.received),
        maybe(|row| row.missing),
        count(|row| row.late),
        count(|row| row.suspect),
        time(|row| row.first),
        time(|row| row.last),
        Arc::new(Float64Array::from_iter(interval)),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}
