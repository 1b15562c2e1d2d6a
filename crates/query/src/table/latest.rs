//! `latest` and `signals`: the last reading of every series, and what is known of the series.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, StringViewArray, UInt16Array};
use arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::common::DataFusionError;
use history::{Latest, LatestValue, Series, SeriesId};
use model::Unit;

use crate::site::Snapshot;
use crate::table;

struct Columns {
    names: [ArrayRef; 2],
    unit: ArrayRef,
    kind: ArrayRef,
    time: ArrayRef,
    number: ArrayRef,
    text: ArrayRef,
    quality: ArrayRef,
}

fn columns(snapshot: &Snapshot) -> Columns {
    let series = snapshot.view.series();
    let ids: Vec<SeriesId> = series.iter().map(|series| series.id).collect();
    let latest = snapshot.view.latest_of(&ids);
    let said: Vec<(&Series, &Latest)> = series
        .iter()
        .zip(&latest)
        .filter_map(|(series, last)| Some((series, last.as_ref()?)))
        .collect();
    let values = || said.iter().map(|(_, last)| &last.value);
    let names = |name: fn(&Series) -> &str| -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values(said.iter().map(|(series, _)| name(series))))
    };
    let units = said.iter().map(|(series, _)| series.unit.map(Unit::code));
    let quality = said.iter().map(|(_, last)| last.quality.bits());
    let kind = |value: &LatestValue| if value.text().is_some() { "text" } else { "number" };
    Columns {
        names: [names(|series| &series.device), names(|series| &series.signal)],
        unit: Arc::new(StringViewArray::from_iter(units)),
        kind: Arc::new(StringViewArray::from_iter_values(values().map(kind))),
        time: table::times(said.iter().map(|(_, last)| Some(last.time.millis()))),
        number: Arc::new(Float64Array::from_iter(values().map(LatestValue::number))),
        text: Arc::new(StringViewArray::from_iter(values().map(LatestValue::text))),
        quality: Arc::new(UInt16Array::from_iter_values(quality)),
    }
}

pub(crate) fn latest(snapshot: &Snapshot) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let schema = table::schema(&[
        ("time", table::time_type(), false),
        ("device", DataType::Utf8View, false),
        ("signal", DataType::Utf8View, false),
        ("number", DataType::Float64, true),
        ("text", DataType::Utf8View, true),
        ("quality", DataType::UInt16, false),
        ("unit", DataType::Utf8View, true),
    ]);
    let Columns { names: [device, signal], unit, time, number, text, quality, .. } =
        columns(snapshot);
    table::whole(schema, vec![time, device, signal, number, text, quality, unit])
}

pub(crate) fn signals(snapshot: &Snapshot) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let schema = table::schema(&[
        ("device", DataType::Utf8View, false),
        ("signal", DataType::Utf8View, false),
        ("unit", DataType::Utf8View, true),
        ("unit_print", DataType::Utf8View, true),
        ("kind", DataType::Utf8View, false),
        ("last_time", table::time_type(), false),
        ("last_number", DataType::Float64, true),
        ("last_text", DataType::Utf8View, true),
    ]);
    let columns = columns(snapshot);
    let printed = arrow::array::AsArray::as_string_view(&*columns.unit);
    let printed = printed.iter().map(|code| Some(Unit::from_code(code?)?.print()));
    let printed: ArrayRef = Arc::new(StringViewArray::from_iter(printed));
    debug_assert_eq!(printed.len(), columns.unit.len(), "one for each");
    let Columns { names: [device, signal], unit, kind, time, number, text, .. } = columns;
    table::whole(schema, vec![device, signal, unit, printed, kind, time, number, text])
}
