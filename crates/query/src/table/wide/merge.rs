//! The merge itself: readings of a window, sorted by time and device, folded into rows.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Builder, RecordBatch, RecordBatchOptions, StringViewBuilder,
};
use arrow::datatypes::{DataType, Float64Type, SchemaRef, TimestampMillisecondType, UInt32Type};
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::MemoryReservation;
use history::{Scan, SeriesId, column};

use crate::prune::Span;
use crate::site::Snapshot;
use crate::table;

/// The first window looks at an hour; later ones are as long as their readings are few.
const WINDOW_MS: i64 = 3_600_000;
const WINDOW_GROWTH: i64 = 4;
/// Readings under which the next window is longer, and over which this one is cut in halves.
/// A reading in work takes 64 bytes, so a window takes at most 64 MB of the memory of statements.
const READINGS_FEW: usize = 200_000;
const READINGS_MAX: usize = 1_000_000;
const BATCH_ROWS: usize = 8_192;

/// Where the readings of a series go.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) device: Arc<str>,
    /// The wanted column; `None` when the series only proves that a row is there.
    pub(crate) place: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) schema: SchemaRef,
    /// Columns of the table, in the order of `schema`.
    pub(crate) columns: Vec<usize>,
    pub(crate) cells: BTreeMap<SeriesId, Cell>,
    pub(crate) span: Span,
}

/// One reading in work.
#[derive(Debug)]
struct Item {
    time: i64,
    device: Arc<str>,
    place: Option<usize>,
    number: Option<f64>,
    text: Option<Box<str>>,
}

/// The rows of a device type, the newest first.
#[derive(Debug)]
pub(crate) struct Merge {
    plan: Arc<Plan>,
    memory: MemoryReservation,
    /// Not included; windows go down from here.
    to: i64,
    from: i64,
    window: i64,
    ready: VecDeque<RecordBatch>,
}

impl Merge {
    pub(crate) fn new(plan: Arc<Plan>, memory: MemoryReservation) -> Self {
        let ids: Vec<SeriesId> = plan.cells.keys().copied().collect();
        let latest = plan.snapshot.view.latest_of(&ids);
        let newest = latest.into_iter().flatten().map(|last| last.time.millis()).max();
        let end = newest.map_or(i64::MIN, |newest| newest.saturating_add(1));
        let to = plan.span.to.map_or(end, |to| to.min(end));
        let from = plan.span.from.unwrap_or(i64::MIN);
        Self { plan, memory, to, from, window: WINDOW_MS, ready: VecDeque::new() }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, DataFusionError> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            self.memory.free();
            if self.to <= self.from {
                return Ok(None);
            }
            let start = self.to.saturating_sub(self.window).max(self.from);
            let Some(mut items) = self.read(start)? else {
                self.window /= 2;
                continue;
            };
            items.sort_by(|one, other| {
                (Reverse(one.time), &one.device).cmp(&(Reverse(other.time), &other.device))
            });
            if items.len() < READINGS_FEW {
                self.window = self.window.saturating_mul(WINDOW_GROWTH);
            }
            self.to = start;
            self.fold(&items)?;
        }
    }

    /// The readings from `start` up to `to`, or `None` when they are too many for one window.
    fn read(&mut self, start: i64) -> Result<Option<Vec<Item>>, DataFusionError> {
        let mut scan = Scan {
            series: Some(self.plan.cells.keys().copied().collect()),
            columns: Some(vec![column::TIME, column::SERIES, column::NUMBER, column::TEXT]),
            ..Scan::default()
        };
        Span { from: Some(start), to: Some(self.to) }.put_into(&mut scan);
        let mut items = Vec::new();
        let readings = self.plan.snapshot.view.scan(&scan).map_err(table::unreadable)?;
        for batch in readings {
            let batch = batch.map_err(table::unreadable)?;
            self.plan.snapshot.work.add_rows(batch.num_rows());
            take(&self.plan, &batch, &mut items);
            if items.len() > READINGS_MAX && self.window > 1 {
                return Ok(None);
            }
            self.memory.try_resize(items.len() * size_of::<Item>())?;
        }
        Ok(Some(items))
    }

    fn fold(&mut self, items: &[Item]) -> Result<(), DataFusionError> {
        let mut rows = Rows::new(&self.plan);
        for row in items.chunk_by(|one, other| one.time == other.time && one.device == other.device)
        {
            rows.push(row);
            if rows.times.len() == BATCH_ROWS {
                self.ready.push_back(rows.finish(&self.plan)?);
            }
        }
        if !rows.times.is_empty() {
            self.ready.push_back(rows.finish(&self.plan)?);
        }
        Ok(())
    }
}

