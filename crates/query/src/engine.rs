//! Runs statements: on threads of its own, within limits, each alone.

mod worker;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::ParamValues;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use history::Reader;
use model::{Horizon, Position};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::catalog::Catalog;
use crate::fault::{Code, QueryFault};
use crate::names::NameCache;
use crate::postgres::{self, Command, Statement};
use crate::site::{Site, Snapshot};
use crate::statement::{self, Contexts, Prepared, Text};
use worker::Begun;

/// Stack of a query thread: plans of deep statements are walked by recursion.
const STACK_BYTES: usize = 16 << 20;
/// The nice value of query threads: broker and commit go first.
const NICE: i32 = 10;
/// How long after its time a statement that does not yield is given up by who waits for it.
const GRACE: Duration = Duration::from_secs(1);

/// What statements may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest that a statement may work; the time its reader takes does not count.
    pub time: Duration,
    /// Most memory for sorting and grouping, all statements together.
    pub memory_bytes: usize,
    /// Statements at the same time.
    pub concurrent: usize,
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(10), memory_bytes: 256 << 20, concurrent: 8, threads: 2 }
    }
}

/// Answers SQL. Shared by console, HTTP and whoever else asks.
#[derive(Debug)]
pub struct Engine {
    site: Arc<Site>,
    limits: Limits,
    runtime: Option<Runtime>,
    contexts: Arc<Contexts>,
    running: Arc<Semaphore>,
}

impl Engine {
    /// # Errors
    /// When its threads cannot be started.
    pub fn new(
        reader: Reader,
        horizon: Arc<Horizon>,
        catalog: Arc<dyn Catalog>,
        limits: Limits,
    ) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(limits.threads.max(1))
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .on_thread_start(|| {
                if let Err(error) = rustix::process::nice(NICE) {
                    tracing::warn!(%error, "query threads run at normal priority");
                }
            })
            .enable_time()
            .build()?;
        let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
        let memory = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory_bytes)))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(std::io::Error::other)?;
        let (names, work) = (NameCache::default(), Arc::default());
        let (labels, days) = (Arc::default(), Arc::default());
        let site = Arc::new(Site { reader, horizon, catalog, names, labels, days, work });
        let contexts = Contexts::new((limits.threads, memory), &site);
        Ok(Self {
            running: Arc::new(Semaphore::new(limits.concurrent)),
            contexts: Arc::new(contexts),
            site,
            limits,
            runtime: Some(runtime),
        })
    }

    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Rows that all statements so far took out of history.
    #[must_use]
    pub fn rows_read(&self) -> u64 {
        self.site.work.rows()
    }

    /// Plans and starts one statement; its first rows are there then. To be called within a tokio
    /// runtime that has a timer.
    ///
    /// # Errors
    /// When it cannot be run, or too many run already.
    pub async fn run(&self, sql: &str) -> Result<Answer, QueryFault> {
        let Ok(place) = Arc::clone(&self.running).try_acquire_owned() else {
            return Err(self.busy());
        };
        self.start(Text::Site(sql.to_owned()), place).await
    }

    /// The statements of a text of a `PostgreSQL` client, on a query thread.
    ///
    /// # Errors
    /// As `postgres::parse`, and when it does not end in time.
    pub async fn parse(&self, sql: &str) -> Result<Vec<Command>, QueryFault> {
        let sql = sql.to_owned();
        self.on_thread(async move { postgres::parse(&sql) }).await
    }

    /// Work that is bounded and gives no rows. It waits for a place among the statements.
    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, QueryFault>> + Send + 'static,
    ) -> Result<T, QueryFault> {
        let Some(runtime) = &self.runtime else { return Err(QueryFault::internal()) };
        let place = self.place().await?;
        let task = runtime.handle().spawn(work);
        let guard = Guard(task.abort_handle());
        let outcome = tokio::time::timeout(self.limits.time, task).await;
        drop((guard, place));
        match outcome {
            Ok(Ok(done)) => done,
            Ok(Err(_panicked)) => Err(QueryFault::internal()),
            Err(_elapsed) => Err(worker::too_long(self.limits.time)),
        }
    }

    /// A place among the statements, which is waited for.
    async fn place(&self) -> Result<OwnedSemaphorePermit, QueryFault> {
        let running = Arc::clone(&self.running).acquire_owned();
        match tokio::time::timeout(self.limits.time, running).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(self.busy()),
        }
    }

    fn busy(&self) -> QueryFault {
        QueryFault::new(
            Code::Busy,
            format!("{} statements run already.", self.limits.concurrent),
            "Try again in a moment.",
        )
    }

    /// Starts a statement that `prepare` made, with a value for each of its parameters.
    ///
    /// # Errors
    /// As `run`.
    pub async fn run_prepared(
        &self,
        prepared: &Prepared,
        values: ParamValues,
    ) -> Result<Answer, QueryFault> {
        let place = self.place().await?;
        self.start(Text::Postgres(Arc::clone(&prepared.statement), values), place).await
    }

    /// Plans a statement of a `PostgreSQL` client, so that its columns and parameters are known.
    ///
    /// # Errors
    /// When it cannot be planned.
    pub async fn prepare(&self, statement: Statement) -> Result<Prepared, QueryFault> {
        let (contexts, snapshot) = (Arc::clone(&self.contexts), Arc::new(self.snapshot()));
        self.on_thread(async move { statement::prepare(statement, &contexts, &snapshot).await })
            .await
    }

    async fn start(&self, text: Text, permit: OwnedSemaphorePermit) -> Result<Answer, QueryFault> {
        let Some(runtime) = &self.runtime else { return Err(QueryFault::internal()) };
        let (began, begins) = oneshot::channel();
        let (batches, rows) = mpsc::channel(2);
        let snapshot = Arc::new(self.snapshot());
        let position = snapshot.view.position();
        let work = worker::Work {
            text,
            limits: self.limits.clone(),
            contexts: Arc::clone(&self.contexts),
            snapshot,
        };
        let task = runtime.handle().spawn(async move {
            worker::run(work, permit, began, batches).await;
        });
        let guard = Guard(task.abort_handle());
        let patience = self.limits.time + GRACE;
        let Begun { schema, parts } = match tokio::time::timeout(patience, begins).await {
            Ok(Ok(begun)) => begun?,
            Ok(Err(_closed)) => return Err(QueryFault::internal()),
            Err(_elapsed) => return Err(worker::too_long(self.limits.time)),
        };
        let limit = self.limits.time;
        Ok(Answer { schema, position, parts, rows, limit, guard, ended: false })
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.site.snapshot()
    }
}

