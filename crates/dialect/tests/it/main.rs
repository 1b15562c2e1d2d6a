//! The recogniser as other crates see it.
#![cfg(test)]

mod corpus;
mod golden;
mod hostile;
mod memory;
mod stream;
