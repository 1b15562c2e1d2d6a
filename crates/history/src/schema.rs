//! The columns of a scan. What Parquet holds differs a little: see `docs/formats/history.md`.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// Indexes of the columns of `readings_schema`.
pub mod column {
    pub const TIME: usize = 0;
    pub const DEVICE: usize = 1;
    pub const SIGNAL: usize = 2;
    pub const SERIES: usize = 3;
    pub const NUMBER: usize = 4;
    pub const TEXT: usize = 5;
    pub const QUALITY: usize = 6;
    pub const COUNT: usize = 7;
}

static READINGS: LazyLock<SchemaRef> = LazyLock::new(|| {
    let name = DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8));
    Arc::new(Schema::new(vec![
        Field::new("time", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), false),
        Field::new("device", name.clone(), false),
        Field::new("signal", name, false),
        Field::new("series", DataType::UInt32, false),
        Field::new("number", DataType::Float64, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("quality", DataType::UInt16, false),
    ]))
});

/// `time, device, signal, series, number, text, quality`. Device and signal are dictionaries whose
/// keys are the series; so one name may stand in a dictionary more than once.
#[must_use]
pub fn readings_schema() -> SchemaRef {
    Arc::clone(&READINGS)
}
