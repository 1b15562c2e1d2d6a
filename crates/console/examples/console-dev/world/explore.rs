//! What Explore asks of the world: rows as the statement of the question would give them.

use std::collections::BTreeMap;
use std::time::Duration;

use console::{
    Bucket, Cell, Choices, Column, ColumnKind, Draw, Exploration, Named, Search, SqlAnswer,
};
use model::Timestamp;

use super::devices::{Sense, Shape};
use super::{Spec, World};

const DAY_MS: i64 = 86_400_000;
/// Midnight in Nairobi is three hours before that of UTC, and the first day of 1970 a Thursday.
const ZONE_MS: i64 = 3 * 3_600_000;
const MONDAY_MS: i64 = 3 * DAY_MS;

fn numeric(sense: &&Sense) -> bool {
    !matches!(sense.shape, Shape::Words(_))
}

impl World {
    pub(super) fn offered(&self, search: &Search) -> Choices {
        let now = self.time();
        let each = self.specs.iter().flat_map(|spec| {
            let last = spec.latest(now);
            spec.senses.iter().filter(numeric).map(move |sense| Named {
                device: &spec.handle,
                signal: sense.name,
                unit: sense.unit,
                last,
            })
        });
        Choices::of(search, each)
    }

    pub(super) fn explored(&self, question: &Exploration, rows_max: usize) -> SqlAnswer {
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        for spec in self.specs.iter().filter(|spec| question.devices.contains(&spec.handle)) {
            let wanted = |sense: &&Sense| question.signals.iter().any(|name| name == sense.name);
            for sense in spec.senses.iter().filter(numeric).filter(wanted) {
                rows.extend(part(spec, sense, question, None));
                if let Some(earlier) = question.earlier {
                    rows.extend(part(spec, sense, question, Some(earlier)));
                }
            }
        }
        let truncated = rows.len() > rows_max;
        rows.truncate(rows_max);
        SqlAnswer { columns: columns(question), rows, truncated, took: Duration::from_millis(9) }
    }
}

fn columns(question: &Exploration) -> Vec<Column> {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    let mut columns = vec![
        column("time", ColumnKind::Time),
        column("device", ColumnKind::Text),
        column("signal", ColumnKind::Text),
    ];
    let number = |name: &str| column(name, ColumnKind::Number);
    match question.draw {
        Draw::Line | Draw::Raw => columns.push(number("value")),
        Draw::Band => columns.extend(["lowest", "mean", "highest", "readings"].map(number)),
        Draw::Mean | Draw::Lowest | Draw::Highest | Draw::Sum | Draw::Last => {
            columns.extend([question.draw.column(), "readings"].map(number));
        }
    }
    if question.earlier.is_some() {
        columns.push(column("period", ColumnKind::Text));
    }
    columns
}

fn part(
    spec: &Spec,
    sense: &Sense,
    question: &Exploration,
    earlier: Option<Duration>,
) -> Vec<Vec<Cell>> {
    let shift = earlier.unwrap_or_default();
    let first = question.from.saturating_sub(shift).saturating_sub(Duration::from_millis(1));
    let to = question.to.saturating_sub(shift).saturating_sub(Duration::from_millis(1));
    let readings =
        spec.reports(first, to).map(|time| (time.saturating_add(shift), spec.number(sense, time)));
    let mut buckets: BTreeMap<i64, Vec<(Timestamp, f64)>> = BTreeMap::new();
    for (time, value) in readings {
        buckets.entry(bucket(question, time)).or_default().push((time, value));
    }
    let period = question.earlier.map(|_| if earlier.is_some() { "before" } else { "now" });
    let name = |text: &str| Cell::Text(text.to_owned());
    buckets
        .into_iter()
        .flat_map(|(at, readings)| cells(question.draw, at, &readings))
        .map(|(time, values)| {
            let mut row = vec![Cell::Time(time), name(&spec.handle), name(sense.name)];
            row.extend(values);
            row.extend(period.map(name));
            row
        })
        .collect()
}

/// The start of the bucket, in milliseconds.
fn bucket(question: &Exploration, time: Timestamp) -> i64 {
    let (step, origin) = match question.bucket {
        _ if question.draw == Draw::Raw => return time.millis(),
        Bucket::Seconds { step, origin } => {
            (i64::try_from(step).unwrap_or(1) * 1_000, origin.millis())
        }
        Bucket::Day => (DAY_MS, -ZONE_MS),
        Bucket::Week => (7 * DAY_MS, -MONDAY_MS - ZONE_MS),
    };
    (time.millis() - origin).div_euclid(step) * step + origin
}

fn cells(draw: Draw, at: i64, readings: &[(Timestamp, f64)]) -> Vec<(Timestamp, Vec<Cell>)> {
    let by_value = |a: &&(Timestamp, f64), b: &&(Timestamp, f64)| a.1.total_cmp(&b.1);
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else { return Vec::new() };
    let low = readings.iter().min_by(by_value).unwrap_or(first);
    let high = readings.iter().max_by(by_value).unwrap_or(first);
    let single = |points: Vec<(Timestamp, f64)>| {
        points.into_iter().map(|(time, value)| (time, vec![Cell::Number(value)])).collect()
    };
    let sum: f64 = readings.iter().map(|(_, value)| value).sum();
    let mean = sum / f64::from(u32::try_from(readings.len()).unwrap_or(u32::MAX));
    let values = match draw {
        Draw::Raw => return single(readings.to_vec()),
        Draw::Line => {
            let mut four = vec![*first, *low, *high, *last];
            four.sort_by_key(|(time, _)| *time);
            four.dedup_by_key(|(time, _)| *time);
            return single(four);
        }
        Draw::Band => vec![low.1, mean, high.1],
        Draw::Mean => vec![mean],
        Draw::Lowest => vec![low.1],
        Draw::Highest => vec![high.1],
        Draw::Sum => vec![sum],
        Draw::Last => vec![last.1],
    };
    let count = Cell::Integer(i64::try_from(readings.len()).unwrap_or(i64::MAX));
    let cells = values.into_iter().map(Cell::Number).chain([count]).collect();
    vec![(Timestamp::from_millis(at), cells)]
}
