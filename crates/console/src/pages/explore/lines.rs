//! The rows of an answer as lines, and the lines in charts: one unit in each, at most six lines.

use std::collections::BTreeMap;

use model::Timestamp;

use crate::explore::{DEVICES_MAX, Draw, column};
use crate::pages::explore::plan::Plan;
use crate::site::{Cell, Point, SqlAnswer};

/// One device's signal over the span, or over the earlier one.
pub(crate) struct Drawn {
    pub(crate) device: String,
    pub(crate) signal: String,
    pub(crate) before: bool,
    /// 1 to 6; a line and what it is compared with have the same.
    pub(crate) colour: u8,
    pub(crate) points: Vec<Point>,
    /// Of each point, where a bucket says it.
    pub(crate) readings: Vec<u64>,
}

/// Lines of one unit.
pub(crate) struct Chart {
    pub(crate) unit: Option<String>,
    pub(crate) signals: Vec<String>,
    pub(crate) lines: Vec<Drawn>,
}

type Key = (String, String, bool);
type Rows = BTreeMap<Key, Vec<(Point, u64)>>;

pub(crate) fn charts(plan: &Plan, answer: &SqlAnswer) -> Vec<Chart> {
    let mut rows = rows(plan.question.draw, answer);
    let mut charts = laid_out(plan);
    for chart in &mut charts {
        let several = chart.signals.len() > 1;
        let wanted = plan
            .lines
            .iter()
            .filter(|line| line.unit == chart.unit && chart.signals.contains(&line.signal));
        for (colour, line) in wanted.enumerate() {
            // One signal: a device has its colour in every chart. Several: each line its own.
            let device = plan.question.devices.iter().position(|device| *device == line.device);
            let place = if several { colour } else { device.unwrap_or_default() };
            for before in [true, false] {
                let key = (line.device.clone(), line.signal.clone(), before);
                let Some(found) = rows.remove(&key) else { continue };
                let (points, readings) = found.into_iter().unzip();
                chart.lines.push(Drawn {
                    device: key.0,
                    signal: key.1,
                    before,
                    colour: u8::try_from(place % DEVICES_MAX).unwrap_or_default() + 1,
                    points,
                    readings,
                });
            }
        }
    }
    charts.retain(|chart| !chart.lines.is_empty());
    charts
}

/// Charts without their lines. Signals of one unit share one, while their lines can be told apart.
fn laid_out(plan: &Plan) -> Vec<Chart> {
    let mut units: Vec<(Option<String>, Vec<String>, usize)> = Vec::new();
    for line in &plan.lines {
        // What has no unit has nothing in common.
        let same = |one: &&mut (Option<String>, Vec<String>, usize)| {
            one.0 == line.unit && (line.unit.is_some() || one.1.contains(&line.signal))
        };
        match units.iter_mut().find(same) {
            Some((_, signals, count)) => {
                *count += 1;
                if !signals.contains(&line.signal) {
                    signals.push(line.signal.clone());
                }
            }
            None => units.push((line.unit.clone(), vec![line.signal.clone()], 1)),
        }
    }
    let mut charts = Vec::new();
    for (unit, signals, count) in units {
        let chart = |signals| Chart { unit: unit.clone(), signals, lines: Vec::new() };
        if count <= DEVICES_MAX {
            charts.push(chart(signals));
        } else {
            charts.extend(signals.into_iter().map(|signal| chart(vec![signal])));
        }
    }
    charts
}

fn rows(draw: Draw, answer: &SqlAnswer) -> Rows {
    let place = |name: &str| answer.columns.iter().position(|column| column.name == name);
    let columns = [column::TIME, column::DEVICE, column::SIGNAL, draw.column()].map(place);
    let [Some(time), Some(device), Some(signal), Some(value)] = columns else {
        return Rows::new();
    };
    let extremes = match draw {
        Draw::Band => (place("lowest"), place("highest")),
        Draw::Line
        | Draw::Raw
        | Draw::Mean
        | Draw::Lowest
        | Draw::Highest
        | Draw::Sum
        | Draw::Last => (None, None),
    };
    let (readings, period) = (place(column::READINGS), place(column::PERIOD));
    let mut rows = Rows::new();
    for row in &answer.rows {
        let cell = |place: usize| row.get(place);
        let number = |place: Option<usize>| place.and_then(cell).and_then(number);
        let (Some(at), Some(last)) = (cell(time).and_then(instant), number(Some(value))) else {
            continue;
        };
        let min = number(extremes.0).unwrap_or(last);
        let max = number(extremes.1).unwrap_or(last);
        let point = Point { time: at, last, min, max, mean: last };
        let text = |place: usize| cell(place).map(text).unwrap_or_default();
        let before = period.is_some_and(|place| text(place) == column::BEFORE);
        let key = (text(device), text(signal), before);
        rows.entry(key).or_default().push((point, count(readings.and_then(cell))));
    }
    rows
}

/// What is no number is not drawn.
fn number(cell: &Cell) -> Option<f64> {
    let number = match cell {
        Cell::Number(number) => *number,
        #[expect(clippy::cast_precision_loss, reason = "a plot is not as fine as a double")]
        Cell::Integer(number) => *number as f64,
        Cell::Null | Cell::Bool(_) | Cell::Time(_) | Cell::Text(_) => return None,
    };
    number.is_finite().then_some(number)
}

fn instant(cell: &Cell) -> Option<Timestamp> {
    match cell {
        Cell::Time(time) => Some(*time),
        Cell::Null | Cell::Integer(_) | Cell::Number(_) | Cell::Bool(_) | Cell::Text(_) => None,
    }
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Null | Cell::Integer(_) | Cell::Number(_) | Cell::Bool(_) | Cell::Time(_) => {
            String::new()
        }
    }
}

fn count(cell: Option<&Cell>) -> u64 {
    match cell {
        Some(Cell::Integer(count)) => u64::try_from(*count).unwrap_or_default(),
        _ => 0,
    }
}
