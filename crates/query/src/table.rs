//! The tables, one module each.

pub(crate) mod completeness;
pub(crate) mod devices;
pub(crate) mod hours;
pub(crate) mod labels;
pub(crate) mod latest;
pub(crate) mod messages;
pub(crate) mod readings;
pub(crate) mod wide;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::common::DataFusionError;
use history::{HoursScan, Outlook, Scan};
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
    described(snapshot, scan, snapshot.view.outlook(scan))
}

pub(crate) fn outlook_of_hours(snapshot: &Snapshot, scan: &HoursScan) -> String {
    let outlook = snapshot.view.outlook_of_hours(scan);
    let (series, from, to) = (scan.series.clone(), scan.from, scan.to);
    let told = described(snapshot, &Scan { series, from, to, ..Scan::default() }, outlook);
    format!("hours, {told}")
}

fn described(snapshot: &Snapshot, scan: &Scan, outlook: Outlook) -> String {
    let Outlook { files, files_all, bytes, hot_rows } = outlook;
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

/// Rows under which a second thread costs more than it helps.
pub(crate) const ROWS_FOR_ONE: usize = 65_536;

/// How many threads a scan of history is worth.
pub(crate) fn shares(session: &dyn Session, snapshot: &Snapshot, scan: &Scan) -> usize {
    let Outlook { files, hot_rows, .. } = snapshot.view.outlook(scan);
    let threads = session.config().target_partitions();
    if files == 0 && hot_rows <= ROWS_FOR_ONE { 1 } else { threads.max(1) }
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
