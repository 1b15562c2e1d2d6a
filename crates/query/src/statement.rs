//! From text to a plan that only reads.

mod contexts;
pub(crate) mod shape;

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{DataFusionError, ParamValues};
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;

use crate::fault::{Code, QueryFault};
use crate::postgres::{self, Statement};
use crate::site::Snapshot;
pub(crate) use contexts::{CATALOG, Contexts, SCHEMA};

/// What is to be run.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Site(String),
    /// Of a `PostgreSQL` client, with the values of its parameters.
    Postgres(Arc<Statement>, ParamValues),
}

/// A statement whose columns and parameters are known. Holds no rows: each run sees its own moment.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) statement: Arc<Statement>,
    schema: SchemaRef,
    parameters: Vec<Parameter>,
}

impl Prepared {
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// `$1` and so on, in their order.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// `None` where the statement does not say.
    pub kind: Option<DataType>,
    /// The number of a row of `pg_catalog`, although `kind` is an integer.
    pub is_oid: bool,
}

/// Plans a statement, or says why it cannot be run.
pub(crate) async fn plan(
    text: &Text,
    contexts: &Contexts,
    snapshot: &Arc<Snapshot>,
) -> Result<DataFrame, QueryFault> {
    let fault = |fault: DataFusionError| QueryFault::of(&fault, || snapshot.table_names());
    let (context, plan) = match text {
        Text::Site(sql) => plan_site(sql, contexts, snapshot).await?,
        Text::Postgres(statement, values) => {
            let (context, plan) = plan_postgres(statement, contexts, snapshot).await?;
            (context, plan.with_param_values(values.clone()).map_err(fault)?)
        }
    };
    context.execute_logical_plan(plan).await.map_err(fault)
}

/// Plans a statement without running it.
pub(crate) async fn prepare(
    statement: Statement,
    contexts: &Contexts,
    snapshot: &Arc<Snapshot>,
) -> Result<Prepared, QueryFault> {
    let (_context, plan) = plan_postgres(&statement, contexts, snapshot).await?;
    let fault = |fault: DataFusionError| QueryFault::of(&fault, || snapshot.table_names());
    let parameters = postgres::parameters(&plan).map_err(fault)?;
    let schema = Arc::clone(plan.schema().inner());
    Ok(Prepared { statement: Arc::new(statement), schema, parameters })
}

async fn plan_site(
    sql: &str,
    contexts: &Contexts,
    snapshot: &Arc<Snapshot>,
) -> Result<(SessionContext, LogicalPlan), QueryFault> {
    let fault = |fault: DataFusionError| QueryFault::of(&fault, || snapshot.table_names());
    if sql.trim().trim_end_matches(';').trim().is_empty() {
        return Err(QueryFault::new(Code::Invalid, "There is no statement.", "Try SHOW TABLES."));
    }
    shape::check(sql)?;
    let context = contexts.site(snapshot).map_err(fault)?;
    let state = context.state();
    let dialect = state.config_options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect).map_err(fault)?;
    refuse_writes(&statement)?;
    let plan = state.statement_to_plan(statement).await.map_err(fault)?;
    reads_only(&plan)?;
    Ok((context, plan))
}

async fn plan_postgres(
    statement: &Statement,
    contexts: &Contexts,
    snapshot: &Arc<Snapshot>,
) -> Result<(SessionContext, LogicalPlan), QueryFault> {
    use datafusion::sql::parser::Statement as Parsed;
    let fault = |fault: DataFusionError| QueryFault::of(&fault, || snapshot.table_names());
    let context = contexts.postgres(snapshot).map_err(fault)?;
    let parsed = Parsed::Statement(Box::new(statement.parsed().clone()));
    refuse_writes(&parsed)?;
    let plan = context.state().statement_to_plan(parsed).await.map_err(fault)?;
    reads_only(&plan)?;
    Ok((context, plan))
}

fn reads_only(plan: &LogicalPlan) -> Result<(), QueryFault> {
    let reads =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    if reads.verify_plan(plan).is_err() || matches!(plan, LogicalPlan::Copy(_)) {
        return Err(QueryFault::read_only());
    }
    Ok(())
}

/// Before planning, so that a statement that writes is told so whatever its tables.
#[expect(clippy::wildcard_enum_match_arm, reason = "only what is named here reads")]
fn refuse_writes(statement: &datafusion::sql::parser::Statement) -> Result<(), QueryFault> {
    use datafusion::sql::parser::Statement;
    match statement {
        Statement::Explain(explain) => refuse_writes(&explain.statement),
        Statement::Statement(sql) if postgres::reads(sql) => Ok(()),
        _ => Err(QueryFault::read_only()),
    }
}
