//! The schema `pg_catalog`, and the functions that clients call on it.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, SchemaProvider,
};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::datasource::TableType;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use datafusion_pg_catalog::pg_catalog::catalog_info::CatalogInfo;
use datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_pg_catalog::pg_catalog::{
    PgCatalogSchemaProvider, PgCatalogStaticTables, setup_pg_catalog,
};

use super::SERVER_VERSION;
use crate::site::{Site, Tables};
use crate::statement::{CATALOG, SCHEMA};

/// One for all clients: the numbers of tables must not change between two of their statements.
#[derive(Debug)]
pub(crate) struct System {
    state: SessionState,
    schema: Arc<dyn SchemaProvider>,
}

impl System {
    pub(crate) fn new(plain: &SessionState, site: &Arc<Site>) -> Result<Self, DataFusionError> {
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::new(MemoryCatalogProvider::new()));
        let state = SessionStateBuilder::new_from_existing(plain.clone())
            .with_catalog_list(Arc::new(catalogs))
            .build();
        let context = SessionContext::new_with_state(state);
        setup_pg_catalog(&context, CATALOG, EmptyContextProvider).map_err(|fault| *fault)?;
        context.register_udf(version());
        let tables = Arc::new(PgCatalogStaticTables::try_new()?);
        let schema = PgCatalogSchemaProvider::try_new(
            Outline(Arc::clone(site)),
            tables,
            EmptyContextProvider,
        )?;
        Ok(Self { state: context.state(), schema: Arc::new(schema) })
    }

    pub(crate) const fn state(&self) -> &SessionState {
        &self.state
    }

    pub(crate) fn schema(&self) -> Arc<dyn SchemaProvider> {
        Arc::clone(&self.schema)
    }
}

/// Clients read the number behind the first word, and ask only for what that version has.
fn version() -> ScalarUDF {
    let text = format!("PostgreSQL {SERVER_VERSION} (Althing {})", env!("CARGO_PKG_VERSION"));
    let answer = ColumnarValue::Scalar(ScalarValue::Utf8(Some(text)));
    let body = move |_: &[ColumnarValue]| Ok(answer.clone());
    create_udf("version", Vec::new(), DataType::Utf8, Volatility::Stable, Arc::new(body))
}

/// The tables of the moment a client looks.
#[derive(Clone, Debug)]
struct Outline(Arc<Site>);

impl Outline {
    fn tables(&self, catalog: &str, schema: &str) -> Option<Tables> {
        (catalog == CATALOG && schema == SCHEMA).then(|| Tables(Arc::new(self.0.snapshot())))
    }
}

#[async_trait]
impl CatalogInfo for Outline {
    async fn catalog_names(&self) -> Result<Vec<String>, DataFusionError> {
        Ok(vec![CATALOG.to_owned()])
    }

    async fn schema_names(&self, catalog: &str) -> Result<Option<Vec<String>>, DataFusionError> {
        Ok((catalog == CATALOG).then(|| vec![SCHEMA.to_owned()]))
    }

    async fn table_names(
        &self,
        catalog: &str,
        schema: &str,
    ) -> Result<Option<Vec<String>>, DataFusionError> {
        Ok(self.tables(catalog, schema).map(|tables| tables.table_names()))
    }

    async fn table_schema(
        &self,
        catalog: &str,
        schema: &str,
        table: &str,
    ) -> Result<Option<SchemaRef>, DataFusionError> {
        let Some(tables) = self.tables(catalog, schema) else { return Ok(None) };
        Ok(tables.table(table).await?.map(|table| table.schema()))
    }

    async fn table_type(
        &self,
        catalog: &str,
        schema: &str,
        table: &str,
    ) -> Result<Option<TableType>, DataFusionError> {
        let tables = self.tables(catalog, schema);
        Ok(tables.filter(|tables| tables.table_exist(table)).map(|_| TableType::Base))
    }
}
