//! Charts, their legend, and the table that can stand for them.

use jiff::tz::TimeZone;
use model::Timestamp;

use crate::chart::{self, LETTERS_OF_LINES, Plot, Stroke, Tick, Trace};
use crate::explore::Draw;
use crate::markup::Markup;
use crate::pages::explore::View;
use crate::pages::explore::lines::{Chart, Drawn, charts};
use crate::pages::explore::plan::Plan;
use crate::pages::explore::state::{Asked, draw_label};
use crate::pages::sql;
use crate::show;
use crate::site::SqlAnswer;
use crate::urls;
use crate::words::Text;

/// Pixels from the top of a plot to its bottom: what lines of many devices need to lie apart.
const HEIGHT: f64 = 216.0;

/// A table is for looking: what is longer is downloaded.
const TABLE_ROWS_MAX: usize = 300;

/// Everything that is drawn.
pub(crate) struct Sheet {
    pub(crate) figures: Vec<Figure>,
    pub(crate) plain: bool,
    pub(crate) axis: Option<Markup>,
    pub(crate) points: String,
    pub(crate) ticks: String,
    pub(crate) bounds: (i64, i64),
    pub(crate) columns: u32,
    pub(crate) zone: String,
    pub(crate) rows: Vec<Row>,
    draw: Draw,
    pub(crate) rows_cut: Option<Markup>,
    pub(crate) as_table: (&'static str, String),
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

pub(crate) struct Figure {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) unit: String,
    pub(crate) said: &'static str,
    pub(crate) summary: String,
    pub(crate) drawing: Markup,
    pub(crate) letters: Option<Markup>,
    pub(crate) legend: Vec<Entry>,
}

/// A line of the legend and of the summary.
pub(crate) struct Entry {
    pub(crate) letter: Option<char>,
    pub(crate) class: String,
    pub(crate) device: String,
    pub(crate) href: String,
    /// Where one unit holds several signals.
    pub(crate) signal: Option<String>,
    pub(crate) before: Option<&'static str>,
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
    let (from, to) = (plan.question.from, plan.question.to);
    let times = chart::ticks(from, to, &view.zone);
    let plain = view.asked.table;
    let names: Vec<String> = (0..charts.len()).map(|index| format!("chart-{index}")).collect();
    let plots: Vec<Vec<Plot<'_>>> = charts.iter().map(|chart| plots(plan, chart)).collect();
    let figures: Vec<Figure> = charts
        .iter()
        .zip(&plots)
        .zip(&names)
        .map(|((chart, plots), name)| figure((view, t), (chart, plots), &times, name))
        .collect();
    let axis = plots.first().and_then(|plots| plots.first()).filter(|_| !plain);
    let axis = axis.map(|plot| chart::axis_row(plot, &times, &show::zone_name(to, &view.zone)));
    let (rows, rows_cut) = if plain { table(view, &charts, t) } else { (Vec::new(), None) };
    let statement = plan.question.statement();
    let other = Asked { table: !plain, ..view.asked.clone() };
    let label = if plain { t.show_chart() } else { t.show_table() };
    Sheet {
        points: if plain { String::new() } else { chart::script(&traces(&charts, plots, &names)) },
        figures,
        plain,
        axis,
        ticks: times
            .iter()
            .map(|tick| tick.time.millis().to_string())
            .collect::<Vec<_>>()
            .join(","),
        bounds: (from.millis(), to.millis()),
        columns: plan.columns,
        zone: view.zone.iana_name().unwrap_or("UTC").to_owned(),
        rows,
        draw: plan.question.draw,
        rows_cut,
        as_table: (label, other.address("/explore")),
        sql: sql::shared(&statement).ok_or(statement),
        data: ["csv", "json", "parquet"]
            .map(|ending| (ending, view.asked.address(&format!("/explore.{ending}")))),
    }
}

fn plots<'a>(plan: &Plan, chart: &'a Chart) -> Vec<Plot<'a>> {
    let span = (plan.question.from, plan.question.to);
    let banded = plan.question.draw == Draw::Band;
    let each = chart.lines.iter();
    each.map(|line| Plot::new(span, plan.columns, (&line.points, banded))).collect()
}

