//! SQL: ask anything. The statement is the address, and its endings give the answer as data.

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::filters;
use crate::markup::Markup;
use crate::pages::preferences::own_origin;
use crate::pages::{PageFault, csv_line, faults};
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
}

enum Outcome {
    Rows(Rows),
    Fault(Markup),
}

struct Rows {
    columns: Vec<Column>,
    /// Which side of its column each cell stands at, and the cell.
    rows: Vec<Vec<(&'static str, Markup)>>,
    count: Markup,
    cut: Option<Markup>,
    csv: Option<String>,
    json: Option<String>,
}

pub(crate) async fn show(ask: Ask, Query(asked): Query<Asked>) -> Response {
    respond(&ask, asked.q).await
}

/// The form. Short statements get an address of their own; one reads it, shares it, goes back.
pub(crate) async fn run(ask: Ask, Form(asked): Form<Asked>) -> Response {
    if !own_origin(&ask.headers) {
        return faults::foreign(&ask);
    }
    let to = address("/sql", &asked.q);
    if to.len() <= ADDRESS_BYTES_MAX {
        return reply::see_other(&to);
    }
    respond(&ask, asked.q).await
}

async fn respond(ask: &Ask, statement: String) -> Response {
    let schema = match ask.read(|site| site.schema()).await {
        Ok(schema) => schema,
        Err(fault) => return faults::broken(ask, &fault),
    };
    let t = Text::default();
    let answer = match statement.trim() {
        "" => None,
        asked => Some(answer(ask, asked).await),
    };
    let identity = ask.site.identity();
    let (outcome, status) = match answer {
        None => (None, StatusCode::OK),
        Some(Ok(answer)) => {
            let rows = rows(answer, (&statement, &identity.zone), t);
            (Some(Outcome::Rows(rows)), StatusCode::OK)
        }
        Some(Err(fault)) => (Some(Outcome::Fault(sentence(&fault, t))), status(&fault)),
    };
    let page = Page {
        t,
        shell: Shell::new(ask, Here::Sql, t.nav_sql(), ask.site.durable()),
        statement: if statement.trim().is_empty() { latest() } else { statement },
        schema,
        examples: examples(t),
        outcome,
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

fn rows(answer: SqlAnswer, (statement, zone): (&str, &TimeZone), t: Text) -> Rows {
    let count = u64::try_from(answer.rows.len()).unwrap_or(u64::MAX);
    let cut = answer.truncated || answer.rows.len() > PAGE_ROWS_MAX;
    let shown = answer.rows.len().min(PAGE_ROWS_MAX);
    let linked = |base: &str| {
        Some(address(base, statement)).filter(|address| address.len() <= ADDRESS_BYTES_MAX)
    };
    Rows {
        rows: answer
            .rows
            .iter()
            .take(shown)
            .map(|row| {
                let cells = answer.columns.iter().zip(row);
                cells.map(|(column, cell)| (side(column), cell_markup(cell, zone, t))).collect()
            })
            .collect(),
        columns: answer.columns,
        count: t.sql_rows(count, &show::span(answer.took, t)),
        cut: cut.then(|| t.sql_truncated(u64::try_from(shown).unwrap_or(u64::MAX))),
        csv: linked("/sql.csv"),
        json: linked("/sql.json"),
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

pub(crate) async fn json(ask: Ask, Query(asked): Query<Asked>) -> Response {
    data(&ask, &asked.q, "application/json", |answer| {
        let names: Vec<&String> = answer.columns.iter().map(|column| &column.name).collect();
        let object = |row: &Vec<Cell>| -> Json {
            let pairs = names.iter().zip(row);
            pairs.map(|(name, cell)| ((*name).clone(), cell_json(cell))).collect()
        };
        Json::Array(answer.rows.iter().map(object).collect()).to_string()
    })
    .await
}

pub(crate) async fn csv(ask: Ask, Query(asked): Query<Asked>) -> Response {
    data(&ask, &asked.q, "text/csv; charset=utf-8", |answer| {
        let mut out = String::new();
        let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
        csv_line(&mut out, &names);
        for row in &answer.rows {
            let fields: Vec<String> = row.iter().map(cell_text).collect();
            csv_line(&mut out, &fields.iter().map(String::as_str).collect::<Vec<_>>());
        }
        out
    })
    .await
}

async fn data(
    ask: &Ask,
    statement: &str,
    mime: &'static str,
    form: fn(&SqlAnswer) -> String,
) -> Response {
    match answer(ask, statement.trim()).await {
        Ok(answer) => reply::data(&ask.headers, mime, form(&answer).into_bytes()),
        Err(fault) => {
            let text = format!("{fault}\n").into_bytes();
            let mut response = reply::data(&ask.headers, "text/plain; charset=utf-8", text);
            *response.status_mut() = status(&fault);
            response
        }
    }
}

fn cell_json(cell: &Cell) -> Json {
    match cell {
        Cell::Null => Json::Null,
        Cell::Integer(number) => Json::from(*number),
        Cell::Number(number) => Json::from(*number),
        Cell::Bool(truth) => Json::from(*truth),
        Cell::Time(time) => Json::from(show::iso(*time)),
        Cell::Text(text) => Json::from(text.as_str()),
    }
}

fn cell_text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(number) => number.to_string(),
        Cell::Number(number) => number.to_string(),
        Cell::Bool(truth) => truth.to_string(),
        Cell::Time(time) => show::iso(*time),
        Cell::Text(text) => text.clone(),
    }
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
