//! Aggregates over partial groups, and answers made of them.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, DataFusionError, ScalarValue};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::{max, min, sum};
use datafusion::logical_expr::{Expr, ExprFunctionExt as _, cast, lit};
use datafusion::prelude::col;

use super::fold::Part;
use crate::functions;

/// One aggregate of a statement.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) what: What,
    /// `None` for all readings.
    pub(super) signal: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Rows,
    Numbers,
    Sum,
    Mean,
    Min,
    Max,
    First,
    Last,
}

pub(super) struct Sums {
    /// Over partial groups, each once.
    pub(super) aggregates: Vec<Expr>,
    /// Of these, one for each aggregate of the statement.
    pub(super) answers: Vec<Expr>,
}

impl Sums {
    pub(super) fn of(asked: &[Asked]) -> Result<Self, DataFusionError> {
        let mut sums = Self { aggregates: Vec::new(), answers: Vec::with_capacity(asked.len()) };
        let mut signals = asked.iter().filter_map(|asked| asked.signal.as_ref());
        let first = signals.next();
        let several = signals.any(|signal| Some(signal) != first);
        for Asked { what, signal } in asked {
            let signal = signal.as_deref().filter(|_| several);
            let answer = sums.answer(*what, signal)?;
            sums.answers.push(answer);
        }
        let named = sums.aggregates.into_iter().enumerate();
        sums.aggregates = named.map(|(place, sum)| sum.alias(name(place))).collect();
        Ok(sums)
    }

    fn answer(&mut self, what: What, signal: Option<&str>) -> Result<Expr, DataFusionError> {
        let part = |part: Part| col(part.name());
        let mut add = |aggregate: Expr| self.add(aggregate, signal);
        // Without any row there is no sum, but there is a count.
        let count = |sum: Expr| coalesce(vec![sum, lit(ScalarValue::Int64(Some(0)))]);
        Ok(match what {
            What::Rows => count(add(sum(part(Part::Rows)))?),
            What::Numbers => count(add(sum(part(Part::Numbers)))?),
            What::Sum => add(sum(part(Part::Sum)))?,
            What::Mean => {
                let numbers = cast(add(sum(part(Part::Numbers)))?, DataType::Float64);
                add(sum(part(Part::Sum)))? / numbers
            }
            What::Min => add(min(part(Part::Min)))?,
            What::Max => add(max(part(Part::Max)))?,
            What::First => {
                add(functions::first().call(vec![part(Part::First), part(Part::FirstTime)]))?
            }
            What::Last => {
                add(functions::last().call(vec![part(Part::Last), part(Part::LastTime)]))?
            }
        })
    }

    /// The column of an aggregate over the groups of a signal.
    fn add(&mut self, aggregate: Expr, signal: Option<&str>) -> Result<Expr, DataFusionError> {
        let aggregate = match signal {
            Some(signal) => {
                // Types are no longer made to fit when the rule runs.
                let own = lit(ScalarValue::Utf8View(Some(signal.to_owned())));
                aggregate.filter(col(Part::Signal.name()).eq(own)).build()?
            }
            None => aggregate,
        };
        let known = self.aggregates.iter().position(|known| *known == aggregate);
        let place = known.unwrap_or(self.aggregates.len());
        if known.is_none() {
            self.aggregates.push(aggregate);
        }
        Ok(Expr::Column(Column::from_name(name(place))))
    }
}

fn name(place: usize) -> String {
    format!("part_{place}")
}
