//! What a signal did over time: aggregates of (value, time).
//!
//! Rows come in any order and from several threads, so the points of a group are collected, sorted
//! and then read. Their memory counts against the limit of statements.

mod accumulator;
mod arguments;
mod points;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit};
use datafusion::common::{DataFusionError, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};

use crate::table::time_type;
use accumulator::Collected;
use arguments::shape;

/// The functions, by what they make of the points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    First,
    Last,
    Increase,
    Rate,
    TimeWeight,
    M4,
    Interpolate,
    GapFill,
}

const ALL: [Kind; 8] = [
    Kind::First,
    Kind::Last,
    Kind::Increase,
    Kind::Rate,
    Kind::TimeWeight,
    Kind::M4,
    Kind::Interpolate,
    Kind::GapFill,
];

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Increase => "increase",
            Self::Rate => "rate",
            Self::TimeWeight => "time_weight",
            Self::M4 => "m4",
            Self::Interpolate => "interpolate",
            Self::GapFill => "gap_fill",
        }
    }

    /// After value and time.
    fn further(self) -> Vec<DataType> {
        match self {
            Self::First
            | Self::Last
            | Self::Increase
            | Self::Rate
            | Self::TimeWeight
            | Self::M4 => Vec::new(),
            Self::Interpolate => vec![time_type()],
            Self::GapFill => vec![
                DataType::Interval(IntervalUnit::MonthDayNano),
                time_type(),
                time_type(),
                DataType::Utf8,
            ],
        }
    }

    /// How it is to be called.
    const fn usage(self) -> &'static str {
        match self {
            Self::First => "first(value, time)",
            Self::Last => "last(value, time)",
            Self::Increase => "increase(value, time)",
            Self::Rate => "rate(value, time)",
            Self::TimeWeight => "time_weight(value, time)",
            Self::M4 => "m4(value, time)",
            Self::Interpolate => "interpolate(value, time, at)",
            Self::GapFill => {
                "gap_fill(value, time, step, from, to [, 'null' | 'previous' | 'linear'])"
            }
        }
    }

    fn answer(self) -> DataType {
        match self {
            Self::M4 | Self::GapFill => DataType::List(Arc::new(point_field())),
            Self::First
            | Self::Last
            | Self::Increase
            | Self::Rate
            | Self::TimeWeight
            | Self::Interpolate => DataType::Float64,
        }
    }
}

/// One point of a list: `{time, value}`.
fn point_fields() -> Fields {
    Fields::from(vec![
        Field::new("time", time_type(), false),
        Field::new("value", DataType::Float64, true),
    ])
}

fn point_field() -> Field {
    Field::new_list_field(DataType::Struct(point_fields()), true)
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SeriesFunction {
    kind: Kind,
    signature: Signature,
}

impl Kind {
    pub(super) fn function(self) -> SeriesFunction {
        let signature = Signature::user_defined(Volatility::Immutable);
        SeriesFunction { kind: self, signature }
    }
}

pub(super) fn all() -> impl Iterator<Item = SeriesFunction> {
    ALL.into_iter().map(Kind::function)
}

impl AggregateUDFImpl for SeriesFunction {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let mut wanted = vec![DataType::Float64, time_type()];
        wanted.extend(self.kind.further());
        // The way to fill gaps may be left out.
        let least = if self.kind == Kind::GapFill { wanted.len() - 1 } else { wanted.len() };
        if !(least..=wanted.len()).contains(&given.len()) {
            return plan_err!("It is called as {}.", self.kind.usage());
        }
        wanted.truncate(given.len());
        Ok(wanted)
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(self.kind.answer())
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>, DataFusionError> {
        let list = |name: &str, kind: DataType| {
            let items = Arc::new(Field::new_list_field(kind, true));
            Arc::new(Field::new(format!("{}[{name}]", args.name), DataType::List(items), true))
        };
        Ok(vec![list("times", DataType::Int64), list("values", DataType::Float64)])
    }

    fn accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>, DataFusionError> {
        let shape = shape(self.kind, args.exprs)?;
        Ok(Box::new(Collected::new(shape)))
    }
}
