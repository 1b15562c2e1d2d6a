//! A client of S3 and of what speaks like it, for `history::remote`: a few verbs, blocking.
//!
//! Owns: signatures (AWS Signature Version 4), tries and their limits, what an answer means.
//! Never: what is in the objects, clocks, threads, secrets in logs or in addresses.

mod answer;
mod client;
mod keys;
mod options;
mod sign;

pub use client::{Client, Clock};
pub use keys::{Keys, KeysFault};
pub use options::{Options, OptionsFault, SYSTEM_AUTHORITIES};
