//! Completeness: which days of which devices have all of their readings, and what is wrong with the
//! others. A device's own page of it tells the same of its signals.

mod grid;

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::filters;
use crate::markup::Markup;
use crate::pages::sql::{sentence, status};
use crate::pages::{PageFault, faults};
use crate::reply;
use crate::router::Ask;
use crate::shell::{Here, Shell, Theme};
use crate::show;
use crate::site::{SqlAnswer, SqlFault, Window};
use crate::urls;
use crate::words::Text;

use grid::{Grid, Line, Said, Span};

/// Lines of one page: with four weeks they are what a page gets of a statement's rows.
const LINES_MAX: u64 = 30;

/// How many days a page shows.
const LENGTHS: [i16; 3] = [7, 14, 28];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    device: String,
    days: String,
    /// From 0 on.
    page: u64,
}

impl Asked {
    fn length(&self) -> i16 {
        let asked = self.days.parse().ok();
        asked.filter(|days| LENGTHS.contains(days)).unwrap_or(LENGTHS[0])
    }

    fn with(&self, days: i16, page: u64) -> String {
        let page = if page == 0 { String::new() } else { page.to_string() };
        let days = if days == LENGTHS[0] { String::new() } else { days.to_string() };
        let parts = [("device", self.device.as_str()), ("days", &days), ("page", &page)];
        format!("/completeness{}", urls::query(&parts))
    }
}

#[derive(Template)]
#[template(path = "completeness.html")]
struct Page {
    shell: Shell,
    t: Text,
    device: Option<(String, String)>,
    lengths: Vec<(Markup, String, bool)>,
    outcome: Outcome,
}

enum Outcome {
    Grid(Table),
    Fault(Markup),
}

struct Table {
    count: Markup,
    days: Vec<Markup>,
    rows: Vec<Row>,
    before: Option<String>,
    after: Option<String>,
    sql: String,
}

struct Row {
    name: String,
    href: String,
    note: Markup,
    cells: Vec<Cell>,
}

/// One day: how it is coloured, what is said first, and what is wrong.
struct Cell {
    level: &'static str,
    first: Markup,
    wrong: Vec<Markup>,
}

pub(crate) async fn show(ask: Ask, Query(asked): Query<Asked>) -> Response {
    let span = Span::up_to(ask.site.now(), asked.length());
    let first = asked.page.saturating_mul(LINES_MAX);
    let statement = grid::statement(&asked.device, &span, (first, LINES_MAX));
    let t = Text::default();
    let (outcome, status) = match ask.site.sql(&statement).await {
        Ok(answer) if answer.rows.is_empty() && is_nobody(&ask, &asked.device).await => {
            return faults::no_device(&ask, &asked.device);
        }
        Ok(answer) => (Outcome::Grid(table(&asked, &span, &answer, t)), StatusCode::OK),
        Err(fault) => (Outcome::Fault(told(&fault, t)), status(&fault)),
    };
    let device =
        (!asked.device.is_empty()).then(|| (asked.device.clone(), urls::device(&asked.device)));
    let title = t.nav_completeness();
    let length = |days: i16| {
        let label = t.completeness_days(days.unsigned_abs().into());
        (label, asked.with(days, 0), days == asked.length())
    };
    let page = Page {
        t,
        shell: Shell::new(&ask, Here::Completeness, title, ask.site.durable()),
        device,
        lengths: LENGTHS.map(length).into(),
        outcome,
    };
    match page.render() {
        Ok(html) => reply::page(&ask.headers, status, &html),
        Err(fault) => faults::broken(&ask, &PageFault::Template(fault)),
    }
}

/// Whether this names a device that there is not. A site that cannot be read says so elsewhere.
async fn is_nobody(ask: &Ask, device: &str) -> bool {
    let handle = device.to_owned();
    let found = ask.read(move |site| {
        let (from, to) = (site.now(), site.now());
        site.device(&handle, &Window { from, to, columns: 1 })
    });
    !device.is_empty() && matches!(found.await, Ok(None))
}

