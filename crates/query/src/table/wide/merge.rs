//! The merge itself: the readings of some devices and a window of time, gathered series by series,
//! become rows.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, SchemaRef, TimestampMillisecondType, UInt32Type};
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::MemoryReservation;
use history::{Scan, SeriesId, Share, column};

use crate::prune::Span;
use crate::site::Snapshot;
use crate::table;
use crate::table::wide::rows::Rows;
use crate::table::wide::track::Track;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const WINDOW_GROWTH: i64 = 4;
/// Readings under which the next window is longer, and over which work is cut in halves. A
/// reading and its part of a row take some 40 bytes, so what is in work takes at most 80 MB of the
/// memory of statements.
const READINGS_FEW: usize = 200_000;
const READINGS_MAX: usize = 2_000_000;
const READING_BYTES: usize = 40;
const BATCH_ROWS: usize = 8_192;

/// A device and those of its series that are needed.
#[derive(Debug)]
pub(crate) struct Device {
    /// Any of its series, for its name.
    pub(crate) key: SeriesId,
    /// Its series, as a part of those of the plan.
    pub(crate) series: Range<usize>,
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) schema: SchemaRef,
    /// Columns of the table, in the order of `schema`.
    pub(crate) columns: Vec<usize>,
    /// In the order of their names.
    pub(crate) devices: Vec<Device>,
    /// The series of all devices, one device after the other, and the wanted column that each
    /// fills; `None` when it only proves that a row is there.
    pub(crate) series: Vec<(SeriesId, Option<usize>)>,
    pub(crate) span: Span,
    /// For statements that want a few rows and no order: people expect the newest.
    pub(crate) newest_first: bool,
}

/// Devices, and a window of time.
#[derive(Clone, Debug)]
struct Task {
    devices: Range<usize>,
    from: i64,
    /// Not included.
    to: i64,
}

/// The rows of a device type, window by window from the newest back.
#[derive(Debug)]
pub(crate) struct Merge {
    plan: Arc<Plan>,
    memory: MemoryReservation,
    /// The devices of this share.
    devices: Range<usize>,
    /// Windows go down from here.
    to: i64,
    from: i64,
    window: i64,
    /// Where folders of history begin that hold more than a day: no window ends within one, which
    /// would be read again for the next.
    weeks: Vec<Range<i64>>,
    /// Devices at once.
    portion: usize,
    /// Of the last window.
    readings: usize,
    /// What is to be done of the window; the last first.
    tasks: Vec<Task>,
    ready: VecDeque<RecordBatch>,
}

