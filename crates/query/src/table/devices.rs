//! `devices`: what the registry knows of each device.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringViewArray};
use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use model::Timestamp;

use crate::catalog::DeviceRow;
use crate::table;

pub(crate) fn rows(rows: &[DeviceRow]) -> Result<RecordBatch, DataFusionError> {
    let schema = table::schema(&[
        ("device", DataType::Utf8View, false),
        ("title", DataType::Utf8View, true),
        ("type", DataType::Utf8View, false),
        ("dialect", DataType::Utf8View, false),
        ("keys", DataType::Utf8View, false),
        ("guessed", DataType::Boolean, false),
        ("adopted", DataType::Boolean, false),
        ("first_seen", table::time_type(), true),
        ("last_seen", table::time_type(), true),
    ]);
    let text = |of: fn(&DeviceRow) -> &str| -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values(rows.iter().map(of)))
    };
    let truth = |of: fn(&DeviceRow) -> bool| -> ArrayRef {
        Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(of(row)))))
    };
    let time = |of: fn(&DeviceRow) -> Option<Timestamp>| {
        table::times(rows.iter().map(|row| of(row).map(Timestamp::millis)))
    };
    let titles = rows.iter().map(|row| row.title.as_deref());
    let keys = rows.iter().map(|row| row.keys.join(" "));
    Ok(RecordBatch::try_new(
        schema,
        vec![
            text(|row| &row.device),
            Arc::new(StringViewArray::from_iter(titles)),
            text(|row| &row.device_type),
            text(|row| &row.dialect),
            Arc::new(StringViewArray::from_iter_values(keys)),
            truth(|row| row.guessed),
            truth(|row| row.adopted),
            time(|row| row.first_seen),
            time(|row| row.last_seen),
        ],
    )?)
}
