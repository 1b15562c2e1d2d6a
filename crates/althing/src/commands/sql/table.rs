//! Rows as a table for people: numbers to the right, the rest to the left.

use std::io::{self, Read, Write};

/// More than anyone reads on a terminal; CSV and JSON have no such limit.
const ROWS_MAX: usize = 10_000;
/// Of a longer cell the rest is cut, so that one text does not spoil the table.
const CELL_CHARS_MAX: usize = 80;

pub(super) fn write(reader: impl Read, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let names: Vec<String> = csv.headers().map_err(into_io)?.iter().map(shown).collect();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut total = 0_u64;
    for record in csv.records() {
        let record = record.map_err(into_io)?;
        total += 1;
        if rows.len() < ROWS_MAX {
            rows.push(record.iter().map(shown).collect());
        }
    }
    let columns: Vec<Column> =
        names.iter().enumerate().map(|(at, name)| Column::of(at, name, &rows)).collect();
    line(&names, &columns, out)?;
    let rules: Vec<String> = columns.iter().map(|column| "─".repeat(column.width)).collect();
    line(&rules, &columns, out)?;
    for row in &rows {
        line(row, &columns, out)?;
    }
    let shown = rows.len();
    match total {
        1 => writeln!(out, "1 row")?,
        total if total > shown as u64 => {
            writeln!(out, "{total} rows, the first {shown} shown; --csv and --json give all")?;
        }
        total => writeln!(out, "{total} rows")?,
    }
    out.flush()
}

struct Column {
    width: usize,
    numeric: bool,
}

impl Column {
    fn of(at: usize, name: &str, rows: &[Vec<String>]) -> Self {
        let cells = || rows.iter().filter_map(|row| row.get(at)).filter(|cell| !cell.is_empty());
        let width = cells().map(|cell| cell.chars().count()).max().unwrap_or_default();
        let numeric = cells().next().is_some() && cells().all(|cell| cell.parse::<f64>().is_ok());
        Self { width: width.max(name.chars().count()), numeric }
    }
}

fn line(cells: &[String], columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    let mut text = String::new();
    for (at, (cell, column)) in cells.iter().zip(columns).enumerate() {
        let pad = " ".repeat(column.width.saturating_sub(cell.chars().count()));
        let parts = if column.numeric { [pad.as_str(), cell] } else { [cell, pad.as_str()] };
        text.push_str(if at == 0 { "" } else { "  " });
        text.extend(parts);
    }
    writeln!(out, "{}", text.trim_end())
}

/// In one line, without what a terminal would obey.
fn shown(cell: &str) -> String {
    let mut letters = cell.chars().map(|it| if it.is_control() { '␣' } else { it });
    let head: String = letters.by_ref().take(CELL_CHARS_MAX).collect();
    if letters.next().is_some() { head + "…" } else { head }
}

fn into_io(error: csv::Error) -> io::Error {
    if error.is_io_error() { io::Error::from(error) } else { io::Error::other(error) }
}