impl Drop for Engine {
    /// An engine may be dropped where blocking is not allowed; its threads end by themselves.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[derive(Debug)]
struct Guard(AbortHandle);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug)]
enum Part {
    Rows(RecordBatch),
    Fault(QueryFault),
    End,
}

/// The rows of a statement while they come. Dropping it ends the statement.
#[derive(Debug)]
pub struct Answer {
    schema: SchemaRef,
    position: Position,
    /// What came with its beginning.
    parts: VecDeque<Part>,
    rows: mpsc::Receiver<Part>,
    limit: Duration,
    guard: Guard,
    ended: bool,
}

impl Answer {
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The journal position whose readings, and none after it, this answer is about.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Whether it is known that no more rows come than were given.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ended || matches!(self.parts.front(), Some(Part::End))
    }

    /// The next rows; `None` only when all have been given.
    ///
    /// # Errors
    /// When the statement ended before its answer was complete.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryFault> {
        if self.ended {
            return Ok(None);
        }
        let part = match self.parts.pop_front() {
            Some(part) => Ok(Some(part)),
            None => tokio::time::timeout(self.limit + GRACE, self.rows.recv()).await,
        };
        let fault = match part {
            Ok(Some(Part::Rows(batch))) => return Ok(Some(batch)),
            Ok(Some(Part::End)) => None,
            Ok(Some(Part::Fault(fault))) => Some(fault),
            // The worker went without a last word: it panicked.
            Ok(None) => Some(QueryFault::internal()),
            Err(_elapsed) => Some(worker::too_long(self.limit)),
        };
        self.ended = true;
        self.guard.0.abort();
        fault.map_or(Ok(None), Err)
    }
}

#[cfg(test)]
mod tests;
