//! The tables, one module each.

pub(crate) mod completeness;
pub(crate) mod devices;
pub(crate) mod labels;
pub(crate) mod latest;
pub(crate) mod messages;
pub(crate) mod readings;
pub(crate) mod wide;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::DataFusionError;
use history::{Outlook, Scan};
use model::Timestamp;

use crate::site::Snapshot;

pub(crate) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

pub(crate) fn times(millis: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from_iter(millis).with_timezone("UTC"))
}

/// What a scan of history has before it, for EXPLAIN.
pub(crate) fn outlook(snapshot: &Snapshot, scan: &Scan) -> String {
    let Outlook { files, files_all, bytes, hot_rows } = snapshot.view.outlook(scan);
    let all = snapshot.view.series_count();
    let series = scan.series.as_ref().map_or(all, Vec::len);
    let bound = |time: Option<Timestamp>| {
        let time = time.and_then(|time| jiff::Timestamp::from_microsecond(time.micros()).ok());
        time.map_or_else(|| "any".to_owned(), |time| time.to_string())
    };
    let (from, to) = (bound(scan.from), bound(scan.to));
    format!(
        "series={series} of {all}, from={from}, to={to}, files={files} of {files_all} \
         ({bytes} bytes), rows in memory={hot_rows}"
    )
}

pub(crate) fn unreadable(fault: history::ReadFault) -> DataFusionError {
    DataFusionError::External(Box::new(fault))
}

pub(crate) fn schema(columns: &[(&str, DataType, bool)]) -> SchemaRef {
    let field = |(name, kind, nullable): &(&str, DataType, bool)| {
        Field::new(*name, kind.clone(), *nullable)
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// A table that is small enough to be made whole.
fn whole(
    schema: SchemaRef,
    columns: Vec<ArrayRef>,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}
