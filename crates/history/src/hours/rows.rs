//! Reading the hours: only what can hold what is wanted, as with readings.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::ScalarBuffer;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, SchemaRef, TimestampMillisecondType};
use model::Timestamp;

use crate::cold::{FileScan, Shelf, Want};
use crate::fault::ReadFault;
use crate::file::ColdFile;
use crate::folder::Folder;
use crate::hours::DayHours;
use crate::hours::schema::{hour, hours_schema, stored_column};
use crate::output::Output;
use crate::part::stored;
use crate::reader::{Outlook, View};
use crate::scan::{Filter, Scan};
use crate::series::SeriesId;

/// Which hours, and which columns of them. The default asks for everything.
#[derive(Clone, Debug, Default)]
pub struct HoursScan {
    /// `None` for all.
    pub series: Option<Vec<SeriesId>>,
    /// Hours that begin at this time or later.
    pub from: Option<Timestamp>,
    /// Hours that begin before this time.
    pub to: Option<Timestamp>,
    /// Indexes into `hours_schema()`, in the order wanted; `None` for all.
    pub columns: Option<Vec<usize>>,
    /// Only those that stand for the readings of their day: without hours of readings that left.
    pub only_usable: bool,
}

impl View {
    /// The batches that hold what `scan` asks for: each (series, hour) once. No order is promised
    /// but that the hours of one series in one day come in theirs, those of readings that left last.
    ///
    /// # Errors
    /// When a wanted column does not exist.
    pub fn scan_hours(&self, scan: &HoursScan) -> Result<HourRows, ReadFault> {
        let usable = scan.only_usable.then(|| {
            let days = self.by_folder().into_iter();
            let usable = days.filter(|(_, day)| day.hours == Some(DayHours::Usable));
            usable.map(|(folder, _)| folder).collect::<BTreeSet<Folder>>()
        });
        let stands = |file: &ColdFile, days: &BTreeSet<Folder>| {
            !file.is_carried() && days.contains(&file.key.folder)
        };
        let among = |file: &ColdFile| usable.as_ref().is_none_or(|days| stands(file, days));
        self.scan_hours_of(scan, among)
    }

    /// What a scan of hours has before it, as far as it is known without reading.
    #[must_use]
    pub fn outlook_of_hours(&self, scan: &HoursScan) -> Outlook {
        let (from, to) = (scan.from, scan.to);
        let filter = Filter::new(&Scan { from, to, ..Scan::default() }, 0);
        let touched = |file: &&Arc<ColdFile>| filter.touches(file.time_min, file.time_max);
        let files = || self.hours.files.iter().filter(touched);
        Outlook {
            files: files().count(),
            files_all: self.hours.files.len(),
            bytes: files().map(|file| file.bytes).sum(),
            hot_rows: 0,
        }
    }

    /// As `scan_hours`, of the files that `among` lets pass.
    pub(crate) fn scan_hours_of(
        &self,
        scan: &HoursScan,
        among: impl Fn(&ColdFile) -> bool,
    ) -> Result<HourRows, ReadFault> {
        let names = self.shared.series_mut().names();
        let output = Output::over(&hours_schema(), scan.columns.as_deref(), names)?;
        let columns = scan.columns.clone().unwrap_or_else(|| (0..hour::COUNT).collect());
        let mut stored = vec![stored::SERIES, stored::TIME];
        stored.extend(columns.iter().filter(|wanted| **wanted > hour::SERIES).copied());
        stored.sort_unstable();
        stored.dedup();
        let (series, from, to) = (scan.series.clone(), scan.from, scan.to);
        let filter = self.filter(&Scan { series, from, to, ..Scan::default() });
        let names = scan.series.as_deref().map(|series| self.names_of(series));
        let want = Want { filter, names, columns: stored };
        let wanted = |file: &&Arc<ColdFile>| {
            want.filter.touches(file.time_min, file.time_max) && among(file)
        };
        let files = self.hours.files.iter().filter(wanted).map(Arc::clone).collect();
        let shelf = Arc::clone(&self.shared.hours_shelf);
        Ok(HourRows { shelf, want, output, files, current: None })
    }
}

/// The batches of a scan of hours.
#[derive(Debug)]
pub struct HourRows {
    shelf: Arc<Shelf>,
    want: Want,
    output: Output,
    files: VecDeque<Arc<ColdFile>>,
    current: Option<FileScan>,
}

impl HourRows {
    /// The schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.output.schema()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ReadFault> {
        loop {
            if let Some(scan) = &mut self.current
                && let Some(batch) = scan.next(&self.shelf, &self.want)?
            {
                let rows = self.pick(&batch)?;
                if rows.num_rows() > 0 {
                    return Ok(Some(rows));
                }
                continue;
            }
            let Some(file) = self.files.pop_front() else { return Ok(None) };
            self.current = Some(FileScan::open(&self.shelf, file, &self.want)?);
        }
    }

    /// The rows that pass, in the columns wanted.
    fn pick(&self, batch: &RecordBatch) -> Result<RecordBatch, ReadFault> {
        let series = batch.column(0).as_primitive::<Int32Type>().values();
        let hours = batch.column(1).as_primitive::<TimestampMillisecondType>().values();
        let pass = |(id, hour): (&i32, &i64)| self.want.filter.passes(id.cast_unsigned(), *hour);
        let passes: Vec<bool> = series.iter().zip(hours).map(pass).collect();
        let rows = filter_record_batch(batch, &BooleanArray::from(passes))?;
        let series: ScalarBuffer<u32> = rows
            .column(0)
            .as_primitive::<Int32Type>()
            .values()
            .iter()
            .map(|id| id.cast_unsigned())
            .collect();
        let value = |wanted: usize| -> ArrayRef {
            let place = self.want.columns.binary_search(&stored_column(wanted));
            Arc::clone(rows.column(place.unwrap_or_default()))
        };
        Ok(self.output.batch(rows.num_rows(), &series, value)?)
    }
}

impl Iterator for HourRows {
    type Item = Result<RecordBatch, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}
