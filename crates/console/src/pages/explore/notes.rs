//! What the page has to say beside its charts: limits that were reached, and what is not there.

use std::time::Duration;

use crate::explore::{DEVICES_MAX, Draw, SIGNALS_MAX};
use crate::markup::Markup;
use crate::pages::explore::plan::Plan;
use crate::pages::explore::state::{Asked, SPAN_MAX, Time, TimeFault};
use crate::pages::explore::{ROWS_MAX, View};
use crate::show;
use crate::site::SqlAnswer;
use crate::words::Text;

/// A sentence, and the address that does what it says.
pub(crate) struct Note {
    pub(crate) sentence: Markup,
    pub(crate) link: Option<(&'static str, String)>,
}

impl Note {
    fn plain(sentence: Markup) -> Self {
        Self { sentence, link: None }
    }

    fn linked(sentence: Markup, label: &'static str, asked: &Asked) -> Self {
        Self { sentence, link: Some((label, asked.address("/explore"))) }
    }
}

/// What can be said before anything is asked for.
pub(crate) fn of_choice(view: &View, plan: Option<&Plan>, t: Text) -> Vec<Note> {
    let mut notes = Vec::new();
    let limit = |limit: usize| show::code(&limit.to_string());
    if let Err(fault) = view.span {
        notes.push(Note::plain(time_fault(fault, view, t)));
    }
    if view.over.devices > 0 {
        notes.push(Note::plain(t.explore_over_devices(&limit(DEVICES_MAX), view.over.devices)));
    }
    if view.over.signals > 0 {
        notes.push(Note::plain(t.explore_over_signals(&limit(SIGNALS_MAX), view.over.signals)));
    }
    let Asked { signals, devices, .. } = &view.asked;
    let chosen = !signals.is_empty() || !devices.is_empty();
    if chosen && view.choices.lines.is_empty() {
        notes.push(Note::plain(Markup::text(t.explore_no_pair())));
    }
    let Some(plan) = plan else { return notes };
    if devices.is_empty() {
        notes.push(Note::plain(Markup::text(t.explore_first_devices())));
    }
    if signals.is_empty() {
        notes.push(Note::plain(Markup::text(t.explore_first_signals())));
    }
    for signal in &plan.dropped {
        notes.push(Note::plain(t.explore_over_lines(&show::name(&show::label(signal)))));
    }
    if let Some((wanted, step)) = plan.coarser {
        let span = |seconds| show::span(Duration::from_secs(seconds), t);
        notes.push(Note::plain(t.explore_coarser(&span(wanted), &span(step))));
    }
    notes
}

fn time_fault(fault: TimeFault, view: &View, t: Text) -> Markup {
    match fault {
        TimeFault::Unclear => {
            t.explore_time_unclear(&show::code(&show::field(view.now, &view.zone)))
        }
        TimeFault::Backwards => Markup::text(t.explore_time_backwards()),
        TimeFault::Long => t.explore_time_long(&show::span(SPAN_MAX, t)),
    }
}

/// What the answer leaves to say.
pub(crate) fn of_answer(view: &View, plan: &Plan, answer: &SqlAnswer, t: Text) -> Vec<Note> {
    if answer.truncated {
        let line = Asked { draw: Draw::Line, ..view.asked.clone() };
        let count = u64::try_from(ROWS_MAX).unwrap_or(u64::MAX);
        return vec![Note::linked(t.explore_too_many(count), t.explore_draw_line(), &line)];
    }
    if !answer.rows.is_empty() {
        return Vec::new();
    }
    let Some(last) = plan.lines.iter().map(|line| line.last).max() else { return Vec::new() };
    let span = plan.question.to.since(plan.question.from);
    // The last reading lies just inside of the span that ends a minute after it.
    let to = last.saturating_add(Duration::from_secs(60));
    let there = view.asked.with_time(Time::free((to.saturating_sub(span), to), &view.zone));
    let last = show::day_and_clock(last, view.now, &view.zone);
    vec![Note::linked(t.explore_none(&last), t.explore_go_there(), &there)]
}
