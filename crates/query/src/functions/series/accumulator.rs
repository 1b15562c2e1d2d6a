//! Collects the points of one group.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, TimestampMillisecondType};
use datafusion::common::{DataFusionError, ScalarValue, internal_err};
use datafusion::logical_expr::Accumulator;

use super::points::{
    Point, Shape, as_of, gap_fill, increase, interpolate, m4, rate, reduce, settle, time_weight,
};
use super::{point_field, point_fields};
use crate::table::times;

/// Points that may wait before those that no answer needs are forgotten.
const REDUCE_AT: usize = 4_096;

/// Of a filled point, in its list and in the column that all lists become.
const FILLED_BYTES: usize = 64;

#[derive(Debug)]
pub(super) struct Collected {
    shape: Shape,
    points: Vec<Point>,
    /// How many points make it worth to settle and reduce them: doubled where none can go, so
    /// that each is sorted a few times only.
    reduce_at: usize,
}

impl Collected {
    pub(super) const fn new(shape: Shape) -> Self {
        Self { shape, points: Vec::new(), reduce_at: REDUCE_AT }
    }

    fn extend(&mut self, points: impl Iterator<Item = Point>) {
        self.points.extend(points);
        if self.points.len() >= self.reduce_at {
            settle(&mut self.points);
            reduce(self.shape, &mut self.points);
            self.reduce_at = REDUCE_AT.max(self.points.len() * 2);
        }
    }
}

impl Accumulator for Collected {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<(), DataFusionError> {
        let [value, time, ..] = columns else { return internal_err!("value and time are missing") };
        let (value, time) =
            (value.as_primitive::<Float64Type>(), time.as_primitive::<TimestampMillisecondType>());
        let points = time.iter().zip(value).filter_map(|(time, value)| Some((time?, value?)));
        self.extend(points.filter(|(_, value)| !value.is_nan()));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue, DataFusionError> {
        settle(&mut self.points);
        let points = &self.points;
        let number = |value: Option<f64>| Ok(ScalarValue::Float64(value));
        match self.shape {
            Shape::First => number(points.first().map(|(_, value)| *value)),
            Shape::Last => number(points.last().map(|(_, value)| *value)),
            Shape::Increase => number(increase(points)),
            Shape::Rate => number(rate(points)),
            Shape::TimeWeight => number(time_weight(points)),
            Shape::Interpolate(at) => number(interpolate(points, at)),
            Shape::AsOf(at) => number(as_of(points, at).map(|(_, value)| value)),
            Shape::M4 => {
                let chosen = m4(points);
                let points: Vec<_> =
                    chosen.iter().map(|(time, value)| (*time, Some(*value))).collect();
                list(&points)
            }
            Shape::GapFill(grid) => list(&gap_fill(points, grid)),
        }
    }

    fn size(&self) -> usize {
        // What is filled is made for all groups at once, so it is counted before it is there.
        let filled = match self.shape {
            Shape::GapFill(grid) => grid.len() * FILLED_BYTES,
            Shape::First
            | Shape::Last
            | Shape::Increase
            | Shape::Rate
            | Shape::TimeWeight
            | Shape::M4
            | Shape::Interpolate(_)
            | Shape::AsOf(_) => 0,
        };
        size_of::<Self>() + self.points.capacity() * size_of::<Point>() + filled
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>, DataFusionError> {
        settle(&mut self.points);
        reduce(self.shape, &mut self.points);
        let times: Int64Array = self.points.iter().map(|(time, _)| *time).collect();
        let values: Float64Array = self.points.iter().map(|(_, value)| *value).collect();
        Ok(vec![one(DataType::Int64, Arc::new(times))?, one(DataType::Float64, Arc::new(values))?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<(), DataFusionError> {
        let [times, values] = states else { return internal_err!("a state is missing") };
        let (times, values) = (times.as_list::<i32>(), values.as_list::<i32>());
        for row in (0..times.len()).filter(|row| times.is_valid(*row) && values.is_valid(*row)) {
            let (times, values) = (times.value(row), values.value(row));
            let (times, values) =
                (times.as_primitive::<Int64Type>(), values.as_primitive::<Float64Type>());
            let points = times.values().iter().copied().zip(values.values().iter().copied());
            self.extend(points);
        }
        Ok(())
    }
}

/// A list of one row.
fn one(kind: DataType, items: ArrayRef) -> Result<ScalarValue, DataFusionError> {
    let field = Arc::new(Field::new_list_field(kind, true));
    let offsets = OffsetBuffer::from_lengths([items.len()]);
    Ok(ScalarValue::List(Arc::new(ListArray::try_new(field, offsets, items, None)?)))
}

fn list(points: &[(i64, Option<f64>)]) -> Result<ScalarValue, DataFusionError> {
    let values: Float64Array = points.iter().map(|(_, value)| *value).collect();
    let columns: Vec<ArrayRef> =
        vec![times(points.iter().map(|(time, _)| Some(*time))), Arc::new(values)];
    let items = StructArray::try_new(point_fields(), columns, None)?;
    let offsets = OffsetBuffer::from_lengths([points.len()]);
    let array = ListArray::try_new(Arc::new(point_field()), offsets, Arc::new(items), None)?;
    Ok(ScalarValue::List(Arc::new(array)))
}