impl Iterator for Merge {
    type Item = Result<RecordBatch, DataFusionError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}

fn take(plan: &Plan, batch: &RecordBatch, items: &mut Vec<Item>) {
    let [time, series, number, text] = batch.columns() else { return };
    let times = time.as_primitive::<TimestampMillisecondType>().values();
    let series = series.as_primitive::<UInt32Type>().values();
    let number = number.as_primitive::<Float64Type>();
    let text = text.as_string::<i32>();
    for (row, (time, series)) in times.iter().zip(series).enumerate() {
        if let Some(cell) = plan.cells.get(&SeriesId::new(*series)) {
            items.push(Item {
                time: *time,
                device: Arc::clone(&cell.device),
                place: cell.place,
                number: number.is_valid(row).then(|| number.value(row)),
                text: text.is_valid(row).then(|| text.value(row).into()),
            });
        }
    }
}

enum Column {
    Time,
    Device,
    Number(Float64Builder),
    Text(StringViewBuilder),
}

struct Rows {
    times: Vec<i64>,
    devices: StringViewBuilder,
    columns: Vec<Column>,
}

impl Rows {
    fn new(plan: &Plan) -> Self {
        let of = |(place, field): (&usize, &Arc<arrow::datatypes::Field>)| match (
            place,
            field.data_type(),
        ) {
            (0, _) => Column::Time,
            (1, _) => Column::Device,
            (_, DataType::Float64) => Column::Number(Float64Builder::new()),
            _ => Column::Text(StringViewBuilder::new()),
        };
        let columns = plan.columns.iter().zip(plan.schema.fields()).map(of).collect();
        Self { times: Vec::new(), devices: StringViewBuilder::new(), columns }
    }

    /// All readings of one device at one time.
    fn push(&mut self, row: &[Item]) {
        let Some(first) = row.first() else { return };
        self.times.push(first.time);
        self.devices.append_value(&first.device);
        for (place, column) in self.columns.iter_mut().enumerate() {
            let item = row.iter().find(|item| item.place == Some(place));
            match column {
                Column::Time | Column::Device => {}
                Column::Number(numbers) => numbers.append_option(item.and_then(|item| item.number)),
                Column::Text(texts) => match item {
                    Some(Item { text: Some(text), .. }) => texts.append_value(text),
                    // It is a column of texts because of the last value only.
                    Some(Item { number: Some(number), .. }) => {
                        texts.append_value(number.to_string());
                    }
                    Some(_) | None => texts.append_null(),
                },
            }
        }
    }

    fn finish(&mut self, plan: &Plan) -> Result<RecordBatch, DataFusionError> {
        let rows = self.times.len();
        let times = std::mem::take(&mut self.times);
        let times = table::times(times.into_iter().map(Some));
        let devices: ArrayRef = Arc::new(self.devices.finish());
        let columns = self.columns.iter_mut().map(|column| -> ArrayRef {
            match column {
                Column::Time => Arc::clone(&times),
                Column::Device => Arc::clone(&devices),
                Column::Number(numbers) => Arc::new(numbers.finish()),
                Column::Text(texts) => Arc::new(texts.finish()),
            }
        });
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&plan.schema);
        Ok(RecordBatch::try_new_with_options(schema, columns.collect(), &options)?)
    }
}
