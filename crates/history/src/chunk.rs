//! A run of rows in columns: open while it grows, then frozen and shared.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, Float64Array, StringBuilder, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};

use crate::folder::Folder;

/// The texts of some rows. They are rare, so they stand aside: the row they belong to and their
/// bytes. A row with a text has no number.
#[derive(Clone, Debug, Default)]
struct Texts {
    rows: Vec<u32>,
    ends: Vec<usize>,
    bytes: String,
}

impl Texts {
    fn push(&mut self, row: u32, text: &str) {
        self.rows.push(row);
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn has(&self, row: u32) -> bool {
        self.rows.binary_search(&row).is_ok()
    }

    fn of(&self, row: usize) -> Option<&str> {
        self.rows.binary_search(&small(row)).ok().map(|ordinal| self.at(ordinal))
    }

    fn at(&self, ordinal: usize) -> &str {
        let before = ordinal.checked_sub(1).and_then(|before| self.ends.get(before));
        let start = before.copied().unwrap_or_default();
        let end = self.ends.get(ordinal).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default()
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.ends.clear();
        self.bytes.clear();
    }
}

/// Rows as plain vectors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    series: Vec<u32>,
    /// Milliseconds since 1970.
    time: Vec<i64>,
    number: Vec<f64>,
    quality: Vec<u16>,
    texts: Texts,
    /// Rows whose time was not above their series' last: only these can replace an older row.
    late: Vec<u32>,
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    pub(crate) fn push(&mut self, series: u32, time: i64, number: f64, quality: u16) {
        self.series.push(series);
        self.time.push(time);
        self.number.push(number);
        self.quality.push(quality);
    }

    /// Says that the row pushed next holds a text.
    pub(crate) fn text_next(&mut self, text: &str) {
        self.texts.push(small(self.len()), text);
    }

    /// Says that the row pushed next is late.
    pub(crate) fn late_next(&mut self) {
        self.late.push(small(self.len()));
    }

    /// Copies `rows` of `other` to the end.
    pub(crate) fn take_over(&mut self, other: &Self, rows: Range<usize>) {
        let shift = |row: u32| small(row as usize - rows.start + self.series.len());
        let late = part(&other.late, between(&other.late, &rows));
        self.late.extend(late.iter().map(|row| shift(*row)));
        for ordinal in between(&other.texts.rows, &rows) {
            if let Some(row) = other.texts.rows.get(ordinal) {
                self.texts.push(shift(*row), other.texts.at(ordinal));
            }
        }
        self.series.extend_from_slice(part(&other.series, rows.clone()));
        self.time.extend_from_slice(part(&other.time, rows.clone()));
        self.number.extend_from_slice(part(&other.number, rows.clone()));
        self.quality.extend_from_slice(part(&other.quality, rows));
    }

    pub(crate) fn clear(&mut self) {
        self.series.clear();
        self.time.clear();
        self.number.clear();
        self.quality.clear();
        self.texts.clear();
        self.late.clear();
    }
}

/// Rows that no longer change, ready to be Arrow columns without a copy.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The number of the first row, counted from the opening of the history.
    pub(crate) first: u64,
    pub(crate) series: ScalarBuffer<u32>,
    pub(crate) time: ScalarBuffer<i64>,
    pub(crate) number: ScalarBuffer<f64>,
    pub(crate) quality: ScalarBuffer<u16>,
    texts: Texts,
    pub(crate) late: Vec<u32>,
    pub(crate) time_min: i64,
    pub(crate) time_max: i64,
    days: OnceLock<Vec<i32>>,
}

