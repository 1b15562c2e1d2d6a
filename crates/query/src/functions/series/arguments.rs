//! What a call says once for all rows.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{IntervalMonthDayNano, Schema};
use datafusion::common::{DataFusionError, ScalarValue, plan_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;

use super::Kind;
use super::points::{Fill, Grid, Shape};

const DAY_MS: i64 = 86_400_000;
const NANOS_IN_MS: i64 = 1_000_000;

/// Points that one group can be filled up to: a chart has some thousands.
const GRID_MAX: i64 = 50_000;

pub(super) fn shape(
    kind: Kind,
    arguments: &[Arc<dyn PhysicalExpr>],
) -> Result<Shape, DataFusionError> {
    Ok(match kind {
        Kind::First => Shape::First,
        Kind::Last => Shape::Last,
        Kind::Increase => Shape::Increase,
        Kind::Rate => Shape::Rate,
        Kind::TimeWeight => Shape::TimeWeight,
        Kind::M4 => Shape::M4,
        Kind::Interpolate => Shape::Interpolate(instant(kind, arguments, 2)?),
        Kind::AsOf => Shape::AsOf(instant(kind, arguments, 2)?),
        Kind::GapFill => Shape::GapFill(grid(kind, arguments)?),
    })
}

fn grid(kind: Kind, arguments: &[Arc<dyn PhysicalExpr>]) -> Result<Grid, DataFusionError> {
    let ScalarValue::IntervalMonthDayNano(Some(step)) = constant(kind, arguments, 2)? else {
        return plan_err!("It is called as {}.", kind.usage());
    };
    let Some(step) = millis(step).filter(|step| *step > 0) else {
        return plan_err!("The step of gap_fill is an interval of days or less, and above zero.");
    };
    let (from, to) = (instant(kind, arguments, 3)?, instant(kind, arguments, 4)?);
    if to.saturating_sub(from) / step > GRID_MAX {
        return plan_err!("gap_fill makes {GRID_MAX} points for a group at most.");
    }
    Ok(Grid { step, from, to, fill: fill(kind, arguments)? })
}

/// What may be left out.
fn fill(kind: Kind, arguments: &[Arc<dyn PhysicalExpr>]) -> Result<Fill, DataFusionError> {
    const PLACE: usize = 5;
    if arguments.len() <= PLACE {
        return Ok(Fill::Null);
    }
    let ScalarValue::Utf8(Some(word)) = constant(kind, arguments, PLACE)? else {
        return plan_err!("It is called as {}.", kind.usage());
    };
    match word.as_str() {
        "null" => Ok(Fill::Null),
        "previous" => Ok(Fill::Previous),
        "linear" => Ok(Fill::Linear),
        _ => plan_err!("Gaps are filled with 'null', 'previous' or 'linear'."),
    }
}

/// Months have no length.
fn millis(step: IntervalMonthDayNano) -> Option<i64> {
    let days = i64::from(step.days).checked_mul(DAY_MS)?;
    (step.months == 0).then(|| days.checked_add(step.nanoseconds / NANOS_IN_MS)).flatten()
}

fn instant(
    kind: Kind,
    arguments: &[Arc<dyn PhysicalExpr>],
    at: usize,
) -> Result<i64, DataFusionError> {
    let ScalarValue::TimestampMillisecond(Some(millis), _) = constant(kind, arguments, at)? else {
        return plan_err!("It is called as {}.", kind.usage());
    };
    Ok(millis)
}

/// The value of an argument that is the same for all rows.
fn constant(
    kind: Kind,
    arguments: &[Arc<dyn PhysicalExpr>],
    at: usize,
) -> Result<ScalarValue, DataFusionError> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?;
    let value = arguments.get(at).map(|argument| argument.evaluate(&row));
    match value {
        Some(Ok(ColumnarValue::Scalar(value))) => Ok(value),
        _ => plan_err!("All but value and time are the same for all rows in {}.", kind.usage()),
    }
}
