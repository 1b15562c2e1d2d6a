//! One statement at work, on a query thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::execute_stream;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;

use super::{Limits, Part};
use crate::fault::{Code, QueryFault};
use crate::site::Snapshot;
use crate::statement::{self, Contexts, Plan, Text};

/// How long a reader may take over two batches before its statement ends: a phone on a slow line
/// gets 8,192 rows in less.
const READER_PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Work {
    pub(super) text: Text,
    pub(super) limits: Limits,
    pub(super) contexts: Arc<Contexts>,
    pub(super) snapshot: Arc<Snapshot>,
}

/// What a statement begins with.
pub(super) struct Begun {
    pub(super) schema: SchemaRef,
    /// The first rows, and the end if there are no more: one message for a short answer, since each
    /// wakes a thread.
    pub(super) parts: VecDeque<Part>,
}

type Began = oneshot::Sender<Result<Begun, QueryFault>>;

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
    let (begun, stream) = match begin(&work, &mut left).await {
        Ok((begun, stream)) => (Ok(begun), stream),
        Err(fault) => (Err(fault), None),
    };
    let Some(stream) = stream else {
        drop(place);
        // Nobody waits any more when this fails.
        if began.send(begun).is_err() {
            tracing::debug!("the author of a statement went away");
        }
        return;
    };
    if began.send(begun).is_err() {
        return;
    }
    if let Some(last) = give(&work, stream, left, &parts).await {
        drop(place);
        send(&parts, last).await;
    }
}

/// Plans and starts; gives back the stream as well if more may come of it.
async fn begin(
    work: &Work,
    left: &mut Left,
) -> Result<(Begun, Option<SendableRecordBatchStream>), QueryFault> {
    let started = left.spend(start(work)).await;
    let (mut stream, little) = started.unwrap_or_else(|| Err(too_long(work.limits.time)))?;
    let schema = stream.schema();
    let mut parts = VecDeque::from([next(work, &mut stream, left).await]);
    // Rows that fill no batch are mostly all there are, and of little work that is known at once.
    let batch = work.contexts.state().config().batch_size();
    if little
        && matches!(parts.back(), Some(Part::Rows(rows)) if rows.num_rows() < batch)
        && let Some(second) = next(work, &mut stream, left).now_or_never()
    {
        // Nobody has seen the rows of a statement that fails.
        if matches!(second, Part::Fault(_)) {
            parts.clear();
        }
        parts.push_back(second);
    }
    let more = matches!(parts.back(), Some(Part::Rows(_)));
    Ok((Begun { schema, parts }, more.then_some(stream)))
}

/// Sends all rows; gives back the last word, or nothing when nobody listens.
async fn give(
    work: &Work,
    mut stream: SendableRecordBatchStream,
    mut left: Left,
    parts: &mpsc::Sender<Part>,
) -> Option<Part> {
    loop {
        match next(work, &mut stream, &mut left).await {
            rows @ Part::Rows(_) => {
                if !send(parts, rows).await {
                    return None;
                }
            }
            last @ (Part::Fault(_) | Part::End) => return Some(last),
        }
    }
}

/// What comes next; after anything but rows there is nothing more.
async fn next(work: &Work, stream: &mut SendableRecordBatchStream, left: &mut Left) -> Part {
    match left.spend(stream.next()).await {
        None => Part::Fault(too_long(work.limits.time)),
        Some(None) => Part::End,
        Some(Some(Err(fault))) => Part::Fault(told(work, &fault)),
        Some(Some(Ok(batch))) => Part::Rows(batch),
    }
}

async fn send(parts: &mpsc::Sender<Part>, part: Part) -> bool {
    matches!(timeout(READER_PATIENCE, parts.send(part)).await, Ok(Ok(())))
}

/// The rows, and whether they are little work.
async fn start(work: &Work) -> Result<(SendableRecordBatchStream, bool), QueryFault> {
    let Plan { root, task, little } =
        statement::plan(&work.text, &work.contexts, &work.snapshot).await?;
    let stream = execute_stream(root, task).map_err(|fault| told(work, &fault))?;
    Ok((stream, little))
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
        let longest = self.span;
        let _spending = Spending { begin: Instant::now(), left: self };
        timeout(longest, work).await.ok()
    }
}

/// Charges the time also of what is given up.
struct Spending<'a> {
    begin: Instant,
    left: &'a mut Left,
}

impl Drop for Spending<'_> {
    #[expect(clippy::disallowed_methods, reason = "as in `Left::spend`")]
    fn drop(&mut self) {
        self.left.span = self.left.span.saturating_sub(self.begin.elapsed());
    }
}
