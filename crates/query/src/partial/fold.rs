//! Readings become groups: one row for each series and bucket, as far as the rows in hand show.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMillisecondType, UInt32Type};
use datafusion::common::DataFusionError;
use history::{column, hour};

use super::cut::Cut;
use crate::names::Names;
use crate::table;

/// Groups that are given on: 8 MB at most in work.
const GROUPS_MAX: usize = 65_536;
const NO_GROUP: u32 = u32::MAX;

/// What a group is asked for, as columns of the table of partial groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Device,
    Signal,
    Bucket,
    /// Rows of any kind.
    Rows,
    /// Rows with a number; what follows is of these, and NULL when there is none.
    Numbers,
    Sum,
    Min,
    Max,
    First,
    FirstTime,
    Last,
    LastTime,
}

impl Part {
    pub(crate) const ALL: [Self; 12] = [
        Self::Device,
        Self::Signal,
        Self::Bucket,
        Self::Rows,
        Self::Numbers,
        Self::Sum,
        Self::Min,
        Self::Max,
        Self::First,
        Self::FirstTime,
        Self::Last,
        Self::LastTime,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Signal => "signal",
            Self::Bucket => "bucket",
            Self::Rows => "rows",
            Self::Numbers => "numbers",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
            Self::FirstTime => "first_time",
            Self::Last => "last",
            Self::LastTime => "last_time",
        }
    }

    pub(crate) fn kind(self) -> DataType {
        match self {
            Self::Device | Self::Signal => DataType::Utf8View,
            Self::Bucket | Self::FirstTime | Self::LastTime => table::time_type(),
            Self::Rows | Self::Numbers => DataType::Int64,
            Self::Sum | Self::Min | Self::Max | Self::First | Self::Last => DataType::Float64,
        }
    }

    pub(crate) const fn nullable(self) -> bool {
        !matches!(self, Self::Device | Self::Signal | Self::Bucket | Self::Rows | Self::Numbers)
    }

    /// The columns of readings that it takes.
    pub(crate) const fn reads(self) -> &'static [usize] {
        match self {
            Self::Device | Self::Signal => &[column::SERIES],
            Self::Bucket => &[column::TIME],
            Self::Rows => &[],
            Self::Numbers | Self::Sum | Self::Min | Self::Max => &[column::NUMBER],
            Self::First | Self::FirstTime | Self::Last | Self::LastTime => {
                &[column::NUMBER, column::TIME]
            }
        }
    }
}

impl Part {
    /// The columns of hours that it takes.
    pub(crate) const fn reads_of_hours(self) -> &'static [usize] {
        match self {
            Self::Device | Self::Signal => &[hour::SERIES],
            Self::Bucket => &[hour::HOUR],
            Self::Rows => &[hour::READINGS],
            Self::Numbers => &[hour::NUMBERS],
            Self::Sum => &[hour::NUMBERS, hour::SUM],
            Self::Min => &[hour::NUMBERS, hour::MIN],
            Self::Max => &[hour::NUMBERS, hour::MAX],
            Self::First | Self::FirstTime => &[hour::NUMBERS, hour::FIRST, hour::FIRST_TIME],
            Self::Last | Self::LastTime => &[hour::NUMBERS, hour::LAST, hour::LAST_TIME],
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Group {
    series: u32,
    bucket: i64,
    rows: i64,
    numbers: i64,
    sum: f64,
    min: f64,
    max: f64,
    first: (i64, f64),
    last: (i64, f64),
}

impl Group {
    const fn new(series: u32, bucket: i64) -> Self {
        Self {
            series,
            bucket,
            rows: 0,
            numbers: 0,
            sum: 0.0,
            min: f64::NAN,
            max: f64::NAN,
            first: (i64::MAX, 0.0),
            last: (i64::MIN, 0.0),
        }
    }

    /// Several numbers that follow each other, with their times if these are needed.
    fn take(&mut self, numbers: &[f64], times: &[i64]) {
        self.numbers += i64::try_from(numbers.len()).unwrap_or_default();
        for number in numbers {
            self.sum += number;
            // What is no number counts as DataFusion counts it.
            self.min = if self.min <= *number { self.min } else { *number };
            self.max = if self.max >= *number { self.max } else { *number };
        }
        if times.is_sorted() {
            self.take_ends(times, numbers);
        } else {
            // Late rows of the hot tail.
            for (time, number) in times.iter().zip(numbers) {
                self.take_ends(&[*time], &[*number]);
            }
        }
    }

    /// What an hour comes to. What was not read of it is not asked for.
    fn take_hour(&mut self, row: usize, hours: &Hours<'_>) {
        self.rows += hours.integer(hour::READINGS, row);
        let numbers = hours.integer(hour::NUMBERS, row);
        if numbers == 0 {
            return;
        }
        self.numbers += numbers;
        self.sum += hours.number(hour::SUM, row);
        let (low, high) = (hours.number(hour::MIN, row), hours.number(hour::MAX, row));
        self.min = if self.min <= low { self.min } else { low };
        self.max = if self.max >= high { self.max } else { high };
        self.take_ends(&[hours.time(hour::FIRST_TIME, row)], &[hours.number(hour::FIRST, row)]);
        self.take_ends(&[hours.time(hour::LAST_TIME, row)], &[hours.number(hour::LAST, row)]);
    }

    fn take_ends(&mut self, times: &[i64], numbers: &[f64]) {
        if let (Some(time), Some(number)) = (times.first(), numbers.first())
            && *time < self.first.0
        {
            self.first = (*time, *number);
        }
        if let (Some(time), Some(number)) = (times.last(), numbers.last())
            && *time >= self.last.0
        {
            self.last = (*time, *number);
        }
    }
}

/// A batch of hours that has the columns `reads`.
struct Hours<'a> {
    reads: &'a [usize],
    batch: &'a RecordBatch,
}

impl<'a> Hours<'a> {
    fn column(&self, wanted: usize) -> Option<&'a ArrayRef> {
        let place = self.reads.iter().position(|column| *column == wanted)?;
        self.batch.columns().get(place)
    }

