//! What can be asked: the tables of this moment and their columns.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::SchemaProvider as _;
use futures::FutureExt as _;

use crate::engine::Engine;
use crate::site::Tables;

impl Engine {
    /// All tables, those that every site has first, then one for each device type by name.
    #[must_use]
    pub fn tables(&self) -> Vec<(String, SchemaRef)> {
        let tables = Tables(Arc::new(self.snapshot()));
        let schema = |name: String| {
            // Tables are made from memory: they are there at once, or there is a fault to tell.
            let table = tables.table(&name).now_or_never()?.ok()??;
            Some((name, table.schema()))
        };
        tables.table_names().into_iter().filter_map(schema).collect()
    }
}
