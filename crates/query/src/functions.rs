//! Functions beyond those of DataFusion.

mod series;
mod unit;

use datafusion::functions::datetime::date_bin;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::prelude::SessionContext;

pub(crate) fn register(context: &SessionContext) {
    let bins = date_bin().as_ref().clone();
    context.register_udf(bins.with_aliases(["time_bucket"]));
    context.register_udf(ScalarUDF::from(unit::ToUnit::new()));
    for function in series::all() {
        context.register_udaf(AggregateUDF::from(function));
    }
}

/// `first(value, time)`.
pub(crate) fn first() -> AggregateUDF {
    AggregateUDF::from(series::Kind::First.function())
}

/// `last(value, time)`.
pub(crate) fn last() -> AggregateUDF {
    AggregateUDF::from(series::Kind::Last.function())
}