    fn integer(&self, wanted: usize, row: usize) -> i64 {
        let column = self.column(wanted).map(|column| column.as_primitive::<Int64Type>());
        column.map(|column| column.value(row)).unwrap_or_default()
    }

    fn number(&self, wanted: usize, row: usize) -> f64 {
        let column = self.column(wanted).map(|column| column.as_primitive::<Float64Type>());
        column.map(|column| column.value(row)).unwrap_or_default()
    }

    fn time(&self, wanted: usize, row: usize) -> i64 {
        let column = self.column(wanted);
        let column = column.map(|column| column.as_primitive::<TimestampMillisecondType>());
        column.map(|column| column.value(row)).unwrap_or_default()
    }
}

/// Folds batches of readings that have the columns `reads`, and of hours.
#[derive(Debug)]
pub(crate) struct Fold {
    /// Columns of the batches, in their order.
    reads: Vec<usize>,
    cut: Option<Cut>,
    groups: Vec<Group>,
    /// The last group of each series, by its number.
    open: Vec<u32>,
}

impl Fold {
    pub(crate) fn new(reads: Vec<usize>, cut: Option<Cut>, series: usize) -> Self {
        Self { reads, cut, groups: Vec::new(), open: vec![NO_GROUP; series.max(1)] }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.groups.len() >= GROUPS_MAX
    }

    pub(crate) fn take(&mut self, batch: &RecordBatch) {
        let reads = self.reads.clone();
        let read = |wanted: usize| {
            let place = reads.iter().position(|column| *column == wanted);
            place.and_then(|place| batch.columns().get(place))
        };
        let series = read(column::SERIES).map(|column| column.as_primitive::<UInt32Type>());
        let times: &[i64] = read(column::TIME)
            .map_or(&[], |column| column.as_primitive::<TimestampMillisecondType>().values());
        let numbers = read(column::NUMBER).map(|column| column.as_primitive::<Float64Type>());
        let Some(series) = series else {
            return self.take_run(0, 0..batch.num_rows(), (times, numbers));
        };
        let mut start = 0;
        for run in series.values().chunk_by(|one, other| one == other) {
            let end = start + run.len();
            self.take_run(run.first().copied().unwrap_or_default(), start..end, (times, numbers));
            start = end;
        }
    }

    /// Takes hours that have the columns `reads`. Buckets begin and end with hours.
    pub(crate) fn take_hours(&mut self, batch: &RecordBatch, reads: &[usize]) {
        let hours = Hours { reads, batch };
        let series = hours.column(hour::SERIES).map(|column| column.as_primitive::<UInt32Type>());
        for row in 0..batch.num_rows() {
            let series = series.map(|series| series.value(row)).unwrap_or_default();
            let bucket = self.cut.map(|cut| cut.bucket(hours.time(hour::HOUR, row)).0);
            let place = self.group(series, bucket.unwrap_or_default());
            if let Some(group) = self.groups.get_mut(place) {
                group.take_hour(row, &hours);
            }
        }
    }

