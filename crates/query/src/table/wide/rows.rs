//! Columns of rows, device after device.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, NullBufferBuilder, RecordBatch, RecordBatchOptions, StringViewBuilder,
    UInt32Array,
};
use arrow::compute::{take, take_record_batch};
use arrow::datatypes::{DataType, Field};
use datafusion::common::DataFusionError;
use history::SeriesId;

use super::merge::Plan;
use super::track::Track;
use crate::table;

enum Column {
    Time,
    Device,
    Number(Vec<f64>, NullBufferBuilder),
    Text(StringViewBuilder),
}

pub(super) struct Rows {
    times: Vec<i64>,
    /// A series of the device of each row.
    keys: Vec<u32>,
    columns: Vec<Column>,
}

impl Rows {
    pub(super) fn new(plan: &Plan) -> Self {
        let of = |(place, field): (&usize, &Arc<Field>)| match (place, field.data_type()) {
            (0, _) => Column::Time,
            (1, _) => Column::Device,
            (_, DataType::Float64) => Column::Number(Vec::new(), NullBufferBuilder::new(0)),
            _ => Column::Text(StringViewBuilder::new()),
        };
        let columns = plan.columns.iter().zip(plan.schema.fields()).map(of).collect();
        Self { times: Vec::new(), keys: Vec::new(), columns }
    }

    /// All rows of one device: one for each time at which a track has a reading.
    pub(super) fn push(
        &mut self,
        key: SeriesId,
        tracks: &[Track],
        places: &[(SeriesId, Option<usize>)],
    ) {
        let times = union(tracks);
        self.times.extend_from_slice(&times);
        self.keys.resize(self.times.len(), key.get());
        for (place, column) in self.columns.iter_mut().enumerate() {
            let found = places.iter().position(|(_, wanted)| *wanted == Some(place));
            let track = found.and_then(|index| tracks.get(index));
            match column {
                Column::Time | Column::Device => {}
                Column::Number(numbers, valid) => push_numbers((numbers, valid), track, &times),
                // It is a column of texts because of the last value only.
                Column::Text(texts) => each_row(track, &times, |found| match found {
                    Some((track, row)) => match (track.text(row), track.numbers.get(row)) {
                        (Some(text), _) => texts.append_value(text),
                        (None, number) => texts.append_option(number.map(f64::to_string)),
                    },
                    None => texts.append_null(),
                }),
            }
        }
    }

    pub(super) fn finish(self, plan: &Plan) -> Result<RecordBatch, DataFusionError> {
        let order = plan.newest_first.then(|| newest_first(&self.times));
        let rows = self.times.len();
        let times = table::times(self.times.into_iter().map(Some));
        let keys = UInt32Array::from(self.keys);
        let devices = take(plan.snapshot.names.column(0), &keys, None)?;
        let column = |column: Column| -> ArrayRef {
            match column {
                Column::Time => Arc::clone(&times),
                Column::Device => Arc::clone(&devices),
                Column::Number(numbers, mut valid) => {
                    Arc::new(Float64Array::new(numbers.into(), valid.finish()))
                }
                Column::Text(mut texts) => Arc::new(texts.finish()),
            }
        };
        let columns = self.columns.into_iter().map(column).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&plan.schema);
        let rows = RecordBatch::try_new_with_options(schema, columns, &options)?;
        Ok(match order {
            Some(order) if rows.num_columns() > 0 => take_record_batch(&rows, &order)?,
            _ => rows,
        })
    }
}

/// The devices of one time stay in their order.
fn newest_first(times: &[i64]) -> UInt32Array {
    let mut order: Vec<u32> = (0_u32..).take(times.len()).collect();
    order.sort_by_key(|row| Reverse(times.get(*row as usize)));
    UInt32Array::from(order)
}

/// The times of all tracks, ascending, each once. The signals of a device mostly come together.
fn union(tracks: &[Track]) -> Cow<'_, [i64]> {
    let mut spoken =
        tracks.iter().map(|track| track.times.as_slice()).filter(|times| !times.is_empty());
    let Some(first) = spoken.next() else { return Cow::Borrowed(&[]) };
    let mut all = Cow::Borrowed(first);
    for times in spoken {
        if *all != *times {
            all.to_mut().extend_from_slice(times);
        }
    }
    if let Cow::Owned(times) = &mut all {
        // Stable: it finds the runs that are sorted already.
        times.sort();
        times.dedup();
    }
    all
}

/// Calls `each` for every time with the row that the track has at it.
fn each_row<'a>(
    track: Option<&'a Track>,
    times: &[i64],
    mut each: impl FnMut(Option<(&'a Track, usize)>),
) {
    let mut row = 0;
    for time in times {
        let found = track.filter(|track| track.times.get(row) == Some(time));
        each(found.map(|track| (track, row)));
        row += usize::from(found.is_some());
    }
}

fn push_numbers(
    (numbers, valid): (&mut Vec<f64>, &mut NullBufferBuilder),
    track: Option<&Track>,
    times: &[i64],
) {
    let Some(track) = track else {
        numbers.resize(numbers.len() + times.len(), 0.0);
        valid.append_n_nulls(times.len());
        return;
    };
    if track.times.len() == times.len() && track.texts.is_empty() {
        numbers.extend_from_slice(&track.numbers);
        valid.append_n_non_nulls(times.len());
        return;
    }
    each_row(Some(track), times, |found| {
        let number = found
            .filter(|(track, row)| track.text(*row).is_none())
            .and_then(|(track, row)| track.numbers.get(row));
        numbers.push(number.copied().unwrap_or_default());
        valid.append(number.is_some());
    });
}