fn traces<'a>(
    charts: &'a [Chart],
    plots: Vec<Vec<Plot<'a>>>,
    names: &'a [String],
) -> Vec<Trace<'a>> {
    let each = charts.iter().zip(plots).zip(names);
    each.flat_map(|((chart, plots), name)| {
        let lines = chart.lines.iter().zip(plots);
        lines.map(move |(line, plot)| Trace {
            name,
            unit: chart.unit.as_deref(),
            plot,
            colour: line.colour,
            before: line.before,
        })
    })
    .collect()
}

fn figure(
    (view, t): (&View, Text),
    (chart, plots): (&Chart, &[Plot<'_>]),
    times: &[Tick],
    id: &str,
) -> Figure {
    let strokes: Vec<Stroke<'_>> = chart
        .lines
        .iter()
        .zip(plots)
        .map(|(line, plot)| Stroke { plot, colour: line.colour, before: line.before })
        .collect();
    let unit = chart.unit.as_deref();
    let labels: Vec<String> = chart.signals.iter().map(|signal| show::label(signal)).collect();
    let title = labels.join(", ");
    let extremes = plots.iter().filter_map(Plot::extremes);
    let (low, high) =
        extremes.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))).unwrap_or_default();
    let count = u64::try_from(chart.lines.len()).unwrap_or(u64::MAX);
    Figure {
        id: id.to_owned(),
        summary: t.explore_summary_plain(
            count,
            &title,
            &show::number_unit(low, unit),
            &show::number_unit(high, unit),
        ),
        unit: unit.filter(|unit| *unit != "1").unwrap_or_default().to_owned(),
        said: draw_label(view.asked.draw, t),
        drawing: chart::sheet(&strokes, (HEIGHT, unit), times),
        letters: chart::letters(&strokes, HEIGHT),
        legend: legend((chart, plots), view.asked.draw, t),
        title,
    }
}

fn legend((chart, plots): (&Chart, &[Plot<'_>]), draw: Draw, t: Text) -> Vec<Entry> {
    let named = chart.lines.iter().filter(|line| !line.before).count();
    let mut letters = LETTERS_OF_LINES.into_iter();
    let each = chart.lines.iter().zip(plots).map(|(line, plot)| {
        let letter = if line.before { None } else { letters.next() };
        let mut entry = entry((chart, line, plot), t);
        entry.letter = letter.filter(|_| named > 1);
        if !matches!(draw, Draw::Mean | Draw::Band) {
            entry.mean = None;
        }
        entry
    });
    each.collect()
}

fn entry((chart, line, plot): (&Chart, &Drawn, &Plot<'_>), t: Text) -> Entry {
    let unit = chart.unit.as_deref();
    let text = |value: f64| show::code(&show::number_unit(value, unit));
    let (low, high) = plot.extremes().unwrap_or_default();
    let readings: u64 = line.readings.iter().sum();
    let before = if line.before { " before" } else { "" };
    Entry {
        letter: None,
        class: format!("s{}{before}", line.colour),
        href: urls::device(&line.device),
        signal: (chart.signals.len() > 1).then(|| show::label(&line.signal)),
        device: line.device.clone(),
        before: line.before.then(|| t.explore_before()),
        low: text(low),
        mean: mean(line).map(|mean| text(rounded(mean, high - low))),
        high: text(high),
        last: line.points.last().map_or_else(Markup::default, |point| text(point.last)),
        readings: (readings > 0).then(|| show::count(readings)),
    }
}

/// Of all readings, where the buckets say how many they had and what their mean was.
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
    let mut rows: Vec<Row> = charts
        .iter()
        .flat_map(|chart| chart.lines.iter().map(move |line| (chart, line)))
        .flat_map(|(chart, line)| of_line((chart, line), &view.zone, t))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.time));
    let cut = rows.len() > TABLE_ROWS_MAX;
    rows.truncate(TABLE_ROWS_MAX);
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    (rows, cut.then(|| t.explore_table_cut(count)))
}

fn of_line((chart, line): (&Chart, &Drawn), zone: &TimeZone, t: Text) -> Vec<Row> {
    let text = |value: f64| show::code(&show::number_unit(value, chart.unit.as_deref()));
    let row = |point: &crate::site::Point| Row {
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
