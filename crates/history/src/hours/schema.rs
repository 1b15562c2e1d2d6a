//! The columns of a scan of hours. What Parquet holds has them in another order: see
//! `docs/formats/history.md`.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::kind::Kind;
use crate::part::stored;
use crate::schema::column;

/// Indexes of the columns of `hours_schema`.
pub mod hour {
    pub const HOUR: usize = 0;
    pub const DEVICE: usize = 1;
    pub const SIGNAL: usize = 2;
    pub const SERIES: usize = 3;
    pub const READINGS: usize = 4;
    pub const NUMBERS: usize = 5;
    pub const SUM: usize = 6;
    pub const MIN: usize = 7;
    pub const MAX: usize = 8;
    pub const MIN_TIME: usize = 9;
    pub const MAX_TIME: usize = 10;
    pub const FIRST: usize = 11;
    pub const FIRST_TIME: usize = 12;
    pub const LAST: usize = 13;
    pub const LAST_TIME: usize = 14;
    pub const COUNT: usize = 15;
}

// `Output` makes names and series at the same places for both.
const _: () = assert!(
    hour::HOUR == column::TIME
        && hour::DEVICE == column::DEVICE
        && hour::SIGNAL == column::SIGNAL
        && hour::SERIES == column::SERIES
);

static HOURS: LazyLock<SchemaRef> = LazyLock::new(|| {
    let stored_schema = Kind::Hours.stored();
    let mut fields: Vec<Field> = [stored::TIME, stored::DEVICE, stored::SIGNAL]
        .into_iter()
        .map(|column| stored_schema.field(column).clone())
        .collect();
    fields.push(Field::new("series", DataType::UInt32, false));
    let rest = stored_schema.fields().iter().skip(fields.len());
    fields.extend(rest.map(|field| field.as_ref().clone()));
    Arc::new(Schema::new(fields))
});

/// `hour, device, signal, series, readings, numbers, sum, min, max, min_time, max_time, first,
/// first_time, last, last_time`. Names are dictionaries as in `readings_schema`. What is said of
/// numbers is null where an hour has none.
#[must_use]
pub fn hours_schema() -> SchemaRef {
    Arc::clone(&HOURS)
}

/// Where a column of `hours_schema` that is no name stands in a file.
pub(crate) const fn stored_column(wanted: usize) -> usize {
    match wanted {
        hour::HOUR => stored::TIME,
        hour::SERIES => stored::SERIES,
        other => other,
    }
}
