//! Groups of readings are made where the readings are read.
//!
//! The rows of a series stand together, sorted by time, so counts, sums and extremes of a bucket of
//! time need no table of groups: a rule (`rule`) sees an aggregate that asks for such groups and puts
//! a table of partial groups (`table`) under it, whose rows are folded while the files are decoded
//! (`fold`). Where hours stand for readings (`pieces`), they are folded instead. What is above it
//! adds up a few rows instead of all readings. A rewrite never changes an answer beyond the order in
//! which numbers are added.

mod cut;
mod fold;
mod pieces;
mod rule;
mod sums;
mod table;
mod target;

pub(crate) use rule::FoldWhereRead;
pub(crate) use table::{Partials, Recipe};
