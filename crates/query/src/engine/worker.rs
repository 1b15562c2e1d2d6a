//! One statement at work, on a query thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::execute_stream;
use futures::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;

use super::{Limits, Part};
use crate::fault::{Code, QueryFault};
use crate::site::Snapshot;
use crate::statement::{self, Contexts, Text};

/// How long a reader may take over two batches before its statement ends: a phone on a slow line
/// gets 8,192 rows in less.
const READER_PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Work {
    pub(super) text: Text,
    pub(super) limits: Limits,
    pub(super) contexts: Arc<Contexts>,
    pub(super) snapshot: Arc<Snapshot>,
}

type Began = oneshot::Sender<Result<SchemaRef, QueryFault>>;

pub(super) fn too_long(limit: Duration) -> QueryFault {
    QueryFault::new(
        Code::Time,
        format!("Stopped after {} s. Nothing was changed.", limit.as_secs_f64()),
        "Narrow the time or the devices.",
    )
}

/// The place of the statement is free before its last word is out: who has heard it may ask again.
pub(super) async fn run(
    work: Work,
    place: OwnedSemaphorePermit,
    began: Began,
    parts: mpsc::Sender<Part>,
) {
    let mut left = Left { span: work.limits.time };
    let started = left.spend(start(&work)).await.unwrap_or_else(|| Err(too_long(work.limits.time)));
    let stream = match started {
        Ok(stream) => stream,
        Err(fault) => {
            drop(place);
            // Nobody waits any more when this fails.
            if began.send(Err(fault)).is_err() {
                tracing::debug!("the author of a statement went away");
            }
            return;
        }
    };
    if began.send(Ok(stream.schema())).is_err() {
        return;
    }
    if let Some(last) = give(&work, stream, left, &parts).await {
        drop(place);
        send(&parts, last).await;
    }
}

/// Sends all rows; gives back the last word, or nothing when nobody listens.
async fn give(
    work: &Work,
    mut stream: SendableRecordBatchStream,
    mut left: Left,
    parts: &mpsc::Sender<Part>,
) -> Option<Part> {
    loop {
        match left.spend(stream.next()).await {
            None => return Some(Part::Fault(too_long(work.limits.time))),
            Some(None) => return Some(Part::End),
            Some(Some(Err(fault))) => return Some(Part::Fault(told(work, &fault))),
            Some(Some(Ok(batch))) => {
                if !send(parts, Part::Rows(batch)).await {
                    return None;
                }
            }
        }
    }
}

async fn send(parts: &mpsc::Sender<Part>, part: Part) -> bool {
    matches!(timeout(READER_PATIENCE, parts.send(part)).await, Ok(Ok(())))
}

async fn start(work: &Work) -> Result<SendableRecordBatchStream, QueryFault> {
    let plan = statement::plan(&work.text, &work.contexts, &work.snapshot).await?;
    execute_stream(plan.root, plan.task).map_err(|fault| told(work, &fault))
}

fn told(work: &Work, fault: &DataFusionError) -> QueryFault {
    QueryFault::of(fault, || work.snapshot.table_names())
}

/// The time a statement may still work.
struct Left {
    span: Duration,
}

impl Left {
    #[expect(
        clippy::disallowed_methods,
        reason = "a limit of real time, in the engine's own shell"
    )]
    async fn spend<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let begin = Instant::now();
        let done = timeout(self.span, work).await.ok();
        self.span = self.span.saturating_sub(begin.elapsed());
        done
    }
}
