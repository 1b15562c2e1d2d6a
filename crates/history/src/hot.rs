//! The hot tail: published rows that are not yet in Parquet, oldest first.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use model::{Committed, Position};

use crate::chunk::{Chunk, Rows};
use crate::options::CHUNK_ROWS;

/// How far one seal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) position: Position,
    /// The number of the row after the last one.
    pub(crate) end: u64,
    /// Series known at this position.
    pub(crate) series: usize,
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
    /// Seals above `visible`, oldest first. Never more than there are hot rows plus the seals
    /// without rows since the last view.
    runs: VecDeque<Run>,
    /// The highest run that was ever covered by a commit and looked at.
    visible: Run,
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
        Self {
            base: 0,
            chunks: VecDeque::new(),
            open: Rows::default(),
            open_first: 0,
            open_copy: None,
            runs: VecDeque::new(),
            visible: Run { position, end: 0, series },
        }
    }

    fn end(&self) -> u64 {
        self.open_first + self.open.len() as u64
    }

    pub(crate) fn len(&self) -> u64 {
        self.end() - self.base
    }

    pub(crate) fn sealed(&self) -> Run {
        self.runs.back().copied().unwrap_or(self.visible)
    }

    /// Publishes `rows` as all that the journal holds up to `position`.
    pub(crate) fn publish(&mut self, rows: &Rows, position: Position, series: usize) {
        let mut taken = 0;
        while taken < rows.len() {
            let room = CHUNK_ROWS.saturating_sub(self.open.len());
            let end = rows.len().min(taken + room);
            self.open.take_over(rows, taken..end);
            self.open_copy = None;
            taken = end;
            if self.open.len() >= CHUNK_ROWS {
                self.freeze();
            }
        }
        let run = Run { position, end: self.end(), series };
        assert!(self.sealed().position <= position, "seals follow the journal");
        match self.runs.back_mut() {
            // Without rows or series between them, the later seal says all.
            Some(last) if last.end == run.end && last.series == run.series => *last = run,
            Some(_) | None => self.runs.push_back(run),
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
        while let Some(run) = self.runs.front().filter(|run| run.position <= committed.position()) {
            self.visible = *run;
            self.runs.pop_front();
        }
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