impl Chunk {
    pub(crate) fn freeze(first: u64, rows: Rows) -> Arc<Self> {
        Arc::new(Self {
            first,
            time_min: rows.time.iter().copied().min().unwrap_or(i64::MAX),
            time_max: rows.time.iter().copied().max().unwrap_or(i64::MIN),
            series: ScalarBuffer::from(rows.series),
            time: ScalarBuffer::from(rows.time),
            number: ScalarBuffer::from(rows.number),
            quality: ScalarBuffer::from(rows.quality),
            texts: rows.texts,
            late: rows.late,
            days: OnceLock::new(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// The days that its rows belong to, ascending.
    pub(crate) fn days(&self) -> &[i32] {
        self.days.get_or_init(|| {
            let mut days: Vec<i32> = self.time.iter().map(|time| Folder::of(*time).first).collect();
            days.dedup();
            days.sort_unstable();
            days.dedup();
            days
        })
    }

    pub(crate) fn end(&self) -> u64 {
        self.first + self.len() as u64
    }

    /// The rows of this chunk that lie in `wanted`, as indexes into it.
    pub(crate) fn within(&self, wanted: &Range<u64>) -> Range<usize> {
        let index =
            |row: u64| usize::try_from(row.clamp(self.first, self.end()) - self.first).unwrap_or(0);
        let start = index(wanted.start);
        start..index(wanted.end).max(start)
    }

    /// Series, time, number, quality of a row.
    pub(crate) fn row(&self, row: usize) -> Option<(u32, i64, f64, u16)> {
        let series = *self.series.get(row)?;
        Some((series, *self.time.get(row)?, *self.number.get(row)?, *self.quality.get(row)?))
    }

    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        self.texts.of(row)
    }

    /// The late rows among `rows`.
    pub(crate) fn late_within(&self, rows: &Range<usize>) -> &[u32] {
        part(&self.late, between(&self.late, rows))
    }
}

/// The chosen rows of one chunk.
#[derive(Clone, Debug)]
pub(crate) enum Picks {
    All(Range<usize>),
    Some(Vec<u32>),
}

impl Picks {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::All(range) => range.len(),
            Self::Some(rows) => rows.len(),
        }
    }

    /// At most `count` of them, from the `skip`th on.
    pub(crate) fn portion(&self, skip: usize, count: usize) -> Self {
        let end = self.len().min(skip.saturating_add(count));
        match self {
            Self::All(range) => Self::All(range.start + skip..range.start + end),
            Self::Some(rows) => Self::Some(part(rows, skip..end).to_vec()),
        }
    }

    fn iter(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::All(range) => Box::new(range.clone().map(small)),
            Self::Some(rows) => Box::new(rows.iter().copied()),
        }
    }

    fn take<T: ArrowNativeType>(&self, values: &ScalarBuffer<T>) -> ScalarBuffer<T> {
        match self {
            Self::All(range) => values.slice(range.start, range.len()),
            Self::Some(rows) => {
                let one = |row: &u32| values.get(*row as usize).copied().unwrap_or_default();
                rows.iter().map(one).collect()
            }
        }
    }
}

/// Columns of the chosen rows.
impl Chunk {
    pub(crate) fn series_of(&self, picks: &Picks) -> ScalarBuffer<u32> {
        picks.take(&self.series)
    }

    pub(crate) fn time_of(&self, picks: &Picks) -> ScalarBuffer<i64> {
        picks.take(&self.time)
    }

    pub(crate) fn quality_of(&self, picks: &Picks) -> ScalarBuffer<u16> {
        picks.take(&self.quality)
    }

    pub(crate) fn number_of(&self, picks: &Picks) -> Float64Array {
        let nulls = (!self.texts.is_empty()).then(|| {
            let numbered = picks.iter().map(|row| !self.texts.has(row));
            NullBuffer::new(numbered.collect::<BooleanBuffer>())
        });
        Float64Array::new(picks.take(&self.number), nulls)
    }

    pub(crate) fn text_of(&self, picks: &Picks) -> ArrayRef {
        if self.texts.is_empty() {
            return new_null_array(&DataType::Utf8, picks.len());
        }
        let mut texts = StringBuilder::with_capacity(picks.len(), 0);
        for row in picks.iter() {
            texts.append_option(self.texts.of(row as usize));
        }
        Arc::new(texts.finish())
    }
}

fn small(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}

/// Where the members of the ascending `list` that lie in `rows` stand.
fn between(list: &[u32], rows: &Range<usize>) -> Range<usize> {
    let start = list.partition_point(|row| (*row as usize) < rows.start);
    start..list.partition_point(|row| (*row as usize) < rows.end)
}

fn part<T>(list: &[T], range: Range<usize>) -> &[T] {
    list.get(range).unwrap_or_default()
}