impl Merge {
    pub(crate) fn new(plan: Arc<Plan>, share: Share, memory: MemoryReservation) -> Self {
        let ids: Vec<SeriesId> = plan.series.iter().map(|(id, _)| *id).collect();
        let latest = plan.snapshot.view.latest_of(&ids);
        let newest = latest.into_iter().flatten().map(|last| last.time.millis()).max();
        let end = newest.map_or(i64::MIN, |newest| newest.saturating_add(1));
        let oldest = plan.snapshot.view.oldest().map_or(end, |oldest| oldest.millis());
        let bound = |number: usize| plan.devices.len() * number / share.of.max(1);
        Self {
            devices: bound(share.number)..bound(share.number + 1),
            to: plan.span.to.map_or(end, |to| to.min(end)),
            from: plan.span.from.map_or(oldest, |from| from.max(oldest)),
            window: if plan.newest_first { HOUR_MS } else { DAY_MS },
            weeks: weeks_of(&plan),
            portion: plan.devices.len().max(1),
            readings: READINGS_FEW,
            tasks: Vec::new(),
            ready: VecDeque::new(),
            plan,
            memory,
        }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, DataFusionError> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            self.memory.free();
            if let Some(task) = self.tasks.pop() {
                match self.gather(&task)? {
                    Some(tracks) => self.ready = self.rows(&task, tracks)?,
                    None => self.halve(task),
                }
            } else if !self.open_window() {
                return Ok(None);
            }
        }
    }

    /// Makes the tasks of the next window; `false` when there is none.
    fn open_window(&mut self) -> bool {
        if self.to <= self.from || self.devices.is_empty() {
            return false;
        }
        if std::mem::take(&mut self.readings) < READINGS_FEW {
            self.window = self.window.saturating_mul(WINDOW_GROWTH);
        }
        let start = if self.plan.newest_first {
            self.to.saturating_sub(self.window)
        } else {
            let midnight = self.to.saturating_sub(1).div_euclid(DAY_MS).saturating_mul(DAY_MS);
            let start = midnight.saturating_sub(self.window - DAY_MS);
            let week = self.weeks.iter().find(|week| week.contains(&start));
            week.map_or(start, |week| week.start)
        };
        let (from, to) = (start.max(self.from), self.to);
        self.to = from;
        let mut end = self.devices.end;
        while end > self.devices.start {
            let start = end.saturating_sub(self.portion).max(self.devices.start);
            self.tasks.push(Task { devices: start..end, from, to });
            end = start;
        }
        true
    }

    /// Fewer devices make less to read; less time only makes less to keep.
    fn halve(&mut self, task: Task) {
        let Task { devices, from, to } = task;
        if devices.len() > 1 && !self.plan.newest_first {
            let middle = devices.start + devices.len() / 2;
            self.portion = self.portion.min(devices.len() - devices.len() / 2);
            self.tasks.push(Task { devices: middle..devices.end, from, to });
            self.tasks.push(Task { devices: devices.start..middle, from, to });
        } else {
            let middle = from + (to - from) / 2;
            self.tasks.push(Task { devices: devices.clone(), from, to: middle });
            self.tasks.push(Task { devices, from: middle, to });
        }
    }

    /// The readings of a task, by series; `None` when they are too many.
    fn gather(&mut self, task: &Task) -> Result<Option<Vec<Track>>, DataFusionError> {
        let series = self.series_of(&task.devices);
        let known = self.plan.series.get(series).unwrap_or_default();
        let mut scan = Scan {
            series: Some(known.iter().map(|(id, _)| *id).collect()),
            columns: Some(vec![column::TIME, column::SERIES, column::NUMBER, column::TEXT]),
            ..Scan::default()
        };
        Span { from: Some(task.from), to: Some(task.to) }.put_into(&mut scan);
        let mut tracks = Tracks::new(known);
        for batch in self.plan.snapshot.view.scan(&scan).map_err(table::unreadable)? {
            let batch = batch.map_err(table::unreadable)?;
            self.plan.snapshot.work.add_rows(batch.num_rows());
            tracks.take(&batch);
            let divisible = (task.devices.len() > 1 && !self.plan.newest_first)
                || task.to.saturating_sub(task.from) > 1;
            if tracks.readings > READINGS_MAX && divisible {
                return Ok(None);
            }
            self.memory.try_resize(tracks.readings * READING_BYTES + tracks.text_bytes)?;
        }
        self.readings = self.readings.saturating_add(tracks.readings);
        Ok(Some(tracks.list))
    }

    fn series_of(&self, devices: &Range<usize>) -> Range<usize> {
        let part = self.plan.devices.get(devices.clone()).unwrap_or_default();
        let start = part.first().map_or(0, |device| device.series.start);
        start..part.last().map_or(start, |device| device.series.end)
    }

    fn rows(
        &self,
        task: &Task,
        mut tracks: Vec<Track>,
    ) -> Result<VecDeque<RecordBatch>, DataFusionError> {
        let first = self.series_of(&task.devices).start;
        let mut rows = Rows::new(&self.plan);
        for device in self.plan.devices.get(task.devices.clone()).unwrap_or_default() {
            let range = device.series.start - first..device.series.end - first;
            let tracks = tracks.get_mut(range).unwrap_or_default();
            tracks.iter_mut().for_each(Track::sort);
            let places = self.plan.series.get(device.series.clone()).unwrap_or_default();
            rows.push(device.key, tracks, places);
        }
        let rows = rows.finish(&self.plan)?;
        let starts = (0..rows.num_rows()).step_by(BATCH_ROWS);
        Ok(starts.map(|at| rows.slice(at, BATCH_ROWS.min(rows.num_rows() - at))).collect())
    }
}

fn weeks_of(plan: &Plan) -> Vec<Range<i64>> {
    let days = plan.snapshot.view.days((None, None));
    let spans = days.iter().map(|day| day.from.millis()..day.to.millis());
    spans.filter(|span| span.end.saturating_sub(span.start) > DAY_MS).collect()
}

impl Iterator for Merge {
    type Item = Result<RecordBatch, DataFusionError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}

/// The readings of some series while they come.
struct Tracks {
    list: Vec<Track>,
    /// Where a series stands in `list`, by its number.
    places: Vec<u32>,
    readings: usize,
    text_bytes: usize,
}

impl Tracks {
    fn new(series: &[(SeriesId, Option<usize>)]) -> Self {
        let count = series.iter().map(|(id, _)| id.index() + 1).max().unwrap_or_default();
        let mut places = vec![u32::MAX; count];
        for (place, (id, _)) in (0_u32..).zip(series) {
            if let Some(known) = places.get_mut(id.index()) {
                *known = place;
            }
        }
        let list = std::iter::repeat_with(Track::default).take(series.len()).collect();
        Self { list, places, readings: 0, text_bytes: 0 }
    }

    /// Rows of one series often stand together.
    fn take(&mut self, batch: &RecordBatch) {
        let [time, series, number, text] = batch.columns() else { return };
        let times = time.as_primitive::<TimestampMillisecondType>().values();
        let numbers = number.as_primitive::<Float64Type>();
        let mut start = 0;
        for run in series.as_primitive::<UInt32Type>().values().chunk_by(|one, other| one == other)
        {
            let rows = start..start + run.len();
            start = rows.end;
            let place = run.first().and_then(|id| self.places.get(*id as usize));
            let track = place.and_then(|place| self.list.get_mut(*place as usize));
            if let (Some(track), Some(times)) = (track, times.get(rows.clone())) {
                self.readings += rows.len();
                self.text_bytes += track.push(times, (numbers, text.as_string::<i32>()), rows);
            }
        }
    }
}
