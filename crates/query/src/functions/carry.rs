//! `carry_forward(value) OVER (…)`: of each row the last value that is not NULL, from it or from a row
//! before it. With it a statement joins two signals as of one another's times.
//!
//! `last_value(…) IGNORE NULLS` says the same, and looks through all rows before for each row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::{Field, FieldRef};
use datafusion::common::{DataFusionError, internal_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDFImpl};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CarryForward {
    signature: Signature,
}

impl CarryForward {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl WindowUDFImpl for CarryForward {
    fn name(&self) -> &'static str {
        "carry_forward"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(
        &self,
        _args: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>, DataFusionError> {
        Ok(Box::new(Carried))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef, DataFusionError> {
        let Some(value) = args.input_fields().first() else {
            return internal_err!("carry_forward has no value");
        };
        Ok(Arc::new(Field::new(args.name(), value.data_type().clone(), true)))
    }
}

#[derive(Debug)]
struct Carried;

impl PartitionEvaluator for Carried {
    fn evaluate_all(
        &mut self,
        values: &[ArrayRef],
        rows: usize,
    ) -> Result<ArrayRef, DataFusionError> {
        let [value] = values else { return internal_err!("carry_forward has no value") };
        let mut last = None;
        let places = (0..rows).map(|row| {
            if value.is_valid(row) {
                last = Some(row as u64);
            }
            last
        });
        Ok(take(value, &UInt64Array::from_iter(places), None)?)
    }
}
