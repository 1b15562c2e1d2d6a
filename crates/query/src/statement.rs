//! From text to a plan that only reads.

use std::sync::Arc;

use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider};
use datafusion::common::DataFusionError;
use datafusion::dataframe::DataFrame;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::engine::Limits;
use crate::fault::{Code, QueryFault};
use crate::functions;
use crate::site::{Snapshot, Tables};

const CATALOG: &str = "althing";
const SCHEMA: &str = "site";

/// The context of one statement over one snapshot.
fn context(
    limits: &Limits,
    runtime: &Arc<RuntimeEnv>,
    snapshot: &Arc<Snapshot>,
) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new()
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_information_schema(true)
        .with_target_partitions(limits.threads);
    config.options_mut().sql_parser.collect_spans = true;
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::clone(runtime))
        .with_default_features()
        .build();
    let context = SessionContext::new_with_state(state);
    functions::register(&context);
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, Arc::new(Tables(Arc::clone(snapshot))))?;
    context.register_catalog(CATALOG, Arc::new(catalog));
    Ok(context)
}

/// Plans `sql`, or says why it cannot be run.
pub(crate) async fn plan(
    sql: &str,
    (limits, runtime): (&Limits, &Arc<RuntimeEnv>),
    snapshot: &Arc<Snapshot>,
) -> Result<DataFrame, QueryFault> {
    let fault = |fault: DataFusionError| QueryFault::of(&fault, || snapshot.table_names());
    if sql.trim().trim_end_matches(';').trim().is_empty() {
        return Err(QueryFault::new(Code::Invalid, "There is no statement.", "Try SHOW TABLES."));
    }
    let context = context(limits, runtime, snapshot).map_err(fault)?;
    let state = context.state();
    let dialect = state.config_options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect).map_err(fault)?;
    refuse_writes(&statement)?;
    let plan = state.statement_to_plan(statement).await.map_err(fault)?;
    let reads =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    if reads.verify_plan(&plan).is_err() || matches!(plan, LogicalPlan::Copy(_)) {
        return Err(QueryFault::read_only());
    }
    context.execute_logical_plan(plan).await.map_err(fault)
}

/// Before planning, so that a statement that writes is told so whatever its tables.
#[expect(clippy::wildcard_enum_match_arm, reason = "only what is named here reads")]
fn refuse_writes(statement: &datafusion::sql::parser::Statement) -> Result<(), QueryFault> {
    use datafusion::sql::parser::Statement;
    use datafusion::sql::sqlparser::ast::Statement as Sql;
    match statement {
        Statement::Explain(explain) => refuse_writes(&explain.statement),
        Statement::Statement(sql) => match &**sql {
            Sql::Query(_)
            | Sql::ExplainTable { .. }
            | Sql::ShowTables { .. }
            | Sql::ShowColumns { .. }
            | Sql::ShowFunctions { .. }
            | Sql::ShowVariable { .. } => Ok(()),
            Sql::Explain { statement, .. } => {
                refuse_writes(&Statement::Statement(statement.clone()))
            }
            _ => Err(QueryFault::read_only()),
        },
        _ => Err(QueryFault::read_only()),
    }
}
