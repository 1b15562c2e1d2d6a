//! SQL over one site's history. The only crate that names DataFusion.
//!
//! Owns: the tables of `docs/sql.md`, what clients of PostgreSQL look for beside them, limits of a
//! statement, encodings of an answer.
//! Never: writing. A statement that would change anything is refused before it is planned.
//!
//! Every statement sees one snapshot: a `history::View` taken when the statement begins.

mod catalog;
pub mod encode;
mod engine;
mod fault;
mod functions;
mod names;
mod outline;
mod partial;
pub mod postgres;
mod prune;
mod site;
mod source;
mod statement;
mod table;
mod work;

pub use arrow::array::RecordBatch;
pub use arrow::datatypes::SchemaRef;
pub use catalog::{Catalog, DeviceRow, MessageFault, MessageRow, MessageScan, Messages};
pub use datafusion::common::ParamValues;
pub use encode::{Encoder, Format};
pub use engine::{Answer, Engine, Limits};
pub use fault::{Code, Place, QueryFault};
pub use statement::{Parameter, Prepared};
