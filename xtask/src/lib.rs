//! The automation as a library, so that it has tests.
//!
//! Owns: the test run, the house rules, torture, comparisons, the lists of standards.
//! Never: anything that a running site needs.

pub mod browser;
mod clock;
pub mod comparison;
pub mod conformance;
mod dice;
pub mod differential;
pub mod edges;
pub mod setup;
pub mod spec;
mod step;
pub mod suite;
pub mod tidy;
pub mod torture;

/// Tells whoever runs a task how it goes.
#[expect(clippy::print_stdout, reason = "a task talks to whoever runs it")]
pub fn say(text: &str) {
    println!("{text}");
}
