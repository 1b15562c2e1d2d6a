//! One small multiple per signal: all of one colour, one time axis under the last.

use crate::chart::{self, Plot, Tick, Trace};
use crate::markup::Markup;
use crate::pages::device::{Asked, COLUMNS, View};
use crate::pages::range::Range;
use crate::pages::rows::cell;
use crate::show;
use crate::site::{Point, Signal};
use crate::urls;
use crate::words::Text;

/// Eight charts are some 20 KB compressed; a page with charts may weigh 60 with its scripts.
const FIGURES_MAX: usize = 8;

pub(crate) struct Charts {
    pub(crate) figures: Vec<Figure>,
    pub(crate) axis: Option<Markup>,
    /// For the script, as JSON.
    pub(crate) points: String,
    /// Times of the labels on the axis, in milliseconds, as the script reads them.
    pub(crate) ticks: String,
    /// Tables stand where the drawings would.
    pub(crate) plain: bool,
    /// Signals that have no chart on this page.
    pub(crate) more: Option<Markup>,
}

pub(crate) struct Figure {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) cell: String,
    pub(crate) value: Markup,
    pub(crate) range: Markup,
    pub(crate) summary: String,
    pub(crate) drawing: Markup,
    /// Where this signal is compared with that of other devices.
    pub(crate) explore: String,
    pub(crate) sql: String,
    pub(crate) rows: Vec<Numbers>,
    pub(crate) decimated: bool,
}

/// A line of the table that stands for a chart.
pub(crate) struct Numbers {
    pub(crate) time: Markup,
    pub(crate) last: Markup,
    pub(crate) low: Markup,
    pub(crate) mean: Markup,
    pub(crate) high: Markup,
}

pub(crate) fn draw(view: &View, asked: &Asked, t: Text) -> Charts {
    let range = Range::parse(&asked.range);
    let window = view.window;
    let times = chart::ticks(window.from, window.to, &view.zone);
    let plain = asked.show == "table";
    let numeric: Vec<&Signal> = view.device.signals.iter().filter(|one| charted(one)).collect();
    let asked_for = |one: &&&Signal| asked.signal.is_empty() || one.name == asked.signal;
    let shown: Vec<&Signal> = numeric.iter().filter(asked_for).take(FIGURES_MAX).copied().collect();
    let hidden = u64::try_from(numeric.len() - shown.len()).unwrap_or_default();
    let figures = shown.iter().enumerate().map(|(index, signal)| {
        let mut figure = figure((view, range, t), signal, &plot_of(view, signal), &times);
        figure.id = format!("signal-{index}");
        if plain {
            figure.rows = numbers(view, signal);
        }
        figure
    });
    let plots: Vec<Trace<'_>> = shown
        .iter()
        .map(|signal| Trace {
            name: &signal.name,
            unit: signal.unit.as_deref(),
            plot: plot_of(view, signal),
            colour: 1,
            before: false,
        })
        .collect();
    let zone = show::zone_name(window.to, &view.zone);
    let axis = plots.first().filter(|_| !plain);
    Charts {
        axis: axis.map(|trace| chart::axis_row(&trace.plot, &times, &zone)),
        ticks: times
            .iter()
            .map(|tick| tick.time.millis().to_string())
            .collect::<Vec<_>>()
            .join(","),
        points: if plain { String::new() } else { chart::script(&plots) },
        figures: figures.collect(),
        plain,
        more: (hidden > 0).then(|| t.charts_hidden(hidden)),
    }
}

fn charted(signal: &Signal) -> bool {
    !signal.points.is_empty()
}

fn plot_of<'a>(view: &View, signal: &'a Signal) -> Plot<'a> {
    let span = (view.window.from, view.window.to);
    Plot::new(span, COLUMNS, (&signal.points, signal.decimated))
}

fn figure(
    (view, range, t): (&View, Range, Text),
    signal: &Signal,
    plot: &Plot<'_>,
    times: &[Tick],
) -> Figure {
    let handle = &view.device.row.handle;
    let unit = signal.unit.as_deref();
    let (low, high) = plot.extremes().unwrap_or_default();
    let (low_text, high_text) = (show::number(low), show::number_unit(high, unit));
    let label = show::label(&signal.name);
    let last = signal.latest.as_ref().map(|one| show::value_plain(&one.value, unit, t));
    let said = t.chart_summary_plain(
        plot.gaps(),
        &label,
        range.label(t),
        &show::number_unit(low, unit),
        &show::number_unit(high, unit),
        &last.unwrap_or_default(),
    );
    Figure {
        id: String::new(),
        name: signal.name.clone(),
        cell: cell(handle, &signal.name),
        value: super::value(signal.latest.as_ref(), unit, t),
        range: t.chart_range(
            &Markup::text(range.label(t)),
            &show::code(&low_text),
            &show::code(&high_text),
        ),
        summary: said,
        drawing: chart::plot(plot, times),
        explore: format!(
            "/explore{}",
            urls::query(&[
                ("signal", &signal.name),
                ("device", handle),
                ("range", if range == Range::default() { "" } else { range.word() }),
            ])
        ),
        sql: format!("/sql{}", urls::query(&[("q", &statement(handle, &signal.name, range))])),
        rows: Vec::new(),
        decimated: signal.decimated,
        label,
    }
}

fn statement(handle: &str, signal: &str, range: Range) -> String {
    let quoted = |text: &str| text.replace('\'', "''");
    format!(
        "SELECT time, number\nFROM readings\nWHERE device = '{}' AND signal = '{}'\n  \
         AND time >= now() - INTERVAL '{}'\nORDER BY time DESC\nLIMIT 1000",
        quoted(handle),
        quoted(signal),
        range.interval()
    )
}

/// The newest first: what one looks for in a table.
fn numbers(view: &View, signal: &Signal) -> Vec<Numbers> {
    let unit = signal.unit.as_deref();
    let text = |value: f64| show::code(&show::number_unit(value, unit));
    let one = |point: &Point| Numbers {
        time: show::stamp(point.time, &view.zone),
        last: text(point.last),
        low: text(point.min),
        mean: text(point.mean),
        high: text(point.max),
    };
    signal.points.iter().rev().map(one).collect()
}