/// A statement that was stopped has read some days, which it keeps: the next one goes on.
fn told(fault: &SqlFault, t: Text) -> Markup {
    match fault {
        SqlFault::Stopped { after } => t.completeness_stopped(&show::span(*after, t)),
        SqlFault::Statement { .. }
        | SqlFault::ReadOnly
        | SqlFault::Memory { .. }
        | SqlFault::Site(_) => sentence(fault, t),
    }
}

fn table(asked: &Asked, span: &Span, answer: &SqlAnswer, t: Text) -> Table {
    let grid = Grid::of(answer, span);
    let rows = grid.lines.iter().map(|line| row(asked, line, t)).collect();
    let length = asked.length();
    let shown = asked.page.saturating_add(1).saturating_mul(LINES_MAX);
    let statement = grid::plain(&asked.device, span);
    Table {
        count: if asked.device.is_empty() {
            t.completeness_devices(grid.total)
        } else {
            t.completeness_signals(grid.total)
        },
        // Today first: where there is little room, it is what is seen.
        days: span
            .days()
            .map(|day| show::code(&day))
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect(),
        rows,
        before: (asked.page > 0).then(|| asked.with(length, asked.page - 1)),
        after: (grid.total > shown).then(|| asked.with(length, asked.page + 1)),
        sql: format!("/sql{}", urls::query(&[("q", &statement)])),
    }
}

fn row(asked: &Asked, line: &Line, t: Text) -> Row {
    let href = if asked.device.is_empty() {
        let of_device = Asked { device: line.name.clone(), ..asked.clone() };
        of_device.with(asked.length(), 0)
    } else {
        let signal = urls::query(&[("signal", &line.name)]);
        format!("{}{signal}", urls::device(&asked.device))
    };
    Row {
        name: line.name.clone(),
        href,
        note: note(&line.sum(), t),
        cells: line.days.iter().rev().map(|day| cell(day.as_ref(), t)).collect(),
    }
}

/// What is wrong with all days together.
fn note(sum: &Said, t: Text) -> Markup {
    let wrong = wrong(sum, t);
    if wrong.is_empty() {
        let none = t.completeness_nothing();
        return Markup::text(if sum.expected.is_none() {
            t.completeness_irregular()
        } else {
            none
        });
    }
    let mut out = Markup::default();
    for (place, part) in wrong.iter().enumerate() {
        if place > 0 {
            out.push_own(" · ");
        }
        out.push(part);
    }
    out
}

fn wrong(said: &Said, t: Text) -> Vec<Markup> {
    let some =
        |count: u64, sentence: fn(Text, u64) -> Markup| (count > 0).then(|| sentence(t, count));
    let parts = [
        some(said.missing, Text::completeness_missing),
        some(said.late, Text::completeness_late),
        some(said.suspect, Text::completeness_suspect),
    ];
    parts.into_iter().flatten().collect()
}

fn cell(day: Option<&Said>, t: Text) -> Cell {
    let nothing =
        || Cell { level: "", first: Markup::text(t.completeness_idle()), wrong: Vec::new() };
    let Some(said) = day else { return nothing() };
    let wrong = wrong(said, t);
    let counted = || show::code(&show::compact(said.received));
    let (level, first) = match said.expected {
        None if said.received == 0 => return nothing(),
        None => (if wrong.is_empty() { "plain" } else { "info" }, counted()),
        Some(0) if said.received == 0 => return nothing(),
        Some(expected) => match (said.missing, said.percent(expected)) {
            (0, _) if wrong.is_empty() => ("full", Markup::text(t.completeness_all())),
            (0, _) => ("info", Markup::text(t.completeness_all())),
            (_, percent) => (if percent >= 95 { "some" } else { "lost" }, share(percent)),
        },
    };
    Cell { level, first, wrong }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage")]
fn share(percent: u64) -> Markup {
    show::code(&show::number_unit(percent as f64, Some("%")))
}

#[cfg(test)]
mod tests;