    /// Rows of one series, cut into those of one bucket that follow each other.
    fn take_run(
        &mut self,
        series: u32,
        rows: Range<usize>,
        (times, numbers): (&[i64], Option<&Float64Array>),
    ) {
        let Some(cut) = self.cut else {
            return self.take_rows((series, 0), rows, (times, numbers));
        };
        let mut start = rows.start;
        while start < rows.end {
            let own = times.get(start..rows.end).unwrap_or_default();
            let Some((bucket, next)) = own.first().map(|time| cut.bucket(*time)) else { return };
            let count = own.iter().take_while(|time| (bucket..next).contains(*time)).count();
            let end = start + count.max(1);
            self.take_rows((series, bucket), start..end, (times, numbers));
            start = end;
        }
    }

    fn take_rows(
        &mut self,
        (series, bucket): (u32, i64),
        rows: Range<usize>,
        (times, numbers): (&[i64], Option<&Float64Array>),
    ) {
        let place = self.group(series, bucket);
        let Some(group) = self.groups.get_mut(place) else { return };
        group.rows += i64::try_from(rows.len()).unwrap_or_default();
        let Some(numbers) = numbers else { return };
        let values = numbers.values();
        if numbers.null_count() == 0 {
            let times = times.get(rows.clone()).unwrap_or_default();
            return group.take(values.get(rows).unwrap_or_default(), times);
        }
        for row in rows.filter(|row| numbers.is_valid(*row)) {
            let times = times.get(row..=row).unwrap_or_default();
            group.take(values.get(row..=row).unwrap_or_default(), times);
        }
    }

    /// Where the group stands; a new one if it is not the last of its series.
    fn group(&mut self, series: u32, bucket: i64) -> usize {
        if self.open.len() <= series as usize {
            self.open.resize(series as usize + 1, NO_GROUP);
        }
        let place = self.open.get(series as usize).copied().unwrap_or(NO_GROUP) as usize;
        if self.groups.get(place).is_some_and(|group| group.bucket == bucket) {
            return place;
        }
        let place = self.groups.len();
        self.groups.push(Group::new(series, bucket));
        if let Some(open) = self.open.get_mut(series as usize) {
            *open = u32::try_from(place).unwrap_or(NO_GROUP);
        }
        place
    }

    /// The groups so far, as the columns asked for; none stays.
    pub(crate) fn finish(
        &mut self,
        parts: &[Part],
        names: &Names,
    ) -> Result<(usize, Vec<ArrayRef>), DataFusionError> {
        let groups = std::mem::take(&mut self.groups);
        for group in &groups {
            if let Some(open) = self.open.get_mut(group.series as usize) {
                *open = NO_GROUP;
            }
        }
        let columns: Result<_, DataFusionError> =
            parts.iter().map(|part| part.column(&groups, names)).collect();
        Ok((groups.len(), columns?))
    }
}

impl Part {
    fn column(self, groups: &[Group], names: &Names) -> Result<ArrayRef, DataFusionError> {
        let name = |column: usize| {
            let keys: UInt32Array = groups.iter().map(|group| Some(group.series)).collect();
            take(names.column(column), &keys, None)
        };
        let integers = |of: fn(&Group) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(groups.iter().map(of)))
        };
        let numbers = |of: fn(&Group) -> f64| -> ArrayRef {
            let there: NullBuffer = groups.iter().map(|group| group.numbers > 0).collect();
            Arc::new(Float64Array::new(groups.iter().map(of).collect(), Some(there)))
        };
        let times = |of: fn(&Group) -> i64| {
            table::times(groups.iter().map(|group| (group.numbers > 0).then(|| of(group))))
        };
        Ok(match self {
            Self::Device => name(0)?,
            Self::Signal => name(1)?,
            Self::Bucket => table::times(groups.iter().map(|group| Some(group.bucket))),
            Self::Rows => integers(|group| group.rows),
            Self::Numbers => integers(|group| group.numbers),
            Self::Sum => numbers(|group| group.sum),
            Self::Min => numbers(|group| group.min),
            Self::Max => numbers(|group| group.max),
            Self::First => numbers(|group| group.first.1),
            Self::Last => numbers(|group| group.last.1),
            Self::FirstTime => times(|group| group.first.0),
            Self::LastTime => times(|group| group.last.0),
        })
    }
}
