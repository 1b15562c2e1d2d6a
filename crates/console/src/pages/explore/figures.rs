//! What Explore shows of an answer: charts, or the table that can stand for them, and the numbers
//! of each line.

use jiff::tz::TimeZone;
use model::Timestamp;

use crate::chart::Plot;
use crate::explore::Draw;
use crate::markup::Markup;
use crate::pages::explore::View;
use crate::pages::explore::lines::{Chart, Drawn, charts};
use crate::pages::explore::plan::Plan;
use crate::pages::explore::state::{Asked, draw_label};
use crate::pages::figure::{Drawing, Group, Key, Trail};
use crate::pages::sql;
use crate::show;
use crate::site::{Point, SqlAnswer};
use crate::urls;
use crate::words::Text;

/// A table is for looking: what is longer is downloaded.
const TABLE_ROWS_MAX: usize = 300;

/// Everything that is drawn.
pub(crate) struct Sheet {
    /// `None`: the table stands there.
    pub(crate) drawing: Option<Drawing>,
    pub(crate) rows: Vec<Row>,
    draw: Draw,
    pub(crate) rows_cut: Option<Markup>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) as_table: (&'static str, String),
    /// An address, or the statement itself where it is too long for one.
    pub(crate) sql: Result<String, String>,
    pub(crate) data: [(&'static str, String); 3],
}

impl Sheet {
    pub(crate) fn banded(&self) -> bool {
        self.draw == Draw::Band
    }

    /// Buckets say how many readings they hold.
    pub(crate) fn counted(&self) -> bool {
        !matches!(self.draw, Draw::Line | Draw::Raw)
    }

    pub(crate) fn averaged(&self) -> bool {
        matches!(self.draw, Draw::Mean | Draw::Band)
    }
}

/// The numbers of a line.
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) signal: String,
    pub(crate) low: Markup,
    pub(crate) mean: Option<Markup>,
    pub(crate) high: Markup,
    pub(crate) last: Markup,
    pub(crate) readings: Option<Markup>,
}

/// A line of the table that stands for the charts.
pub(crate) struct Row {
    time: Timestamp,
    pub(crate) at: Markup,
    pub(crate) device: String,
    pub(crate) signal: String,
    pub(crate) before: Option<&'static str>,
    pub(crate) low: Markup,
    pub(crate) value: Markup,
    pub(crate) high: Markup,
}

pub(crate) fn draw(view: &View, plan: &Plan, answer: &SqlAnswer, t: Text) -> Sheet {
    let charts = charts(plan, answer);
    let draw = plan.question.draw;
    let groups: Vec<Group<'_>> = charts.iter().map(|chart| group(plan, chart, t)).collect();
    let span = (plan.question.from, plan.question.to);
    let drawn = Drawing::new(span, plan.columns, groups, &view.zone, t);
    let keys = drawn.figures.iter().flat_map(|figure| figure.legend.clone());
    let lines = charts.iter().flat_map(|chart| chart.lines.iter().map(move |line| (chart, line)));
    let entries = lines.zip(keys).map(|((chart, line), key)| entry((chart, line), key, draw));
    let entries = entries.collect();
    let plain = view.asked.table;
    let (rows, rows_cut) = if plain { table(view, &charts, t) } else { (Vec::new(), None) };
    let statement = plan.question.statement();
    let other = Asked { table: !plain, ..view.asked.clone() };
    let label = if plain { t.show_chart() } else { t.show_table() };
    Sheet {
        drawing: (!plain).then_some(drawn),
        rows,
        draw,
        rows_cut,
        entries,
        as_table: (label, other.address("/explore")),
        sql: sql::shared(&statement).ok_or(statement),
        data: ["csv", "json", "parquet"]
            .map(|ending| (ending, view.asked.address(&format!("/explore.{ending}")))),
    }
}

fn group<'a>(plan: &Plan, chart: &'a Chart, t: Text) -> Group<'a> {
    let span = (plan.question.from, plan.question.to);
    let banded = plan.question.draw == Draw::Band;
    let several = chart.signals.len() > 1;
    let trail = |line: &'a Drawn| Trail {
        key: Key {
            name: line.device.clone(),
            href: Some(urls::device(&line.device)),
            note: several.then(|| show::label(&line.signal)),
            before: line.before.then(|| t.explore_before()),
            ..Key::default()
        },
        plot: Plot::new(span, plan.columns, (&line.points, banded)),
        colour: line.colour,
    };
    let labels: Vec<String> = chart.signals.iter().map(|signal| show::label(signal)).collect();
    Group {
        title: labels.join(", "),
        said: draw_label(plan.question.draw, t),
        unit: chart.unit.as_deref(),
        lines: chart.lines.iter().map(trail).collect(),
    }
}

fn entry((chart, line): (&Chart, &Drawn), key: Key, draw: Draw) -> Entry {
    let unit = chart.unit.as_deref();
    let text = |value: f64| show::code(&show::number_unit(value, unit));
    let low = line.points.iter().map(|point| point.min).reduce(f64::min).unwrap_or_default();
    let high = line.points.iter().map(|point| point.max).reduce(f64::max).unwrap_or_default();
    let readings: u64 = line.readings.iter().sum();
    let mean = if matches!(draw, Draw::Mean | Draw::Band) { mean(line) } else { None };
    Entry {
        key,
        signal: show::label(&line.signal),
        low: text(low),
        mean: mean.map(|mean| text(rounded(mean, high - low))),
        high: text(high),
        last: line.points.last().map_or_else(Markup::default, |point| text(point.last)),
        readings: (readings > 0).then(|| show::count(readings)),
    }
}

/// Of all readings: buckets say how many they had and what their mean was.
fn mean(line: &Drawn) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 readings")]
    let weighted = line.points.iter().zip(&line.readings).map(|(point, n)| (point.mean, *n as f64));
    let (sum, count) =
        weighted.fold((0.0, 0.0), |(sum, count), (mean, n)| (sum + mean * n, count + n));
    (count > 0.0).then(|| sum / count)
}

/// A mean has no more digits than can be told apart within its span.
fn rounded(mean: f64, span: f64) -> f64 {
    let fine = if span > 0.0 { 10_f64.powf((span / 1_000.0).log10().floor()) } else { 1e-3 };
    (mean / fine).round() * fine
}

/// The newest first: what one looks for in a table.
fn table(view: &View, charts: &[Chart], t: Text) -> (Vec<Row>, Option<Markup>) {
    let lines = charts.iter().flat_map(|chart| chart.lines.iter().map(move |line| (chart, line)));
    let mut rows: Vec<Row> = lines.flat_map(|pair| of_line(pair, &view.zone, t)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.time));
    let cut = rows.len() > TABLE_ROWS_MAX;
    rows.truncate(TABLE_ROWS_MAX);
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    (rows, cut.then(|| t.explore_table_cut(count)))
}

fn of_line((chart, line): (&Chart, &Drawn), zone: &TimeZone, t: Text) -> Vec<Row> {
    let text = |value: f64| show::code(&show::number_unit(value, chart.unit.as_deref()));
    let row = |point: &Point| Row {
        time: point.time,
        at: show::stamp(point.time, zone),
        device: line.device.clone(),
        signal: show::label(&line.signal),
        before: line.before.then(|| t.explore_before()),
        low: text(point.min),
        value: text(point.last),
        high: text(point.max),
    };
    line.points.iter().map(row).collect()
}
