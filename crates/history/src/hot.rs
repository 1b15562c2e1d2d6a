//! The hot tail: published rows that are not yet in Parquet, oldest first.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use model::{Committed, Position};

use crate::chunk::{Chunk, Rows};
use crate::options::CHUNK_ROWS;
use crate::series::SeriesId;

/// How far the tail reaches at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) position: Position,
    /// The number of the row after the last one.
    pub(crate) end: u64,
    /// Series known at this position.
    pub(crate) series: usize,
}

/// Rows between two seals, with the positions of their records.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    pub(crate) rows: Rows,
    positions: Vec<Position>,
    /// The first rows of series: their position, and how many series are known with it.
    series: Vec<(Position, usize)>,
    series_count: usize,
}

impl Staged {
    pub(crate) fn new(series_count: usize) -> Self {
        Self { series_count, ..Self::default() }
    }

    /// Says which record and which series the row pushed next is of.
    pub(crate) fn place_next(&mut self, position: Position, series: SeriesId) {
        self.positions.push(position);
        if series.index() >= self.series_count {
            self.series_count = series.index() + 1;
            self.series.push((position, self.series_count));
        }
    }
}

#[derive(Debug)]
pub(crate) struct Hot {
    /// The first row that is not in Parquet.
    base: u64,
    chunks: VecDeque<Arc<Chunk>>,
    open: Rows,
    open_first: u64,
    /// A frozen copy of the open rows, good until the next seal.
    open_copy: Option<Arc<Chunk>>,
    /// The positions of the rows after `visible`. Commits follow closely, and every `tick` and
    /// view drains them, so this is the few rows in between; at most one for each hot row.
    waiting: VecDeque<Position>,
    /// Series whose first row is after `visible`, as in `Staged`.
    waiting_series: VecDeque<(Position, usize)>,
    /// As far as the highest commit reached.
    visible: Run,
    sealed: Run,
}

/// The rows a view can see.
#[derive(Clone, Debug)]
pub(crate) struct HotView {
    pub(crate) chunks: Vec<Arc<Chunk>>,
    pub(crate) rows: Range<u64>,
    pub(crate) run: Run,
}

impl Hot {
    pub(crate) fn new(position: Position, series: usize) -> Self {
        let start = Run { position, end: 0, series };
        Self {
            base: 0,
            chunks: VecDeque::new(),
            open: Rows::default(),
            open_first: 0,
            open_copy: None,
            waiting: VecDeque::new(),
            waiting_series: VecDeque::new(),
            visible: start,
            sealed: start,
        }
    }

    fn end(&self) -> u64 {
        self.open_first + self.open.len() as u64
    }

    pub(crate) fn len(&self) -> u64 {
        self.end() - self.base
    }

    /// The highest commit that was seen.
    pub(crate) const fn visible(&self) -> Position {
        self.visible.position
    }

    pub(crate) const fn sealed(&self) -> Run {
        self.sealed
    }

    /// Publishes what is staged as all that the journal holds up to `position`, and empties it.
    pub(crate) fn publish(&mut self, staged: &mut Staged, position: Position) {
        let mut taken = 0;
        while taken < staged.rows.len() {
            let room = CHUNK_ROWS.saturating_sub(self.open.len());
            let end = staged.rows.len().min(taken + room);
            self.open.take_over(&staged.rows, taken..end);
            self.open_copy = None;
            taken = end;
            if self.open.len() >= CHUNK_ROWS {
                self.freeze();
            }
        }
        self.waiting.extend(staged.positions.drain(..));
        self.waiting_series.extend(staged.series.drain(..));
        staged.rows.clear();
        self.sealed = Run { position, end: self.end(), series: staged.series_count };
    }

    /// Makes the rows up to `committed` visible.
    pub(crate) fn advance(&mut self, committed: Committed) {
        let position = committed.position().min(self.sealed.position);
        if position <= self.visible.position {
            return;
        }
        self.visible.position = position;
        while self.waiting.front().is_some_and(|waiting| *waiting <= position) {
            self.waiting.pop_front();
            self.visible.end += 1;
        }
        while let Some((_, series)) = self.waiting_series.front().filter(|(at, _)| *at <= position)
        {
            self.visible.series = *series;
            self.waiting_series.pop_front();
        }
    }

    /// Closes the open chunk.
    pub(crate) fn freeze(&mut self) {
        if self.open.len() > 0 {
            let rows = std::mem::take(&mut self.open);
            let first = self.open_first;
            self.open_first += rows.len() as u64;
            self.open_copy = None;
            self.chunks.push_back(Chunk::freeze(first, rows));
        }
    }

    pub(crate) fn view(&mut self, committed: Committed) -> HotView {
        self.advance(committed);
        self.up_to(self.visible)
    }

    /// The hot rows up to the end of `run`.
    pub(crate) fn up_to(&mut self, run: Run) -> HotView {
        let rows = self.base..run.end.max(self.base);
        let mut chunks: Vec<_> =
            self.chunks.iter().filter(|chunk| chunk.first < rows.end).map(Arc::clone).collect();
        if self.open_first < rows.end {
            let copy = self
                .open_copy
                .get_or_insert_with(|| Chunk::freeze(self.open_first, self.open.clone()));
            chunks.push(Arc::clone(copy));
        }
        HotView { chunks, rows, run }
    }

    /// Forgets the rows before `base`: they are in Parquet.
    pub(crate) fn drop_before(&mut self, base: u64) {
        self.base = base;
        while self.chunks.front().is_some_and(|chunk| chunk.end() <= base) {
            self.chunks.pop_front();
        }
    }
}

impl HotView {
    /// Chunks with the rows of them that this view sees, oldest first.
    pub(crate) fn parts(&self) -> impl DoubleEndedIterator<Item = (&Arc<Chunk>, Range<usize>)> {
        self.chunks.iter().map(|chunk| (chunk, chunk.within(&self.rows)))
    }
}
