//! The recogniser as other crates see it.
#![cfg(test)]

mod golden;
mod hostile;
mod memory;
mod stream;
