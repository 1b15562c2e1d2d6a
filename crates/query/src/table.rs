//! The tables, one module each.

pub(crate) mod completeness;
pub(crate) mod devices;
pub(crate) mod hours;
pub(crate) mod labels;
pub(crate) mod latest;
pub(crate) mod messages;
pub(crate) mod readings;
pub(crate) mod whole;
pub(crate) mod wide;

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::Session;
use datafusion::common::DataFusionError;
use history::{HoursScan, Outlook, Scan};
use model::Timestamp;

use crate::site::Snapshot;
use crate::source::Size;

pub(crate) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

pub(crate) fn times(millis: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from_iter(millis).with_timezone("UTC"))
}

/// What a scan has before it.
pub(crate) struct Forecast {
    /// For EXPLAIN.
    pub(crate) told: String,
    pub(crate) size: Size,
}

/// Bytes that a reading takes on disk, and an hour: as measured of many kinds of devices.
const READING_BYTES: u64 = 3;
const HOUR_BYTES: u64 = 14;

pub(crate) fn forecast(snapshot: &Snapshot, scan: &Scan) -> Forecast {
    Forecast::new(snapshot, scan, (snapshot.view.outlook(scan), READING_BYTES))
}

pub(crate) fn forecast_of_hours(snapshot: &Snapshot, scan: &HoursScan) -> Forecast {
    let outlook = snapshot.view.outlook_of_hours(scan);
    let (series, from, to) = (scan.series.clone(), scan.from, scan.to);
    let alike = Scan { series, from, to, ..Scan::default() };
    let Forecast { told, size } = Forecast::new(snapshot, &alike, (outlook, HOUR_BYTES));
    Forecast { told: format!("hours, {told}"), size }
}

impl Forecast {
    fn new(snapshot: &Snapshot, scan: &Scan, (outlook, row_bytes): (Outlook, u64)) -> Self {
        let Outlook { files, files_all, bytes, hot_rows } = outlook;
        let all = snapshot.view.series_count();
        let series = scan.series.as_ref().map_or(all, Vec::len);
        let bound = |time: Option<Timestamp>| {
            let time = time.and_then(|time| jiff::Timestamp::from_microsecond(time.micros()).ok());
            time.map_or_else(|| "any".to_owned(), |time| time.to_string())
        };
        let (from, to) = (bound(scan.from), bound(scan.to));
        let told = format!(
            "series={series} of {all}, from={from}, to={to}, files={files} of {files_all} \
             ({bytes} bytes), rows in memory={hot_rows}"
        );
        let cold_rows = usize::try_from(bytes / row_bytes).unwrap_or(usize::MAX);
        let rows = cold_rows.saturating_add(hot_rows).saturating_mul(series) / all.max(1);
        Self { told, size: Size { rows, series, exact: false } }
    }
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
