//! Sorted readings become hours.
//!
//! Numbers are compared in IEEE 754's total order, as DataFusion's `min` and `max` compare them: NaN
//! is above all others, its negative below. Of equal ones the earliest counts.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    TimestampMillisecondArray,
};
use arrow::datatypes::{Float64Type, Int32Type, Schema, TimestampMillisecondType};
use arrow::error::ArrowError;

use crate::hours::hour_of;
use crate::kind::Kind;
use crate::output::time_array;
use crate::part::stored;

/// What is read of the readings, in this order.
pub(crate) const COLUMNS: [usize; 3] = [stored::SERIES, stored::TIME, stored::NUMBER];

/// A number with its time.
#[derive(Clone, Copy, Debug)]
struct Spot {
    time: i64,
    number: f64,
}

#[derive(Clone, Copy, Debug)]
struct Numbers {
    count: i64,
    sum: f64,
    min: Spot,
    max: Spot,
    first: Spot,
    last: Spot,
}

#[derive(Clone, Copy, Debug)]
struct Hour {
    series: i32,
    hour: i64,
    readings: i64,
    numbers: Option<Numbers>,
}

impl Hour {
    fn take(&mut self, spot: Option<Spot>) {
        self.readings += 1;
        let Some(spot) = spot else { return };
        match &mut self.numbers {
            Some(numbers) => numbers.take(spot),
            none @ None => {
                let (min, max, first, last) = (spot, spot, spot, spot);
                *none = Some(Numbers { count: 1, sum: spot.number, min, max, first, last });
            }
        }
    }
}

impl Numbers {
    /// Takes a number that is later than all before.
    fn take(&mut self, spot: Spot) {
        self.count += 1;
        self.sum += spot.number;
        self.last = spot;
        if spot.number.total_cmp(&self.min.number).is_lt() {
            self.min = spot;
        }
        if spot.number.total_cmp(&self.max.number).is_gt() {
            self.max = spot;
        }
    }
}

/// Takes readings in the order of files, each (series, time) once.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    /// The last of them is not over.
    hours: Vec<Hour>,
}

impl Fold {
    /// Takes rows of `COLUMNS`.
    pub(crate) fn take(&mut self, rows: &RecordBatch) {
        let series = rows.column(0).as_primitive::<Int32Type>().values();
        let times = rows.column(1).as_primitive::<TimestampMillisecondType>().values();
        let numbers = rows.column(2).as_primitive::<Float64Type>();
        for (row, (series, time)) in series.iter().zip(times).enumerate() {
            let spot =
                numbers.is_valid(row).then(|| Spot { time: *time, number: numbers.value(row) });
            self.hour(*series, hour_of(*time)).take(spot);
        }
    }

    fn hour(&mut self, series: i32, hour: i64) -> &mut Hour {
        let same = |last: &Hour| (last.series, last.hour) == (series, hour);
        if !self.hours.last().is_some_and(same) {
            self.hours.push(Hour { series, hour, readings: 0, numbers: None });
        }
        let last = self.hours.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "the line above makes sure that there is one")]
        &mut self.hours[last]
    }

    pub(crate) const fn len(&self) -> usize {
        self.hours.len()
    }

    /// The hours that are over, or all: the columns of a file from the series on.
    pub(crate) fn drain(&mut self, all: bool) -> Result<RecordBatch, ArrowError> {
        let over = if all { self.hours.len() } else { self.hours.len().saturating_sub(1) };
        let hours: Vec<Hour> = self.hours.drain(..over).collect();
        let count = |of: fn(&Hour) -> i64| -> ArrayRef {
            Arc::new(hours.iter().map(of).collect::<Int64Array>())
        };
        let number = |of: fn(&Numbers) -> f64| -> ArrayRef {
            Arc::new(
                hours.iter().map(|hour| hour.numbers.as_ref().map(of)).collect::<Float64Array>(),
            )
        };
        let time = |of: fn(&Numbers) -> i64| -> ArrayRef {
            let times = hours.iter().map(|hour| hour.numbers.as_ref().map(of));
            Arc::new(times.collect::<TimestampMillisecondArray>().with_timezone("UTC"))
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(hours.iter().map(|hour| hour.series).collect::<Int32Array>()),
            time_array(hours.iter().map(|hour| hour.hour).collect()),
            count(|hour| hour.readings),
            count(|hour| hour.numbers.map_or(0, |numbers| numbers.count)),
            number(|numbers| numbers.sum),
            number(|numbers| numbers.min.number),
            number(|numbers| numbers.max.number),
            time(|numbers| numbers.min.time),
            time(|numbers| numbers.max.time),
            number(|numbers| numbers.first.number),
            time(|numbers| numbers.first.time),
            number(|numbers| numbers.last.number),
            time(|numbers| numbers.last.time),
        ];
        let stored = Kind::Hours.stored();
        let fields: Vec<_> = stored.fields().iter().skip(stored::SERIES).map(Arc::clone).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
    }
}

#[cfg(test)]
mod tests;
