//! The rows of a scan that lie in Parquet, folder after folder.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, TimestampMillisecondType};

use crate::cold::{FileScan, Shelf, Want};
use crate::fault::ReadFault;
use crate::file::ColdFile;
use crate::folder::Folder;
use crate::part::stored;
use crate::scan::{Deal, Filter};
use crate::shadow::{Order, Shadow};
use crate::table::{Table, folders};

/// A scan of at least so many folders for each share, none much larger than the others, is dealt by
/// folders.
const FOLDERS_A_SHARE: u64 = 4;

/// One time lies in one folder, so only late files of the same folder can replace a row; their
/// keys are in memory for one folder at a time.
#[derive(Debug)]
pub(crate) struct ColdRows {
    shelf: Arc<Shelf>,
    pub(crate) want: Want,
    files: VecDeque<Arc<ColdFile>>,
    folder: Option<Folder>,
    /// The late rows of the folder.
    shadow: Shadow,
    /// What is wanted of the file in work, and whether its rows have to be looked at one by one.
    current: Option<(FileScan, Want, bool)>,
    deal: Deal,
}

impl ColdRows {
    pub(crate) fn new(shelf: Arc<Shelf>, want: Want, table: &Table, deal: Deal) -> Self {
        let touched = |file: &&Arc<ColdFile>| want.filter.touches(file.time_min, file.time_max);
        let files: Vec<Arc<ColdFile>> =
            table.files.iter().filter(touched).map(Arc::clone).collect();
        let (files, deal) = dealt(files, deal);
        Self { shelf, want, files, folder: None, shadow: Shadow::default(), current: None, deal }
    }

    /// The next rows that pass the filter and that nothing hides; maybe none of a batch.
    pub(crate) fn next(&mut self, hot: &Shadow) -> Result<Option<RecordBatch>, ReadFault> {
        loop {
            if let Some((scan, want, contested)) = &mut self.current
                && let Some(batch) = scan.next(&self.shelf, want)?
            {
                let order = Order::Cold(scan.file.position);
                let shadows = contested.then_some([&self.shadow, hot]);
                return Ok(Some(pick(&batch, &self.want.filter, order, shadows)?));
            }
            let Some(file) = self.files.pop_front() else { return Ok(None) };
            if self.folder.replace(file.key.folder) != Some(file.key.folder) {
                self.shadow = self.late_rows(&file)?;
            }
            self.current = Some(self.open(file, hot)?);
        }
    }

    fn open(
        &mut self,
        file: Arc<ColdFile>,
        hot: &Shadow,
    ) -> Result<(FileScan, Want, bool), ReadFault> {
        let reached = |shadow: &Shadow| shadow.reaches(file.time_min, file.time_max);
        let contested = reached(&self.shadow) || reached(hot);
        let filter = &self.want.filter;
        let mut want = self.want.clone();
        want.columns.extend((contested || !filter.wants_all_series()).then_some(stored::SERIES));
        let covered = filter.covers(file.time_min, file.time_max);
        want.columns.extend((contested || !covered).then_some(stored::TIME));
        want.columns.sort_unstable();
        want.columns.dedup();
        let mut scan = FileScan::open(&self.shelf, file, &want)?;
        scan.share(|| self.deal.takes());
        Ok((scan, want, contested))
    }

    /// The late rows of the folder that begins with `first`.
    fn late_rows(&self, first: &Arc<ColdFile>) -> Result<Shadow, ReadFault> {
        let want = Want { columns: vec![stored::SERIES, stored::TIME], ..self.want.clone() };
        let same = |file: &&Arc<ColdFile>| file.key.folder == first.key.folder;
        let mut shadow = Shadow::default();
        let files = std::iter::once(first).chain(self.files.iter().take_while(same));
        for file in files.filter(|file| file.key.late) {
            let mut scan = FileScan::open(&self.shelf, Arc::clone(file), &want)?;
            while let Some(batch) = scan.next(&self.shelf, &want)? {
                self.cast_late(&mut shadow, &batch, Order::Cold(file.position));
            }
        }
        Ok(shadow)
    }

    fn cast_late(&self, shadow: &mut Shadow, batch: &RecordBatch, order: Order) {
        let (series, times) = keys(batch);
        for (series, time) in series.iter().zip(times) {
            if self.want.filter.passes(series.cast_unsigned(), *time) {
                shadow.cast(series.cast_unsigned(), *time, order);
            }
        }
    }
}

