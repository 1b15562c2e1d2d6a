//! Charts of several lines with their legends, drawn on the server, and what the script needs to
//! draw them anew.

use jiff::tz::TimeZone;
use model::Timestamp;

use crate::chart::{self, LETTERS_OF_LINES, Plot, Stroke, Tick, Trace};
use crate::markup::Markup;
use crate::show;
use crate::words::Text;

/// Pixels from the top of a plot to its bottom: what lines of many devices need to lie apart.
const HEIGHT: f64 = 216.0;

/// A line in the legend.
#[derive(Clone, Debug, Default)]
pub(crate) struct Key {
    /// At the end of the line too, where there are several.
    pub(crate) letter: Option<char>,
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) href: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) before: Option<&'static str>,
}

/// A line that is to be drawn.
pub(crate) struct Trail<'a> {
    pub(crate) key: Key,
    pub(crate) plot: Plot<'a>,
    /// 1 to 6.
    pub(crate) colour: u8,
}

/// Lines of one chart.
pub(crate) struct Group<'a> {
    pub(crate) title: String,
    pub(crate) said: &'static str,
    pub(crate) unit: Option<&'a str>,
    pub(crate) lines: Vec<Trail<'a>>,
}

pub(crate) struct Figure {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) unit: String,
    pub(crate) said: &'static str,
    pub(crate) summary: String,
    pub(crate) drawing: Markup,
    pub(crate) letters: Option<Markup>,
    pub(crate) legend: Vec<Key>,
}

/// Charts over one time axis.
pub(crate) struct Drawing {
    pub(crate) figures: Vec<Figure>,
    pub(crate) axis: Option<Markup>,
    /// For the script, as JSON.
    pub(crate) points: String,
    pub(crate) ticks: String,
    pub(crate) bounds: (i64, i64),
    pub(crate) columns: u32,
    pub(crate) zone: String,
}

impl Drawing {
    pub(crate) fn new(
        (from, to): (Timestamp, Timestamp),
        columns: u32,
        groups: Vec<Group<'_>>,
        zone: &TimeZone,
        t: Text,
    ) -> Self {
        let times = chart::ticks(from, to, zone);
        let names: Vec<String> = (0..groups.len()).map(|index| format!("chart-{index}")).collect();
        let figures = groups.iter().zip(&names).map(|(group, name)| figure(group, &times, name, t));
        let figures: Vec<Figure> = figures.collect();
        let first = groups.first().and_then(|group| group.lines.first());
        let axis =
            first.map(|line| chart::axis_row(&line.plot, &times, &show::zone_name(to, zone)));
        let ticks: Vec<String> = times.iter().map(|tick| tick.time.millis().to_string()).collect();
        Self {
            figures,
            axis,
            points: chart::script(&traces(groups, &names)),
            ticks: ticks.join(","),
            bounds: (from.millis(), to.millis()),
            columns,
            zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        }
    }
}

fn traces<'a>(groups: Vec<Group<'a>>, names: &'a [String]) -> Vec<Trace<'a>> {
    let each = groups.into_iter().zip(names).flat_map(|(group, name)| {
        group.lines.into_iter().map(move |line| Trace {
            name,
            unit: group.unit,
            plot: line.plot,
            colour: line.colour,
            before: line.key.before.is_some(),
        })
    });
    each.collect()
}

fn figure(group: &Group<'_>, times: &[Tick], id: &str, t: Text) -> Figure {
    let stroke = |line| {
        let Trail { key, plot, colour }: &Trail<'_> = line;
        Stroke { plot, colour: *colour, before: key.before.is_some() }
    };
    let strokes: Vec<Stroke<'_>> = group.lines.iter().map(stroke).collect();
    let extremes = group.lines.iter().filter_map(|line| line.plot.extremes());
    let (low, high) =
        extremes.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))).unwrap_or_default();
    let count = u64::try_from(group.lines.len()).unwrap_or(u64::MAX);
    let text = |value| show::number_unit(value, group.unit);
    Figure {
        id: id.to_owned(),
        summary: t.explore_summary_plain(count, &group.title, &text(low), &text(high)),
        unit: group.unit.filter(|unit| *unit != "1").unwrap_or_default().to_owned(),
        said: group.said,
        drawing: chart::sheet(&strokes, (HEIGHT, group.unit), times),
        letters: chart::letters(&strokes, HEIGHT),
        legend: legend(&group.lines),
        title: group.title.clone(),
    }
}

fn legend(lines: &[Trail<'_>]) -> Vec<Key> {
    let several = lines.iter().filter(|line| line.key.before.is_none()).count() > 1;
    let mut letters = LETTERS_OF_LINES.into_iter();
    let each = lines.iter().map(|line| {
        let before = line.key.before.is_some();
        let letter = if before { None } else { letters.next() };
        let before = if before { " before" } else { "" };
        Key {
            letter: letter.filter(|_| several),
            class: format!("s{}{before}", line.colour),
            ..line.key.clone()
        }
    });
    each.collect()
}
