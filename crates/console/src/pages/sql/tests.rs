//! Statements and what can be drawn of their answers.

use std::time::Duration;

use jiff::tz::TimeZone;
use model::Timestamp;

use crate::pages::sql::chart::Lines;
use crate::pages::sql::{Asked, identifier};
use crate::site::{Cell, Column, ColumnKind, SqlAnswer};
use crate::words::Text;

fn answer(columns: &[(&str, ColumnKind)], rows: Vec<Vec<Cell>>) -> SqlAnswer {
    let column =
        |(name, kind): &(&str, ColumnKind)| Column { name: (*name).to_owned(), kind: *kind };
    SqlAnswer {
        columns: columns.iter().map(column).collect(),
        rows,
        truncated: false,
        took: Duration::ZERO,
    }
}

fn at(minute: i64) -> Cell {
    Cell::Time(Timestamp::from_millis(1_795_338_000_000 + minute * 60_000))
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// Title and names of the lines of each chart.
fn drawn(answer: &SqlAnswer) -> Vec<(String, Vec<String>)> {
    let drawing = Lines::of(answer).and_then(|lines| lines.draw(&TimeZone::UTC, Text::default()));
    let figures = drawing.map(|drawing| drawing.figures).unwrap_or_default();
    let names = |legend: Vec<crate::pages::figure::Key>| legend.into_iter().map(|key| key.name);
    figures.into_iter().map(|one| (one.title, names(one.legend).collect())).collect()
}

const COLUMNS: [(&str, ColumnKind); 4] = [
    ("device", ColumnKind::Text),
    ("mean", ColumnKind::Number),
    ("hour", ColumnKind::Time),
    ("readings", ColumnKind::Number),
];

#[test]
fn every_column_of_numbers_is_a_chart_and_every_text_a_line() {
    let row = |minute, device, mean, n| vec![text(device), mean, at(minute), Cell::Integer(n)];
    let rows = vec![
        row(60, "b", Cell::Number(2.0), 4),
        row(0, "b", Cell::Number(1.0), 4),
        row(0, "a", Cell::Null, 4),
        row(60, "a", Cell::Number(f64::NAN), 5),
    ];
    let both = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(
        drawn(&answer(&COLUMNS, rows)),
        [("mean".to_owned(), vec!["b".to_owned()]), ("readings".to_owned(), both)]
    );
}

#[test]
fn what_has_no_two_times_or_no_number_is_no_chart() {
    let one = vec![vec![text("a"), Cell::Number(1.0), at(0), Cell::Null]];
    assert!(Lines::of(&answer(&COLUMNS, one)).is_none());
    let timeless = vec![vec![text("a"), Cell::Number(1.0)], vec![text("a"), Cell::Number(2.0)]];
    assert!(Lines::of(&answer(&COLUMNS[..2], timeless)).is_none());
}

#[test]
fn a_long_answer_has_as_many_charts_as_a_page_holds_and_a_chart_six_lines() {
    let names: Vec<String> = (0..9).map(|name| format!("d{name}")).collect();
    let row = |minute: i64| {
        let name = &names[usize::try_from(minute).unwrap() % names.len()];
        vec![text(name), Cell::Number(1.0), at(minute), Cell::Integer(1)]
    };
    let charts = drawn(&answer(&COLUMNS, (0..2_000).map(row).collect()));
    assert_eq!(charts.len(), 1, "two columns of 2,000 values are too many");
    assert_eq!(charts[0].1.len(), 6);
    assert!(drawn(&answer(&COLUMNS, (0..3_000).map(row).collect())).is_empty());
}

#[test]
fn a_statement_is_explained_once() {
    let asked = |q: &str, explain: &str| Asked {
        q: q.to_owned(),
        explain: explain.to_owned(),
        ..Asked::default()
    };
    assert_eq!(asked(" SELECT 1 ", "1").question(), "EXPLAIN SELECT 1");
    assert_eq!(asked("explain SELECT 1", "1").question(), "explain SELECT 1");
    assert_eq!(asked("SELECT 1", "").question(), "SELECT 1");
    assert_eq!(asked(" ", "1").question(), "");
}

#[test]
fn a_name_is_quoted_where_a_statement_needs_it() {
    let names = ["time", "_x1", "Speed", "1st", "a b", "a\"b", "é", ""];
    let quoted = ["time", "_x1", "\"Speed\"", "\"1st\"", "\"a b\"", "\"a\"\"b\"", "\"é\"", "\"\""];
    assert_eq!(names.map(identifier), quoted);
}
