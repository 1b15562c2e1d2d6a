//! The context of a statement: its functions, made once, and its tables, of one snapshot.

use std::sync::{Arc, OnceLock};

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    SchemaProvider,
};
use datafusion::common::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::functions;
use crate::partial::FoldWhereRead;
use crate::postgres::System;
use crate::site::{Site, Snapshot, Tables};
use crate::statement::kept::Kept;
use crate::statement::steps::Steps;

pub(crate) const CATALOG: &str = "althing";
/// What `PostgreSQL` calls the schema of everybody's tables.
pub(crate) const SCHEMA: &str = "public";

#[derive(Debug)]
pub(crate) struct Contexts {
    site: Arc<Site>,
    state: SessionState,
    /// The same for little work, which threads would only pass to each other.
    one_thread: SessionState,
    /// What all statements need while they run.
    task: Arc<TaskContext>,
    pub(crate) kept: Kept,
    /// Made when the first client of `PostgreSQL` comes.
    postgres: OnceLock<Result<System, String>>,
}

impl Contexts {
    pub(crate) fn new((threads, memory): (usize, Arc<RuntimeEnv>), site: &Arc<Site>) -> Self {
        let mut config = SessionConfig::new()
            .with_create_default_catalog_and_schema(false)
            .with_default_catalog_and_schema(CATALOG, SCHEMA)
            .with_information_schema(true)
            .with_target_partitions(threads);
        config.options_mut().sql_parser.collect_spans = true;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(memory)
            .with_default_features()
            .with_optimizer_rule(Arc::new(FoldWhereRead))
            .with_physical_optimizer_rule(Arc::new(Steps))
            .build();
        let context = SessionContext::new_with_state(state);
        functions::register(&context);
        let state = context.state();
        let config = state.config().clone().with_target_partitions(1);
        let one_thread =
            SessionStateBuilder::new_from_existing(state.clone()).with_config(config).build();
        let task = state.task_ctx();
        let (site, kept, postgres) = (Arc::clone(site), Kept::default(), OnceLock::new());
        Self { site, state, one_thread, task, kept, postgres }
    }

    /// Functions and settings, without tables.
    pub(crate) const fn state(&self) -> &SessionState {
        &self.state
    }

    pub(crate) const fn on_one_thread(&self) -> &SessionState {
        &self.one_thread
    }

    pub(crate) fn task(&self) -> Arc<TaskContext> {
        Arc::clone(&self.task)
    }

    pub(crate) fn site(&self, snapshot: &Arc<Snapshot>) -> Result<SessionContext, DataFusionError> {
        context(&self.state, snapshot, None)
    }

    pub(crate) fn postgres(
        &self,
        snapshot: &Arc<Snapshot>,
    ) -> Result<SessionContext, DataFusionError> {
        let made = self.postgres.get_or_init(|| {
            System::new(&self.state, &self.site).map_err(|fault| fault.to_string())
        });
        let system = made.as_ref().map_err(|fault| DataFusionError::Internal(fault.clone()))?;
        context(system.state(), snapshot, Some(system.schema()))
    }
}

fn context(
    state: &SessionState,
    snapshot: &Arc<Snapshot>,
    system: Option<Arc<dyn SchemaProvider>>,
) -> Result<SessionContext, DataFusionError> {
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, Arc::new(Tables(Arc::clone(snapshot))))?;
    if let Some(system) = system {
        catalog.register_schema("pg_catalog", system)?;
    }
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
    let state = SessionStateBuilder::new_from_existing(state.clone())
        .with_catalog_list(Arc::new(catalogs))
        .build();
    Ok(SessionContext::new_with_state(state))
}
