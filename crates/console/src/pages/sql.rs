//! SQL: ask anything. The statement is the address, and its endings give the answer as data.

mod chart;

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::filters;
use crate::markup::Markup;
use crate::pages::figure::Drawing;
use crate::pages::preferences::own_origin;
use crate::pages::{PageFault, faults};
use crate::reply;
use crate::router::Ask;
use crate::shell::{Here, Shell, Theme};
use crate::show;
use crate::site::{Cell, Column, ColumnKind, SqlAnswer, SqlFault, Table};
use crate::urls;
use crate::words::Text;

/// A statement that people write by hand is shorter; the form's reader takes no more than 2 MB.
const STATEMENT_BYTES_MAX: usize = 64 * 1024;
/// Browsers and proxies pass addresses of this length everywhere.
const ADDRESS_BYTES_MAX: usize = 2_000;
/// A page is for looking: what is longer is downloaded.
const PAGE_ROWS_MAX: usize = 200;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    q: String,
    /// `chart`: lines where the rows would be.
    show: String,
    /// Anything: not the answer, but what the statement would do for it.
    explain: String,
}

impl Asked {
    fn explains(&self) -> bool {
        !self.explain.is_empty()
    }

    /// What the engine is asked.
    fn question(&self) -> String {
        let statement = self.q.trim();
        let prefixed = statement.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("explain"));
        if self.explains() && !prefixed && !statement.is_empty() {
            return format!("EXPLAIN {statement}");
        }
        statement.to_owned()
    }

    fn address(&self) -> String {
        let explain = if self.explains() { "1" } else { "" };
        let pairs = [("q", self.q.as_str()), ("show", &self.show), ("explain", explain)];
        format!("/sql{}", urls::query(&pairs))
    }
}

