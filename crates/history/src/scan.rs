//! What a view can be asked for, and the batches it answers with.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use model::Timestamp;

use crate::chunk::{Chunk, Picks};
use crate::cold_rows::ColdRows;
use crate::fault::ReadFault;
use crate::gone::Gone;
use crate::hot::HotView;
use crate::output::Output;
use crate::series::SeriesId;
use crate::shadow::{Order, Shadow};

/// Rows in one batch of a scan: what DataFusion works with by default.
pub(crate) const BATCH_ROWS: usize = 8_192;

/// Which readings, and which columns of them. The default asks for everything.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// `None` for all.
    pub series: Option<Vec<SeriesId>>,
    /// Readings at this time or later.
    pub from: Option<Timestamp>,
    /// Readings before this time.
    pub to: Option<Timestamp>,
    /// Indexes into `readings_schema()`, in the order wanted; `None` for all.
    pub columns: Option<Vec<usize>>,
    /// `None` for all of it.
    pub share: Option<Share>,
}

/// One of several parts of a scan that are about equal: each row is in one of them. For threads
/// that work on it side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Below `of`.
    pub number: usize,
    pub of: usize,
}

/// Deals pieces of work, in an order that is the same for all shares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deal {
    share: Share,
    next: usize,
}

impl Deal {
    pub(crate) fn new(share: Option<Share>) -> Self {
        Self { share: share.unwrap_or(Share { number: 0, of: 1 }), next: 0 }
    }

    pub(crate) const fn shares(&self) -> usize {
        self.share.of
    }

    /// Whether the next piece belongs to this share.
    pub(crate) const fn takes(&mut self) -> bool {
        let place = self.next;
        self.next = if place + 1 < self.share.of { place + 1 } else { 0 };
        place == self.share.number
    }
}

/// A scan made ready for the loops over rows.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// By series; `None` lets all pass.
    series: Option<Arc<[bool]>>,
    pub(crate) from: i64,
    /// Not included.
    pub(crate) to: i64,
}

impl Filter {
    pub(crate) fn new(scan: &Scan, series_count: usize) -> Self {
        let series = scan.series.as_ref().map(|wanted| {
            let mut passes = vec![false; series_count];
            for id in wanted {
                if let Some(pass) = passes.get_mut(id.index()) {
                    *pass = true;
                }
            }
            Arc::from(passes)
        });
        Self {
            series,
            from: scan.from.map_or(i64::MIN, millis_up),
            to: scan.to.map_or(i64::MAX, millis_up),
        }
    }

    /// The same without some series, of `series_count`.
    pub(crate) fn without(self, gone: &Gone, series_count: usize) -> Self {
        if gone.is_empty() {
            return self;
        }
        let all = || vec![true; series_count];
        let mut passes = self.series.as_deref().map_or_else(all, <[bool]>::to_vec);
        for (id, _) in gone.iter() {
            if let Some(pass) = passes.get_mut(id.index()) {
                *pass = false;
            }
        }
        Self { series: Some(passes.into()), ..self }
    }

    pub(crate) fn passes(&self, series: u32, time: i64) -> bool {
        (self.from <= time && time < self.to) && self.wants(series)
    }

    pub(crate) fn wants(&self, series: u32) -> bool {
        match &self.series {
            None => true,
            Some(passes) => passes.get(series as usize).copied().unwrap_or(false),
        }
    }

    pub(crate) const fn wants_all_series(&self) -> bool {
        self.series.is_none()
    }

    /// Whether no row between these times is too early or too late.
    pub(crate) const fn covers(&self, time_min: i64, time_max: i64) -> bool {
        self.from <= time_min && time_max < self.to
    }

    /// Whether any row between these times can pass.
    pub(crate) fn touches(&self, time_min: i64, time_max: i64) -> bool {
        time_min < self.to && self.from <= time_max
    }
}

/// The first millisecond that is not before `time`.
fn millis_up(time: Timestamp) -> i64 {
    time.millis().saturating_add(i64::from(time.micros().rem_euclid(1_000) != 0))
}

/// The batches of a scan: cold files first, then the hot tail. No order of rows is promised.
#[derive(Debug)]
pub struct Readings {
    output: Output,
    filter: Filter,
    /// Late rows of the hot tail: they hide older ones, hot and cold.
    shadow: Shadow,
    cold: ColdRows,
    hot: VecDeque<(Arc<Chunk>, Range<usize>)>,
    /// The chunk in work, its chosen rows, and how many of them are out.
    current: Option<(Arc<Chunk>, Picks, usize)>,
}

impl Readings {
    pub(crate) fn new(output: Output, cold: ColdRows, hot: &HotView, mut deal: Deal) -> Self {
        let filter = cold.want.filter.clone();
        let mut shadow = Shadow::default();
        let parts = || {
            let touched = hot.parts();
            touched.filter(|(chunk, _)| filter.touches(chunk.time_min, chunk.time_max))
        };
        for (chunk, rows) in parts() {
            cast_late(&mut shadow, &filter, chunk, &rows);
        }
        let own = parts().filter(|_| deal.takes());
        let hot = own.map(|(chunk, rows)| (Arc::clone(chunk), rows)).collect();
        Self { output, filter, shadow, cold, hot, current: None }
    }

    /// The schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.output.schema()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ReadFault> {
        while let Some(rows) = self.cold.next(&self.shadow)? {
            if rows.num_rows() > 0 {
                return Ok(Some(self.output.cold(&rows)?));
            }
        }
        loop {
            if let Some((chunk, picks, done)) = &mut self.current {
                let portion = picks.portion(*done, BATCH_ROWS);
                if portion.len() > 0 {
                    *done += portion.len();
                    return Ok(Some(self.output.hot(chunk, &portion)?));
                }
            }
            let Some((chunk, rows)) = self.hot.pop_front() else { return Ok(None) };
            let picks = self.pick(&chunk, rows);
            self.current = Some((chunk, picks, 0));
        }
    }

    fn pick(&self, chunk: &Chunk, rows: Range<usize>) -> Picks {
        let contested = self.shadow.reaches(chunk.time_min, chunk.time_max);
        let covered = self.filter.covers(chunk.time_min, chunk.time_max);
        if !contested && covered && self.filter.wants_all_series() {
            return Picks::All(rows);
        }
        let series = chunk.series.get(rows.clone()).unwrap_or_default();
        let times = chunk.time.get(rows.clone()).unwrap_or_default();
        let mut picks = Vec::new();
        for (offset, (series, time)) in series.iter().zip(times).enumerate() {
            let order = Order::Hot(chunk.first + (rows.start + offset) as u64);
            if self.filter.passes(*series, *time)
                && !(contested && self.shadow.hides(*series, *time, order))
            {
                picks.push(u32::try_from(rows.start + offset).unwrap_or(u32::MAX));
            }
        }
        Picks::Some(picks)
    }
}

impl Iterator for Readings {
    type Item = Result<RecordBatch, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}

fn cast_late(shadow: &mut Shadow, filter: &Filter, chunk: &Chunk, rows: &Range<usize>) {
    for index in chunk.late_within(rows) {
        if let Some((series, time, ..)) = chunk.row(*index as usize)
            && filter.passes(series, time)
        {
            shadow.cast(series, time, Order::Hot(chunk.first + u64::from(*index)));
        }
    }
}
