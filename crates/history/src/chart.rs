//! Readings for eyes: a line drawn in as few points as the screen has columns, and the newest rows
//! of a table.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMillisecondType, UInt16Type, UInt32Type};
use model::{Quality, Timestamp};

use crate::fault::ReadFault;
use crate::hours::{Drawn, HOUR_MS, hour_of};
use crate::latest::LatestValue;
use crate::reader::View;
use crate::scan::Scan;
use crate::schema::column;
use crate::series::SeriesId;

/// The first span that `View::newest` looks at; each further one is eight times as long, so that
/// ten of them reach back over all time that a table can hold.
const NEWEST_SPAN_MS: i64 = 60_000;
const NEWEST_SPAN_GROWTH: i64 = 8;

/// Columns of one line: more than any screen has; 1.4 MB.
const COLUMNS_MAX: usize = 16_384;

/// One point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub time: Timestamp,
    pub number: f64,
}

/// All of a line that can be seen in one column of the screen: drawing first, lowest, highest and
/// last gives the same picture as drawing every point (M4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// From 0 on, of the width asked for. Columns without readings are left out.
    pub index: usize,
    pub first: Point,
    pub min: Point,
    pub max: Point,
    pub last: Point,
    pub count: u64,
    /// Of all numbers, for the mean.
    pub sum: f64,
}

impl Column {
    fn new(index: usize, point: Point) -> Self {
        let (first, min, max, last) = (point, point, point, point);
        Self { index, first, min, max, last, count: 1, sum: point.number }
    }

    /// Of equal numbers the earliest is shown, in whatever order they come.
    fn take(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        if other.first.time < self.first.time {
            self.first = other.first;
        }
        if other.last.time > self.last.time {
            self.last = other.last;
        }
        let is_earlier = |a: Point, b: Point| a.time < b.time;
        match other.min.number.partial_cmp(&self.min.number) {
            Some(Ordering::Less) => self.min = other.min,
            Some(Ordering::Equal) if is_earlier(other.min, self.min) => self.min = other.min,
            _ => {}
        }
        match other.max.number.partial_cmp(&self.max.number) {
            Some(Ordering::Greater) => self.max = other.max,
            Some(Ordering::Equal) if is_earlier(other.max, self.max) => self.max = other.max,
            _ => {}
        }
    }
}

/// The columns of a line in the making.
#[derive(Debug)]
pub(crate) struct Columns {
    from: Timestamp,
    /// In microseconds.
    span: i128,
    width: usize,
    /// Columns are so wide that they begin with whole hours.
    by_hour: bool,
    columns: Vec<Option<Column>>,
}

impl Columns {
    /// `None` for a line without any.
    fn new((from, to): (Timestamp, Timestamp), width: usize) -> Option<Self> {
        let width = width.min(COLUMNS_MAX);
        let span = i128::from(to.micros()) - i128::from(from.micros());
        if width == 0 || span <= 0 {
            return None;
        }
        let by_hour = span >= i128::from(HOUR_MS) * 1_000 * width as i128;
        Some(Self { from, span, width, by_hour, columns: vec![None; width] })
    }

    pub(crate) fn take(&mut self, point: Point) {
        let index = self.index(point.time);
        self.put(Column::new(index, point));
    }

    pub(crate) fn take_hour(&mut self, drawn: &Drawn) {
        let [first, min, max, last] = drawn.points;
        let index = self.index(first.time);
        let (count, sum) = (drawn.count, drawn.sum);
        self.put(Column { index, first, min, max, last, count, sum });
    }

    fn index(&self, time: Timestamp) -> usize {
        let time = if self.by_hour {
            Timestamp::from_millis(hour_of(time.millis())).max(self.from)
        } else {
            time
        };
        let offset = i128::from(time.micros()) - i128::from(self.from.micros());
        usize::try_from(offset * self.width as i128 / self.span).unwrap_or_default()
    }

    fn put(&mut self, more: Column) {
        match self.columns.get_mut(more.index) {
            Some(Some(column)) => column.take(&more),
            Some(empty) => *empty = Some(more),
            None => {}
        }
    }
}

/// One reading as a table shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub series: SeriesId,
    pub time: Timestamp,
    pub value: LatestValue,
    pub quality: Quality,
}