#[derive(Template)]
#[template(path = "sql.html")]
struct Page {
    shell: Shell,
    t: Text,
    statement: String,
    schema: Vec<Table>,
    examples: Vec<(&'static str, String)>,
    outcome: Option<Outcome>,
    /// Zone and bounds of the charts, if there are any.
    drawing: Option<Drawing>,
}

enum Outcome {
    Rows(Rows),
    /// Names and texts of the steps.
    Plan(Vec<(Markup, Markup)>),
    Fault(Markup),
}

struct Rows {
    columns: Vec<Column>,
    /// Which side of its column each cell stands at, and the cell.
    rows: Vec<Vec<(&'static str, Markup)>>,
    count: Markup,
    cut: Option<Markup>,
    /// Chart instead of rows, or rows instead of a chart.
    other: Option<(&'static str, String)>,
    /// Endings and addresses.
    data: Vec<(&'static str, String)>,
}

pub(crate) async fn show(ask: Ask, Query(asked): Query<Asked>) -> Response {
    respond(&ask, asked).await
}

/// The form. Short statements get an address of their own; one reads it, shares it, goes back.
pub(crate) async fn run(ask: Ask, Form(asked): Form<Asked>) -> Response {
    if !own_origin(&ask.headers) {
        return faults::foreign(&ask);
    }
    let to = asked.address();
    if to.len() <= ADDRESS_BYTES_MAX {
        return reply::see_other(&to);
    }
    respond(&ask, asked).await
}

async fn respond(ask: &Ask, asked: Asked) -> Response {
    let schema = match ask.read(|site| site.schema()).await {
        Ok(schema) => schema,
        Err(fault) => return faults::broken(ask, &fault),
    };
    let t = Text::default();
    let answer = match asked.question() {
        empty if empty.is_empty() => None,
        question => Some(answer(ask, &question).await),
    };
    let zone = ask.site.identity().zone;
    let mut drawing = None;
    let (outcome, status) = match answer {
        None => (None, StatusCode::OK),
        Some(Ok(answer)) if asked.explains() => {
            (Some(Outcome::Plan(steps(&answer))), StatusCode::OK)
        }
        Some(Ok(answer)) => {
            let lines = chart::Lines::of(&answer);
            if asked.show == "chart" {
                drawing = lines.as_ref().and_then(|lines| lines.draw(&zone, t));
            }
            let rows = rows(answer, (&asked, &zone), (lines.is_some(), drawing.is_some()), t);
            (Some(Outcome::Rows(rows)), StatusCode::OK)
        }
        Some(Err(fault)) => (Some(Outcome::Fault(sentence(&fault, t))), status(&fault)),
    };
    let mut shell = Shell::new(ask, Here::Sql, t.nav_sql(), ask.site.durable());
    shell.charts = drawing.is_some();
    let page = Page {
        t,
        shell,
        statement: if asked.q.trim().is_empty() { latest() } else { asked.q },
        schema,
        examples: examples(t),
        outcome,
        drawing,
    };
    match page.render() {
        Ok(html) => reply::page(&ask.headers, status, &html),
        Err(fault) => faults::broken(ask, &PageFault::Template(fault)),
    }
}

async fn answer(ask: &Ask, statement: &str) -> Result<SqlAnswer, SqlFault> {
    if statement.len() > STATEMENT_BYTES_MAX {
        let limit = show::bytes(u64::try_from(STATEMENT_BYTES_MAX).unwrap_or(u64::MAX));
        return Err(SqlFault::Statement { message: Text::default().sql_too_long_plain(&limit) });
    }
    ask.site.sql(statement).await
}

/// Each row of an `EXPLAIN`: what it tells of, and the text of it.
fn steps(answer: &SqlAnswer) -> Vec<(Markup, Markup)> {
    let text = |cell: Option<&Cell>| match cell {
        Some(Cell::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let step = |row: &Vec<Cell>| {
        let name = text(row.first()).replace('_', " ");
        (show::name(&show::label(&name)), show::code(text(row.get(1)).trim_end()))
    };
    answer.rows.iter().map(step).collect()
}

/// What a person reads of a fault.
pub(crate) fn sentence(fault: &SqlFault, t: Text) -> Markup {
    match fault {
        SqlFault::Statement { message } => show::name(message),
        SqlFault::ReadOnly => Markup::text(t.sql_read_only()),
        SqlFault::Stopped { after } => t.sql_stopped(&show::span(*after, t)),
        SqlFault::Memory { bytes } => t.sql_memory(&show::code(&show::bytes(*bytes))),
        SqlFault::Site(_) => Markup::text(t.sql_site()),
    }
}

pub(crate) const fn status(fault: &SqlFault) -> StatusCode {
    match fault {
        SqlFault::Statement { .. } | SqlFault::ReadOnly => StatusCode::BAD_REQUEST,
        SqlFault::Stopped { .. } | SqlFault::Memory { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        SqlFault::Site(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn rows(
    answer: SqlAnswer,
    (asked, zone): (&Asked, &TimeZone),
    (drawable, drawn): (bool, bool),
    t: Text,
) -> Rows {
    let count = u64::try_from(answer.rows.len()).unwrap_or(u64::MAX);
    let cut = answer.truncated || answer.rows.len() > PAGE_ROWS_MAX;
    let shown = answer.rows.len().min(PAGE_ROWS_MAX);
    let other =
        Asked { show: if drawn { String::new() } else { "chart".to_owned() }, ..asked.clone() };
    let label = if drawn { t.show_table() } else { t.show_chart() };
    let short = |address: &String| address.len() <= ADDRESS_BYTES_MAX;
    let data = ["csv", "json", "parquet"].map(|ending| (ending, download(&asked.q, ending)));
    Rows {
        rows: answer
            .rows
            .iter()
            .take(if drawn { 0 } else { shown })
            .map(|row| {
                let cells = answer.columns.iter().zip(row);
                cells.map(|(column, cell)| (side(column), cell_markup(cell, zone, t))).collect()
            })
            .collect(),
        columns: answer.columns,
        count: t.sql_rows(count, &show::span(answer.took, t)),
        cut: (cut && !drawn).then(|| t.sql_truncated(u64::try_from(shown).unwrap_or(u64::MAX))),
        other: drawable.then(|| other.address()).filter(short).map(|address| (label, address)),
        data: data.into_iter().filter(|(_, address)| short(address)).collect(),
    }
}

fn cell_markup(cell: &Cell, zone: &TimeZone, t: Text) -> Markup {
    match cell {
        Cell::Null => {
            let mut out = Markup::own("<span class=\"null\">");
            out.push_text(t.sql_null());
            out.push_own("</span>");
            out
        }
        Cell::Integer(number) => show::code(&show::integer(*number)),
        Cell::Number(number) => show::code(&show::exact(*number)),
        Cell::Bool(truth) => show::code(if *truth { "true" } else { "false" }),
        Cell::Time(time) => show::stamp(*time, zone),
        Cell::Text(text) => show::name(text),
    }
}

/// Where a statement has its page. `None`: it is too long for an address.
pub(crate) fn shared(statement: &str) -> Option<String> {
    Some(address("/sql", statement)).filter(|address| address.len() <= ADDRESS_BYTES_MAX)
}

/// Where the API gives all rows of a statement as a file.
pub(crate) fn download(statement: &str, format: &str) -> String {
    format!("/api/sql{}", urls::query(&[("format", format), ("q", statement)]))
}

fn address(base: &str, statement: &str) -> String {
    format!("{base}{}", urls::query(&[("q", statement)]))
}

fn latest() -> String {
    "SELECT *\nFROM latest\nORDER BY time DESC\nLIMIT 20".to_owned()
}

fn examples(t: Text) -> Vec<(&'static str, String)> {
    let hours = "SELECT date_trunc('hour', time) AS hour, device, signal, avg(number) AS mean\n\
                 FROM readings\nWHERE number IS NOT NULL AND time >= now() - INTERVAL '1 day'\n\
                 GROUP BY hour, device, signal\nORDER BY hour DESC, device, signal\nLIMIT 100";
    let silent = "SELECT device, max(time) AS last_heard\nFROM latest\nGROUP BY device\n\
                  ORDER BY last_heard\nLIMIT 20";
    vec![
        (t.sql_example_latest(), address("/sql", &latest())),
        (t.sql_example_hour(), address("/sql", hours)),
        (t.sql_example_silent(), address("/sql", silent)),
    ]
}

pub(crate) async fn json(Query(asked): Query<Asked>) -> Response {
    reply::see_other(&download(&asked.q, "json"))
}

pub(crate) async fn csv(Query(asked): Query<Asked>) -> Response {
    reply::see_other(&download(&asked.q, "csv"))
}

pub(crate) async fn parquet(Query(asked): Query<Asked>) -> Response {
    reply::see_other(&download(&asked.q, "parquet"))
}

/// Numbers stand at the end of their column, under their name.
fn side(column: &Column) -> &'static str {
    if column.kind == ColumnKind::Number { "num" } else { "" }
}

fn kind(column: &Column) -> &'static str {
    match column.kind {
        ColumnKind::Number => "number",
        ColumnKind::Text => "text",
        ColumnKind::Time => "time",
        ColumnKind::Bool => "bool",
        ColumnKind::Other => "",
    }
}

/// A name as a statement has to write it.
fn identifier(name: &str) -> String {
    let mut letters = name.chars();
    let plain = letters.next().is_some_and(|first| first.is_ascii_lowercase() || first == '_')
        && letters.all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests;
