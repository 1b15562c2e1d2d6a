//! Template filters: nothing that a device or a person named stands in a template without one.

#![expect(
    clippy::unused_self,
    unreachable_pub,
    reason = "what the macro makes of a function is not ours"
)]

use askama::filter_fn;

use crate::markup::Markup;
use crate::show;

/// A name in whatever script, isolated.
#[filter_fn]
pub(crate) fn name(text: &str, _: &dyn askama::Values) -> askama::Result<Markup> {
    Ok(show::name(text))
}

/// A number, an identifier, a key: always left to right, isolated.
#[filter_fn]
pub(crate) fn val(text: &str, _: &dyn askama::Values) -> askama::Result<Markup> {
    Ok(show::code(text))
}
