//! A line of long columns drawn from hours, as far as they stand for the readings or are what is
//! left of them.

use std::collections::BTreeSet;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMillisecondType};
use model::Timestamp;

use crate::chart::{Columns, Point};
use crate::fault::ReadFault;
use crate::file::ColdFile;
use crate::folder::DAY_MS;
use crate::hours::days::DayHours;
use crate::hours::rows::HoursScan;
use crate::hours::schema::hour;
use crate::hours::{HOUR_MS, hour_of};
use crate::reader::View;
use crate::series::SeriesId;

/// From a time up to another.
pub(crate) type Span = (Timestamp, Timestamp);

const COLUMNS: [usize; 11] = [
    hour::HOUR,
    hour::NUMBERS,
    hour::SUM,
    hour::FIRST,
    hour::FIRST_TIME,
    hour::MIN,
    hour::MIN_TIME,
    hour::MAX,
    hour::MAX_TIME,
    hour::LAST,
    hour::LAST_TIME,
];

/// The numbers of one hour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drawn {
    hour: i64,
    pub(crate) count: u64,
    pub(crate) sum: f64,
    /// First, lowest, highest, last.
    pub(crate) points: [Point; 4],
}

impl View {
    /// Draws what hours say between the times; answers where the readings say more.
    pub(crate) fn draw_hours(
        &self,
        series: SeriesId,
        span: Span,
        columns: &mut Columns,
    ) -> Result<Vec<Span>, ReadFault> {
        let whole = whole_hours(span);
        let mut days = self.by_folder();
        let scan = HoursScan {
            series: Some(vec![series]),
            from: Some(whole.0),
            to: Some(whole.1),
            columns: Some(COLUMNS.to_vec()),
            only_usable: false,
        };
        let state = |file: &ColdFile| days.get(&file.key.folder).and_then(|day| day.hours);
        let is_left = |file: &ColdFile| file.is_carried() || state(file) == Some(DayHours::Left);
        for batch in self.scan_hours_of(&scan, is_left)? {
            each_hour(&batch?, |drawn| draw_left(&drawn, columns));
        }
        days.retain(|_, day| self.hours_pay(day, 1) && day.from < whole.1 && whole.0 < day.to);
        let stands = |file: &ColdFile| !file.is_carried() && days.contains_key(&file.key.folder);
        let mut brush = Brush { columns, waiting: Vec::new(), spoiled: BTreeSet::new() };
        for batch in self.scan_hours_of(&scan, stands)? {
            each_hour(&batch?, |drawn| brush.take(drawn));
        }
        brush.end_day();
        let spoiled = brush.spoiled;
        let covered = days.values().map(|day| (day.from.max(whole.0), day.to.min(whole.1)));
        let spoiled = spoiled.into_iter().map(|day| {
            let start = Timestamp::from_millis(day * DAY_MS);
            (start.max(whole.0), Timestamp::from_millis((day + 1) * DAY_MS).min(whole.1))
        });
        Ok(gaps(span, covered, spoiled))
    }
}

/// The whole hours between the times.
fn whole_hours((from, to): Span) -> Span {
    let floor = |time: Timestamp| Timestamp::from_millis(hour_of(time.millis()));
    let below = floor(from);
    let above = Timestamp::from_millis(below.millis().saturating_add(HOUR_MS));
    (if below < from { above } else { below }, floor(to))
}

/// What of `span` is not covered, and what is spoiled of what is. All but the last are in order and
/// do not overlap.
fn gaps(
    (from, to): Span,
    covered: impl Iterator<Item = Span>,
    spoiled: impl Iterator<Item = Span>,
) -> Vec<Span> {
    let mut all: Vec<Span> = spoiled.collect();
    let mut at = from;
    for (start, end) in covered.filter(|(start, end)| start < end) {
        all.push((at, start));
        at = end;
    }
    all.push((at, to));
    all.retain(|(start, end)| start < end);
    all.sort_unstable();
    let mut joined: Vec<Span> = Vec::with_capacity(all.len());
    for (start, end) in all {
        match joined.last_mut().filter(|last| last.1 == start) {
            Some(last) => last.1 = end,
            None => joined.push((start, end)),
        }
    }
    joined
}

/// What nothing else says. NaN is not drawn, and where an hour has one, it does not say what else
/// it has but at its ends.
fn draw_left(drawn: &Drawn, columns: &mut Columns) {
    if drawn.sum.is_nan() {
        let points = drawn.points.into_iter().filter(|point| !point.number.is_nan());
        points.for_each(|point| columns.take(point));
    } else {
        columns.take_hour(drawn);
    }
}

/// Draws day after day. Where an hour has NaN, the readings of the day are drawn.
struct Brush<'a> {
    columns: &'a mut Columns,
    /// Hours of one day; not of one folder, because some hold many days.
    waiting: Vec<Drawn>,
    spoiled: BTreeSet<i64>,
}

impl Brush<'_> {
    fn take(&mut self, drawn: Drawn) {
        let other = |last: &Drawn| last.hour.div_euclid(DAY_MS) != drawn.hour.div_euclid(DAY_MS);
        if self.waiting.last().is_some_and(other) {
            self.end_day();
        }
        self.waiting.push(drawn);
    }

    fn end_day(&mut self) {
        let Some(first) = self.waiting.first() else { return };
        if self.waiting.iter().any(|drawn| drawn.sum.is_nan()) {
            self.spoiled.insert(first.hour.div_euclid(DAY_MS));
            self.waiting.clear();
            return;
        }
        self.waiting.drain(..).for_each(|drawn| self.columns.take_hour(&drawn));
    }
}

/// Those that have numbers.
fn each_hour(batch: &RecordBatch, mut each: impl FnMut(Drawn)) {
    let number = |place: usize| batch.column(place).as_primitive::<Float64Type>();
    let time = |place: usize| batch.column(place).as_primitive::<TimestampMillisecondType>();
    let numbers = batch.column(1).as_primitive::<Int64Type>();
    for row in (0..batch.num_rows()).filter(|row| numbers.value(*row) > 0) {
        let point = |place: usize| Point {
            time: Timestamp::from_millis(time(place + 1).value(row)),
            number: number(place).value(row),
        };
        each(Drawn {
            hour: time(0).value(row),
            count: u64::try_from(numbers.value(row)).unwrap_or_default(),
            sum: number(2).value(row),
            points: [point(3), point(5), point(7), point(9)],
        });
    }
}
