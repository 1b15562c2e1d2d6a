//! From text to a plan that only reads.

mod contexts;
mod kept;
pub(crate) mod shape;
mod steps;

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::MemTable;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, ParamValues};
use datafusion::datasource::source_as_provider;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;

use crate::fault::{Code, QueryFault};
use crate::postgres::{self, Statement};
use crate::site::{Snapshot, Tables};
use crate::table::{self, latest::LastValues, whole::Whole};
pub(crate) use contexts::{CATALOG, Contexts, SCHEMA};
use kept::{Known, Words};

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

/// What can be executed.
pub(crate) struct Plan {
    pub(crate) root: Arc<dyn ExecutionPlan>,
    pub(crate) task: Arc<TaskContext>,
    /// Of little work in memory, for one thread.
    pub(crate) little: bool,
}

/// Plans a statement, or says why it cannot be run.
pub(crate) async fn plan(
    text: &Text,
    contexts: &Contexts,
    snapshot: &Arc<Snapshot>,
) -> Result<Plan, QueryFault> {
    let fault = |fault: DataFusionError| QueryFault::of(&fault, || snapshot.table_names());
    let words = Words::of(text);
    if let Some(known) = words.as_ref().and_then(|words| contexts.kept.get(words))
        && let Some(Made { root, little }) =
            plan_known(&known, contexts, snapshot).await.map_err(fault)?
    {
        return Ok(Plan { root, task: contexts.task(), little });
    }
    let (context, plan) = match text {
        Text::Site(sql) => plan_site(sql, contexts, snapshot).await?,
        Text::Postgres(statement, values) => {
            let (context, plan) = plan_postgres(statement, contexts, snapshot).await?;
            (context, plan.with_param_values(values.clone()).map_err(fault)?)
        }
    };
    let optimized = context.state().optimize(&plan).map_err(fault)?;
    let made = physical(contexts, snapshot, &optimized).await.map_err(fault)?;
    if let Some(words) = words.filter(|_| kept::is_timeless(&plan))
        && let Some(known) = contexts.kept.put(words, &optimized)
    {
        made.keep(&known);
    }
    Ok(Plan { root: made.root, task: context.task_ctx(), little: made.little })
}

/// `None` when a table has other columns than the plan.
async fn plan_known(
    known: &Known,
    contexts: &Contexts,
    snapshot: &Arc<Snapshot>,
) -> Result<Option<Made>, DataFusionError> {
    if let Some(root) = known.physical(snapshot)? {
        return Ok(Some(Made { root, little: true }));
    }
    let tables = Tables(Arc::clone(snapshot));
    let Some(optimized) = known.logical(&tables)? else { return Ok(None) };
    let made = physical(contexts, snapshot, &optimized).await?;
    made.keep(known);
    Ok(Some(made))
}

/// A physical plan as it was made.
struct Made {
    root: Arc<dyn ExecutionPlan>,
    little: bool,
}

impl Made {
    /// What cannot be kept is planned each time.
    fn keep(&self, known: &Known) {
        if self.little
            && let Err(fault) = known.put_physical(&self.root)
        {
            tracing::debug!(%fault, "a plan is not kept");
        }
    }
}

async fn physical(
    contexts: &Contexts,
    snapshot: &Snapshot,
    optimized: &LogicalPlan,
) -> Result<Made, DataFusionError> {
    let little = is_little(snapshot) && reads_memory_only(optimized);
    let state = if little { contexts.on_one_thread() } else { contexts.state() };
    let root = state.query_planner().create_physical_plan(optimized, state).await?;
    Ok(Made { root, little })
}

/// Whether a second thread costs more than it helps with what is in memory.
fn is_little(snapshot: &Snapshot) -> bool {
    snapshot.names.num_rows() <= table::ROWS_FOR_ONE
}

/// Whether it is about what is known of devices now, not about history.
fn reads_memory_only(plan: &LogicalPlan) -> bool {
    let mut memory = true;
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let provider = source_as_provider(&scan.source)?;
            let provider: &dyn Any = &*provider;
            memory &=
                provider.is::<LastValues>() || provider.is::<Whole>() || provider.is::<MemTable>();
        }
        Ok(TreeNodeRecursion::Continue)
    });
    memory && walked.is_ok()
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
