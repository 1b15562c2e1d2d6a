//! The parts of the program together.

#[cfg(test)]
mod demo_world;
