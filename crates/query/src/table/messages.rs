//! `messages`: what came over the wire, as long as the journal keeps it.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt8Array, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use model::{Position, Timestamp};

use crate::catalog::{MessageRow, MessageScan, Messages};
use crate::prune::Span;
use crate::site::Snapshot;
use crate::source::{self, Batches, Outline};
use crate::table;

/// Rows of one batch, and the bytes of payload that end it earlier: 4 MiB is what sixteen of the
/// largest usual payloads (256 KiB) hold.
const BATCH_ROWS: usize = 1_024;
const BATCH_BYTES: usize = 4 << 20;

pub(crate) fn schema() -> SchemaRef {
    table::schema(&[
        ("time", table::time_type(), false),
        ("position", DataType::UInt64, false),
        ("client", DataType::Utf8View, false),
        ("topic", DataType::Utf8View, false),
        ("payload", DataType::Utf8View, false),
        ("qos", DataType::UInt8, false),
        ("retained", DataType::Boolean, false),
    ])
}

#[derive(Debug)]
pub(crate) struct MessageTable(pub(crate) Arc<Snapshot>);

#[async_trait]
impl TableProvider for MessageTable {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let every: Vec<usize> = (0..schema().fields().len()).collect();
        let wanted = projection.cloned().unwrap_or(every);
        let schema = Arc::new(schema().project(&wanted)?);
        let span = Span::of(filters);
        let scan = MessageScan {
            first: Position::new(1),
            last: self.0.view.position(),
            from: span.from.map(Timestamp::from_millis),
            to: span.to.map(Timestamp::from_millis),
        };
        let snapshot = Arc::clone(&self.0);
        let told = format!("messages of the journal, positions {} to {}", scan.first, scan.last);
        let outline = Outline { schema, limit, told, shares: 1, size: None };
        Ok(source::plan(outline, move |_context, _share| {
            let messages = snapshot.catalog.messages(scan);
            let wanted = wanted.clone();
            let batches: Batches =
                Box::new(Chunks(messages).map(move |batch| Ok(batch?.project(&wanted)?)));
            Ok(batches)
        }))
    }
}

struct Chunks(Messages);

impl Iterator for Chunks {
    type Item = Result<RecordBatch, DataFusionError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut rows = Vec::new();
        let mut bytes = 0;
        while rows.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            match self.0.next() {
                Some(Ok(row)) => {
                    bytes += row.payload.len();
                    rows.push(row);
                }
                Some(Err(fault)) => return Some(Err(DataFusionError::External(Box::new(fault)))),
                None if rows.is_empty() => return None,
                None => break,
            }
        }
        Some(batch(&rows))
    }
}

fn batch(rows: &[MessageRow]) -> Result<RecordBatch, DataFusionError> {
    let view = |texts: StringArray| cast(&texts, &DataType::Utf8View);
    let client = StringArray::from_iter_values(rows.iter().map(|row| &row.client));
    let topic = StringArray::from_iter_values(rows.iter().map(|row| &row.topic));
    let payload = StringArray::from_iter_values(rows.iter().map(|row| shown(&row.payload)));
    let position = rows.iter().map(|row| row.position.get());
    let columns: Vec<ArrayRef> = vec![
        table::times(rows.iter().map(|row| Some(row.time.millis()))),
        Arc::new(UInt64Array::from_iter_values(position)),
        view(client)?,
        view(topic)?,
        view(payload)?,
        Arc::new(UInt8Array::from_iter_values(rows.iter().map(|row| row.qos.bits()))),
        Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(row.retained)))),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}

/// Text as it is; anything else as `\x` and hexadecimal digits.
fn shown(payload: &[u8]) -> String {
    match std::str::from_utf8(payload) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        _ => payload.iter().fold("\\x".to_owned(), |mut text, byte| {
            // Writing into a String does not fail.
            write!(text, "{byte:02x}").unwrap_or_default();
            text
        }),
    }
}
