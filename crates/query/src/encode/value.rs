//! One value as text. Times are RFC 3339 in UTC.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use jiff::Timestamp;

/// `None` for NULL.
pub(super) fn shown(array: &ArrayRef, row: usize) -> Result<Option<String>, ArrowError> {
    if array.is_null(row) {
        return Ok(None);
    }
    if let Some(time) = time(array, row) {
        return Ok(Some(time));
    }
    let formatter = ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default())?;
    formatter.value(row).try_to_string().map(Some)
}

/// RFC 3339 to the millisecond, or finer where a time is; `None` for what is no time or beyond the
/// year 9999.
fn time(array: &ArrayRef, row: usize) -> Option<String> {
    let DataType::Timestamp(unit, _) = array.data_type() else { return None };
    let time = match unit {
        TimeUnit::Second => {
            Timestamp::from_second(array.as_primitive::<TimestampSecondType>().value(row))
        }
        TimeUnit::Millisecond => {
            Timestamp::from_millisecond(array.as_primitive::<TimestampMillisecondType>().value(row))
        }
        TimeUnit::Microsecond => {
            Timestamp::from_microsecond(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        TimeUnit::Nanosecond => {
            let at = array.as_primitive::<TimestampNanosecondType>().value(row);
            Timestamp::from_nanosecond(i128::from(at))
        }
    };
    let time = time.ok()?;
    let whole = time.subsec_nanosecond() % 1_000_000 == 0;
    Some(if whole { format!("{time:.3}") } else { format!("{time:.9}") })
}

/// Appends the value as JSON.
pub(super) fn json(array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    let double = array.as_primitive_opt::<Float64Type>().map(|array| array.value(row).is_finite());
    let single = array.as_primitive_opt::<Float32Type>().map(|array| array.value(row).is_finite());
    let finite = double.or(single).unwrap_or(true);
    let Some(text) = shown(array, row)?.filter(|_| finite) else {
        out.extend_from_slice(b"null");
        return Ok(());
    };
    let kind = array.data_type();
    if let DataType::List(_) = kind {
        return list(&array.as_list::<i32>().value(row), out);
    }
    if kind.is_integer() || kind.is_floating() || *kind == DataType::Boolean {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    serde_json::to_writer(out, &text).map_err(|fault| ArrowError::JsonError(fault.to_string()))
}

fn list(items: &ArrayRef, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    out.push(b'[');
    for row in 0..items.len() {
        if row > 0 {
            out.push(b',');
        }
        json(items, row, out)?;
    }
    out.push(b']');
    Ok(())
}