impl View {
    /// The line of a series from `from` up to `to`, in `width` columns of equal time, at most
    /// 16,384. Texts and numbers that are none (NaN) are not drawn. Columns of an hour or more begin
    /// with the first whole hour (UTC) in them, so that hours need not be cut: where a day's hours
    /// stand for its readings they are read instead, and where only they are left they are drawn.
    ///
    /// # Errors
    /// When files cannot be read.
    pub fn m4(
        &self,
        series: SeriesId,
        span: (Timestamp, Timestamp),
        width: usize,
    ) -> Result<Vec<Column>, ReadFault> {
        let Some(mut columns) = Columns::new(span, width) else { return Ok(Vec::new()) };
        let of_readings =
            if columns.by_hour { self.draw_hours(series, span, &mut columns)? } else { vec![span] };
        for (from, to) in of_readings {
            let scan = Scan {
                series: Some(vec![series]),
                from: Some(from),
                to: Some(to),
                columns: Some(vec![column::TIME, column::NUMBER]),
                ..Scan::default()
            };
            for batch in self.scan(&scan)? {
                each_point(&batch?, |point| columns.take(point));
            }
        }
        Ok(columns.columns.into_iter().flatten().collect())
    }

    /// The newest readings of some series, at most `count`, the newest first.
    ///
    /// # Errors
    /// When files cannot be read.
    pub fn newest(&self, series: &[SeriesId], count: usize) -> Result<Vec<Reading>, ReadFault> {
        let last = self.latest_of(series).into_iter().flatten().map(|latest| latest.time).max();
        let (Some(last), Some(oldest)) = (last, self.oldest()) else { return Ok(Vec::new()) };
        let mut newest = Newest { count, rows: BinaryHeap::new() };
        let mut to = last.millis().saturating_add(1);
        let mut span = NEWEST_SPAN_MS;
        while to > oldest.millis() && newest.rows.len() < count {
            let from = to.saturating_sub(span);
            let scan = Scan {
                series: Some(series.to_vec()),
                from: Some(Timestamp::from_millis(from)),
                to: Some(Timestamp::from_millis(to)),
                ..Scan::default()
            };
            for batch in self.scan(&scan)? {
                newest.take(&batch?);
            }
            to = from;
            span = span.saturating_mul(NEWEST_SPAN_GROWTH);
        }
        Ok(newest.rows.into_sorted_vec().into_iter().map(|row| row.0.reading).collect())
    }
}

fn each_point(batch: &RecordBatch, mut each: impl FnMut(Point)) {
    let times = batch.column(0).as_primitive::<TimestampMillisecondType>().values();
    let numbers = batch.column(1).as_primitive::<Float64Type>();
    for (row, time) in times.iter().enumerate() {
        let number = numbers.value(row);
        if numbers.is_valid(row) && !number.is_nan() {
            each(Point { time: Timestamp::from_millis(*time), number });
        }
    }
}

/// The newest rows so far; the oldest of them on top.
struct Newest {
    count: usize,
    rows: BinaryHeap<Reverse<Dated>>,
}

/// Ordered by time, then series: never are two of them equal.
struct Dated {
    reading: Reading,
}

impl Dated {
    fn key(&self) -> (Timestamp, Reverse<SeriesId>) {
        (self.reading.time, Reverse(self.reading.series))
    }
}

impl PartialEq for Dated {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Dated {}

impl PartialOrd for Dated {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Dated {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Newest {
    fn take(&mut self, batch: &RecordBatch) {
        for row in 0..batch.num_rows() {
            let reading = reading(batch.columns(), row);
            self.rows.extend(reading.map(|reading| Reverse(Dated { reading })));
            if self.rows.len() > self.count {
                self.rows.pop();
            }
        }
    }
}

fn reading(columns: &[ArrayRef], row: usize) -> Option<Reading> {
    let number = columns.get(column::NUMBER)?.as_primitive::<Float64Type>();
    let text = columns.get(column::TEXT)?.as_string::<i32>();
    let value = if text.is_valid(row) {
        LatestValue::Text(Arc::from(text.value(row)))
    } else {
        LatestValue::Number(number.value(row))
    };
    let times = columns.get(column::TIME)?.as_primitive::<TimestampMillisecondType>();
    let series = columns.get(column::SERIES)?.as_primitive::<UInt32Type>();
    let quality = columns.get(column::QUALITY)?.as_primitive::<UInt16Type>();
    Some(Reading {
        series: SeriesId::new(series.value(row)),
        time: Timestamp::from_millis(times.value(row)),
        value,
        quality: Quality::from_bits(quality.value(row)),
    })
}
