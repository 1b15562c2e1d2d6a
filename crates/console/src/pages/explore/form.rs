//! The controls of Explore: lists to choose from, the time, how it is drawn.

use std::time::Duration;

use crate::explore::{Choice, Choices};
use crate::markup::Markup;
use crate::pages::explore::View;
use crate::pages::explore::plan::Plan;
use crate::pages::explore::state::{Asked, Compare, DRAWS, EVERY, Time, draw_label, draw_word};
use crate::pages::range::Range;
use crate::show;
use crate::words::Text;

/// Something to begin with: signals that most devices have.
const SUGGESTIONS_MAX: usize = 4;

/// A link among others.
pub(crate) struct Link {
    pub(crate) label: &'static str,
    pub(crate) href: String,
    pub(crate) chosen: bool,
}

pub(crate) struct Choose {
    pub(crate) word: &'static str,
    pub(crate) label: String,
    pub(crate) chosen: bool,
}

pub(crate) struct Form {
    pub(crate) ranges: Vec<Link>,
    /// The same span earlier and later, less and more of it.
    pub(crate) moves: Vec<(&'static str, &'static str, String)>,
    /// As it is written in its field.
    pub(crate) from: String,
    pub(crate) to: String,
    /// The preset that holds while the fields are empty.
    pub(crate) range: &'static str,
    pub(crate) table: bool,
    pub(crate) draws: Vec<Choose>,
    pub(crate) steps: Vec<Choose>,
    pub(crate) compares: Vec<Choose>,
}

impl Form {
    pub(crate) fn new(view: &View, plan: Option<&Plan>, t: Text) -> Self {
        let asked = &view.asked;
        let (from, to, range) = match &asked.time {
            Time::Range(range) => (String::new(), String::new(), range.word()),
            Time::Free { from, to } => (from.clone(), to.clone(), ""),
        };
        let ranges = Range::ALL.map(|range| Link {
            label: range.label(t),
            href: asked.with_time(Time::Range(range)).address("/explore"),
            chosen: asked.time == Time::Range(range),
        });
        let option = |word, label: &str, chosen| Choose { word, label: label.to_owned(), chosen };
        let auto = option("auto", t.every_auto(), asked.every.is_none());
        let steps = EVERY.map(|(word, seconds)| Choose {
            word,
            label: step_label(seconds, t),
            chosen: asked.every == Some(seconds),
        });
        Self {
            ranges: ranges.into(),
            moves: plan.map(|plan| moves(view, plan, t)).unwrap_or_default(),
            from,
            to,
            range,
            table: asked.table,
            draws: DRAWS
                .map(|draw| option(draw_word(draw), draw_label(draw, t), draw == asked.draw))
                .into(),
            steps: std::iter::once(auto).chain(steps).collect(),
            compares: Compare::ALL
                .map(|one| option(one.word(), one.label(t), one == asked.compare))
                .into(),
        }
    }
}

fn step_label(seconds: u64, t: Text) -> String {
    match seconds {
        86_400 => t.every_day().to_owned(),
        604_800 => t.every_week().to_owned(),
        _ => show::span_plain(Duration::from_secs(seconds), t),
    }
}

/// Sign, name, address.
fn moves(view: &View, plan: &Plan, t: Text) -> Vec<(&'static str, &'static str, String)> {
    let (from, to) = (plan.question.from, plan.question.to);
    let span = to.since(from);
    let (quarter, half) = (span / 4, span / 2);
    let to_span = |from, to| {
        let time = Time::free((from, to), &view.zone);
        view.asked.with_time(time).address("/explore")
    };
    let back = |by| (from.saturating_sub(by), to.saturating_sub(by));
    let (earlier_from, earlier_to) = back(half);
    vec![
        ("‹", t.explore_earlier(), to_span(earlier_from, earlier_to)),
        ("−", t.explore_wider(), to_span(from.saturating_sub(half), to.saturating_add(half))),
        (
            "+",
            t.explore_closer(),
            to_span(from.saturating_add(quarter), to.saturating_sub(quarter)),
        ),
        ("›", t.explore_later(), to_span(from.saturating_add(half), to.saturating_add(half))),
    ]
}

/// Both lists.
pub(crate) struct Chooser {
    pub(crate) lists: [List; 2],
}

pub(crate) struct List {
    /// The key in the address, and part of ids.
    pub(crate) key: &'static str,
    pub(crate) names: Vec<Choice>,
    pub(crate) more: Option<Markup>,
}

impl Chooser {
    /// What is drawn without having been chosen is marked as chosen: one takes it from there.
    pub(crate) fn new(choices: &Choices, t: Text) -> Self {
        let marked = |names: &[Choice], drawn: &dyn Fn(&str) -> bool| {
            let any = names.iter().any(|one| one.chosen);
            let mark = |one: &Choice| Choice {
                chosen: one.chosen || (!any && drawn(&one.name)),
                ..one.clone()
            };
            let mut list: Vec<Choice> = names.iter().map(mark).collect();
            list.sort_by_key(|one| !one.chosen);
            list
        };
        let more = |count: u64| (count > 0).then(|| t.explore_more(count));
        let lines = &choices.lines;
        let signal = |name: &str| lines.iter().any(|line| line.signal == name);
        let device = |name: &str| lines.iter().any(|line| line.device == name);
        Self {
            lists: [
                List {
                    key: "signal",
                    names: marked(&choices.signals, &signal),
                    more: more(choices.signals_more),
                },
                List {
                    key: "device",
                    names: marked(&choices.devices, &device),
                    more: more(choices.devices_more),
                },
            ],
        }
    }
}

pub(crate) fn suggestions(choices: &Choices, t: Text) -> Vec<(Markup, String)> {
    let each = choices.signals.iter().take(SUGGESTIONS_MAX).map(|signal| {
        let asked = Asked { signals: vec![signal.name.clone()], ..Asked::default() };
        let label = t.explore_suggestion(&show::name(&show::label(&signal.name)), signal.count);
        (label, asked.address("/explore"))
    });
    each.collect()
}
