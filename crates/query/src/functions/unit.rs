//! Conversion between units.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{DataFusionError, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use model::Unit;

/// `to_unit(value, from, to)`: NULL when a unit is unknown or of another dimension.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ToUnit {
    signature: Signature,
}

impl ToUnit {
    pub(crate) fn new() -> Self {
        let arguments = vec![DataType::Float64, DataType::Utf8, DataType::Utf8];
        Self { signature: Signature::exact(arguments, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ToUnit {
    fn name(&self) -> &'static str {
        "to_unit"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [value, from, to] = &arrays[..] else {
            return plan_err!("to_unit takes a value, its unit and the unit wanted");
        };
        let (from, to) = (cast(from, &DataType::Utf8)?, cast(to, &DataType::Utf8)?);
        let value = value.as_primitive::<Float64Type>();
        let (from, to) = (from.as_string::<i32>(), to.as_string::<i32>());
        let converted: Float64Array =
            (0..value.len()).map(|row| convert(value, (from, to), row)).collect();
        Ok(ColumnarValue::Array(Arc::new(converted)))
    }
}

fn convert(
    value: &Float64Array,
    (from, to): (&StringArray, &StringArray),
    row: usize,
) -> Option<f64> {
    if value.is_null(row) || from.is_null(row) || to.is_null(row) {
        return None;
    }
    Unit::from_text(from.value(row))?.convert(value.value(row), Unit::from_text(to.value(row))?)
}
