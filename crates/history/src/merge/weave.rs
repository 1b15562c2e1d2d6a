//! Many sorted runs become one: the rows in the order of files, each (series, time) once.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, TimestampMillisecondType};
use parquet::errors::ParquetError;

use crate::cold::{FileScan, Shelf, Want};
use crate::fault::ReadFault;
use crate::file::ColdFile;
use crate::kind::Kind;
use crate::merge::ranks::Ranks;
use crate::part::stored;
use crate::scan::Filter;

/// What a merge reads, series and time first: names come from the series.
pub(crate) const COLUMNS: [usize; 5] =
    [stored::SERIES, stored::TIME, stored::NUMBER, stored::TEXT, stored::QUALITY];

/// By rank, then by time.
pub(crate) type Key = (u32, i64);

/// Rows of one input that follow each other in the output.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) rows: RecordBatch,
    pub(crate) late: bool,
}

#[derive(Debug)]
pub(crate) struct Weave<'a> {
    shelf: &'a Shelf,
    ranks: &'a Ranks,
    want: Want,
    /// None of them is at its end.
    cursors: Vec<Cursor>,
    /// Rows that the filter left out.
    pub(crate) dropped: u64,
}

/// A place in the files of one folder and position that are late, or of those that are not; of hours,
/// that are carried or not. Their rows are sorted from the first file to the last.
#[derive(Debug)]
struct Cursor {
    position: u64,
    late: bool,
    files: VecDeque<Arc<ColdFile>>,
    scan: Option<FileScan>,
    rows: RecordBatch,
    keys: Vec<Key>,
    at: usize,
    dropped: u64,
}

impl<'a> Weave<'a> {
    /// `files` are in the order of their table.
    pub(crate) fn new(
        (shelf, ranks): (&'a Shelf, &'a Ranks),
        files: &[Arc<ColdFile>],
        (filter, columns): (Filter, &[usize]),
    ) -> Result<Self, ReadFault> {
        let want = Want { filter, names: None, columns: columns.to_vec() };
        let mut weave = Self { shelf, ranks, want, cursors: Vec::new(), dropped: 0 };
        let same = |a: &Arc<ColdFile>, b: &Arc<ColdFile>| {
            let run = |file: &ColdFile| (file.key, file.position, file.is_carried());
            run(a) == run(b)
        };
        for run in files.chunk_by(same) {
            let Some(first) = run.first() else { continue };
            let mut cursor = Cursor {
                position: first.position,
                late: first.key.late,
                files: run.iter().map(Arc::clone).collect(),
                scan: None,
                rows: RecordBatch::new_empty(Kind::Readings.stored()),
                keys: Vec::new(),
                at: 0,
                dropped: 0,
            };
            if cursor.load(shelf, ranks, &weave.want)? {
                weave.cursors.push(cursor);
            } else {
                weave.dropped += cursor.dropped;
            }
        }
        Ok(weave)
    }

    pub(crate) fn next(&mut self) -> Result<Option<Piece>, ReadFault> {
        loop {
            let Some((first, end)) = self.foremost() else { return Ok(None) };
            if let Some(hidden) = self.hidden_by(first) {
                self.advance(hidden, 1)?;
                continue;
            }
            let Some(cursor) = self.cursors.get(first) else { return Ok(None) };
            let count = cursor.count_before(end);
            let piece = Piece { rows: cursor.rows.slice(cursor.at, count), late: cursor.late };
            self.advance(first, count)?;
            return Ok(Some(piece));
        }
    }

    /// The cursor with the lowest key, of several the latest; and the lowest key of the others.
    fn foremost(&self) -> Option<(usize, Option<Key>)> {
        let rank = |cursor: &Cursor| (cursor.key(), u64::MAX - cursor.position);
        let (first, _) = self.cursors.iter().enumerate().min_by_key(|(_, cursor)| rank(cursor))?;
        let others = self.cursors.iter().enumerate().filter(|(at, _)| *at != first);
        Some((first, others.filter_map(|(_, cursor)| cursor.key()).min()))
    }

    /// Another cursor whose row has the key of that of `first`, and is older.
    fn hidden_by(&self, first: usize) -> Option<usize> {
        let key = self.cursors.get(first)?.key();
        self.cursors.iter().enumerate().position(|(at, cursor)| at != first && cursor.key() == key)
    }

    fn advance(&mut self, at: usize, count: usize) -> Result<(), ReadFault> {
        let Some(cursor) = self.cursors.get_mut(at) else { return Ok(()) };
        cursor.at += count;
        if cursor.at >= cursor.keys.len() && !cursor.load(self.shelf, self.ranks, &self.want)? {
            self.dropped += self.cursors.swap_remove(at).dropped;
        }
        Ok(())
    }
}

impl Cursor {
    fn key(&self) -> Option<Key> {
        self.keys.get(self.at).copied()
    }

    /// Rows from here on that come before `end`.
    fn count_before(&self, end: Option<Key>) -> usize {
        let rest = self.keys.get(self.at..).unwrap_or_default();
        end.map_or(rest.len(), |end| rest.partition_point(|key| *key < end))
    }

    /// Reads the next batch that has rows; `false` at the end.
    fn load(&mut self, shelf: &Shelf, ranks: &Ranks, want: &Want) -> Result<bool, ReadFault> {
        loop {
            if let Some(scan) = &mut self.scan
                && let Some(rows) = scan.next(shelf, want)?
            {
                let count = rows.num_rows();
                let rows = wanted(rows, &want.filter)?;
                self.dropped += (count - rows.num_rows()) as u64;
                if rows.num_rows() == 0 {
                    continue;
                }
                let before = self.keys.last().copied();
                self.keys = keys(&rows, ranks)
                    .filter(|keys| ascend(before, keys))
                    .ok_or_else(|| unsorted(&scan.file))?;
                (self.rows, self.at) = (rows, 0);
                return Ok(true);
            }
            let Some(file) = self.files.pop_front() else { return Ok(false) };
            self.scan = Some(FileScan::open(shelf, file, want)?);
        }
    }
}

/// Without the rows of series that are to leave.
fn wanted(rows: RecordBatch, filter: &Filter) -> Result<RecordBatch, ReadFault> {
    let Some(series) = rows.column_by_name("series") else { return Ok(rows) };
    let series = series.as_primitive::<Int32Type>().values().iter();
    let passes: BooleanBuffer = series.map(|id| filter.wants(id.cast_unsigned())).collect();
    if passes.count_set_bits() == rows.num_rows() {
        return Ok(rows);
    }
    Ok(filter_record_batch(&rows, &BooleanArray::new(passes, None))?)
}

/// Of rows of readings or hours, which begin with series and time. `None` when a series does not
/// exist.
pub(crate) fn keys(rows: &RecordBatch, ranks: &Ranks) -> Option<Vec<Key>> {
    let series = rows.column(0).as_primitive::<Int32Type>().values();
    let times = rows.column(1).as_primitive::<TimestampMillisecondType>().values();
    series.iter().zip(times).map(|(id, time)| Some((ranks.rank(*id)?, *time))).collect()
}

/// Whether rows are sorted, also after the one before them.
fn ascend(before: Option<Key>, keys: &[Key]) -> bool {
    let follows = before.is_none_or(|before| keys.first().is_none_or(|first| before < *first));
    follows && keys.is_sorted_by(|a, b| a < b)
}

fn unsorted(file: &ColdFile) -> ReadFault {
    let what = "its rows are not in the order of signal, device and time";
    ReadFault::Damaged { name: file.path.clone(), source: ParquetError::General(what.to_owned()) }
}
