//! SQL for programs that speak the wire protocol of `PostgreSQL`: psql, Grafana, pandas, `DBeaver`.
//!
//! Owns: connections, their settings, how faults and rows look there.
//! Never: SQL itself. Statements go to `query`, which refuses all that would write.

mod door;
mod fault;
mod guard;
mod parser;
mod session;
mod settings;

pub use door::{Limits, serve};