/// Many folders are dealt whole, so that each share opens only its own files; of a few, the row
/// groups are.
fn dealt(files: Vec<Arc<ColdFile>>, mut deal: Deal) -> (VecDeque<Arc<ColdFile>>, Deal) {
    let folders = || folders(&files).map(|(_, files)| files);
    let bytes = |files: &[Arc<ColdFile>]| files.iter().map(|file| file.bytes).sum::<u64>();
    let largest = folders().map(bytes).max().unwrap_or_default();
    if largest.saturating_mul(FOLDERS_A_SHARE * deal.shares() as u64) > bytes(&files) {
        return (files.into(), deal);
    }
    let own = folders().filter(|_| deal.takes()).flatten().map(Arc::clone).collect();
    (own, Deal::new(None))
}

/// The rows of a batch that pass the filter, and that the shadows do not hide.
fn pick(
    batch: &RecordBatch,
    filter: &Filter,
    order: Order,
    shadows: Option<[&Shadow; 2]>,
) -> Result<RecordBatch, ReadFault> {
    let Some(shadows) = shadows else { return by_series(batch, filter).of(batch) };
    let hidden = |series, time| shadows.iter().any(|shadow| shadow.hides(series, time, order));
    one_by_one(batch, filter, hidden).of(batch)
}

/// Series and times of a batch; nothing for a column that was not read.
fn keys(batch: &RecordBatch) -> (&[i32], &[i64]) {
    let series = batch.column_by_name("series");
    let times = batch.column_by_name("time");
    (
        series.map_or(&[], |column| column.as_primitive::<Int32Type>().values()),
        times.map_or(&[], |column| column.as_primitive::<TimestampMillisecondType>().values()),
    )
}

/// Which rows of a batch pass.
enum Passes {
    /// Ascending, and none touches the next.
    Ranges(Vec<Range<usize>>),
    Rows(BooleanArray),
}

impl Passes {
    fn of(&self, batch: &RecordBatch) -> Result<RecordBatch, ReadFault> {
        let ranges = match self {
            Self::Rows(rows) => return Ok(filter_record_batch(batch, rows)?),
            Self::Ranges(ranges) => ranges,
        };
        if let [] | [_] = ranges.as_slice() {
            let all = ranges.first().cloned().unwrap_or_default();
            return Ok(batch.slice(all.start, all.len()));
        }
        let mut rows = BooleanBufferBuilder::new(batch.num_rows());
        for range in ranges {
            rows.append_n(range.start - rows.len(), false);
            rows.append_n(range.len(), true);
        }
        rows.append_n(batch.num_rows() - rows.len(), false);
        Ok(filter_record_batch(batch, &BooleanArray::from(rows.finish()))?)
    }

    fn push(ranges: &mut Vec<Range<usize>>, range: Range<usize>) {
        match ranges.last_mut().filter(|last| last.end == range.start) {
            Some(last) => last.end = range.end,
            None if range.is_empty() => {}
            None => ranges.push(range),
        }
    }
}

fn one_by_one(batch: &RecordBatch, filter: &Filter, hidden: impl Fn(u32, i64) -> bool) -> Passes {
    let (series, times) = keys(batch);
    let rows = series.iter().zip(times).map(|(series, time)| {
        let series = series.cast_unsigned();
        filter.passes(series, *time) && !hidden(series, *time)
    });
    Passes::Rows(rows.map(Some).collect())
}

/// The rows of one series stand together, sorted by time; so a series is looked up once, and its
/// first and last wanted row are searched.
fn by_series(batch: &RecordBatch, filter: &Filter) -> Passes {
    let (series, times) = keys(batch);
    let rows = batch.num_rows();
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < rows {
        let rest = series.get(start..).unwrap_or_default();
        let (end, wanted) = match rest.first() {
            None if times.is_empty() => (rows, true),
            None => (start + ascending(times.get(start..).unwrap_or_default()), true),
            Some(id) => {
                let count = rest.partition_point(|other| other == id);
                (start + count.max(1), filter.wants(id.cast_unsigned()))
            }
        };
        if wanted {
            let run = times.get(start..end).unwrap_or_default();
            let (first, last) = match run {
                [] => (0, end - start),
                _ => (
                    run.partition_point(|time| *time < filter.from),
                    run.partition_point(|time| *time < filter.to),
                ),
            };
            Passes::push(&mut ranges, start + first..start + last.max(first));
        }
        start = end;
    }
    Passes::Ranges(ranges)
}

/// How many of the times are above the one before.
fn ascending(times: &[i64]) -> usize {
    let falls = times.windows(2).position(|pair| pair.first() >= pair.get(1));
    falls.map_or(times.len(), |at| at + 1)
}
