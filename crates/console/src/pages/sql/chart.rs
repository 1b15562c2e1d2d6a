//! An answer as charts: the first column of times against every column of numbers, a line for each
//! text that stands beside them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use model::Timestamp;

use crate::chart::Plot;
use crate::pages::device::COLUMNS;
use crate::pages::figure::{Drawing, Group, Key, Trail};
use crate::site::{Cell, ColumnKind, Point, SqlAnswer};
use crate::words::Text;

/// Columns of numbers that get a chart.
const CHARTS_MAX: usize = 4;
/// Lines in a chart: more cannot be told apart.
const LINES_MAX: usize = 6;
/// Values on a page; see `explore::plan::POINTS_MAX`.
const POINTS_MAX: usize = 2_880;

/// What stands beside its numbers in texts, and its points.
type Line = (String, Vec<Point>);

/// What can be drawn of an answer.
pub(super) struct Lines {
    /// Each column of numbers by its name.
    charts: Vec<(String, Vec<Line>)>,
}

impl Lines {
    /// `None` where there are no two times with a number.
    pub(super) fn of(answer: &SqlAnswer) -> Option<Self> {
        let kinds = || answer.columns.iter().enumerate();
        let of_kind = |kind| move |(_, column): &(usize, &crate::site::Column)| column.kind == kind;
        let (time, _) = kinds().find(of_kind(ColumnKind::Time))?;
        let texts: Vec<usize> =
            kinds().filter(of_kind(ColumnKind::Text)).map(|(place, _)| place).collect();
        let rows = answer.rows.len().max(1);
        let numbers = kinds().filter(of_kind(ColumnKind::Number));
        let charts: Vec<_> = numbers
            .take(CHARTS_MAX.min(POINTS_MAX / rows))
            .map(|(place, column)| (column.name.clone(), lines(answer, (time, place), &texts)))
            .filter(|(_, lines)| lines.iter().any(|(_, points)| points.len() > 1))
            .collect();
        (!charts.is_empty()).then_some(Self { charts })
    }

    pub(super) fn draw(&self, zone: &TimeZone, t: Text) -> Option<Drawing> {
        let points = || self.charts.iter().flat_map(|(_, lines)| lines).flat_map(|(_, one)| one);
        let from = points().map(|point| point.time).min()?;
        let to = points().map(|point| point.time).max()?;
        let groups: Vec<Group<'_>> = self
            .charts
            .iter()
            .map(|(name, lines)| Group {
                title: name.clone(),
                said: "",
                unit: None,
                lines: lines
                    .iter()
                    .zip(1..)
                    .map(|(line, at)| trail((from, to), line, at))
                    .collect(),
            })
            .collect();
        Some(Drawing::new((from, to), COLUMNS, groups, zone, t))
    }
}

fn trail<'a>(span: (Timestamp, Timestamp), (name, points): &'a Line, colour: u8) -> Trail<'a> {
    let key = Key { name: name.clone(), ..Key::default() };
    Trail { key, plot: Plot::new(span, COLUMNS, (points, false)), colour }
}

/// The lines of one column, each in the order of time.
fn lines(answer: &SqlAnswer, (time, number): (usize, usize), texts: &[usize]) -> Vec<Line> {
    let mut lines: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for row in &answer.rows {
        let Some(Cell::Time(time)) = row.get(time) else { continue };
        let value = match row.get(number) {
            Some(Cell::Number(value)) if value.is_finite() => *value,
            #[expect(clippy::cast_precision_loss, reason = "a plot is not as fine as a double")]
            Some(Cell::Integer(value)) => *value as f64,
            _ => continue,
        };
        let words = texts.iter().filter_map(|place| match row.get(*place) {
            Some(Cell::Text(text)) => Some(text.as_str()),
            _ => None,
        });
        let name = words.collect::<Vec<_>>().join(" \u{b7} ");
        if lines.len() == LINES_MAX && !lines.contains_key(&name) {
            continue;
        }
        let point = Point { time: *time, last: value, min: value, max: value, mean: value };
        lines.entry(name).or_default().push(point);
    }
    for points in lines.values_mut() {
        points.sort_by_key(|point| point.time);
    }
    lines.into_iter().collect()
}
