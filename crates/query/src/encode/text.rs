//! CSV, JSON and the table for a terminal.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::value;

/// Widest a column of the terminal's table gets.
const CELL_CHARS_MAX: usize = 60;

fn names(schema: &SchemaRef) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// Row objects, in an array or one per line.
#[derive(Debug)]
pub(super) struct Json {
    /// The names as JSON, with the colon.
    keys: Vec<Vec<u8>>,
    lines: bool,
    any: bool,
}

impl Json {
    pub(super) fn array(schema: &SchemaRef) -> Self {
        let key = |name: String| format!("{}:", serde_json::Value::String(name)).into_bytes();
        Self { keys: names(schema).into_iter().map(key).collect(), lines: false, any: false }
    }

    pub(super) fn lines(schema: &SchemaRef) -> Self {
        Self { lines: true, ..Self::array(schema) }
    }

    pub(super) fn write(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
    ) -> Result<(), ArrowError> {
        for row in 0..batch.num_rows() {
            if !self.lines {
                out.extend_from_slice(if self.any { b",\n" } else { b"[" });
            }
            self.any = true;
            out.push(b'{');
            for (index, (key, column)) in self.keys.iter().zip(batch.columns()).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(key);
                value::json(column, row, out)?;
            }
            out.push(b'}');
            if self.lines {
                out.push(b'\n');
            }
        }
        Ok(())
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        if !self.lines {
            out.extend_from_slice(if self.any { b"]\n" } else { b"[]\n" });
        }
    }
}

/// RFC 4180: lines end with CR LF, fields that need it stand in quotes. NULL is an empty field,
/// an empty text is `""`.
#[derive(Debug)]
pub(super) struct Csv {
    header: Option<Vec<String>>,
}

impl Csv {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        Self { header: Some(names(schema)) }
    }

    pub(super) fn write(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
    ) -> Result<(), ArrowError> {
        self.head(out);
        for row in 0..batch.num_rows() {
            for (index, column) in batch.columns().iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                if let Some(text) = value::shown(column, row)? {
                    field(&text, out);
                }
            }
            out.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        self.head(out);
    }

    fn head(&mut self, out: &mut Vec<u8>) {
        for (index, name) in self.header.iter().flatten().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            field(name, out);
        }
        if self.header.take().is_some() {
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn field(text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() && !text.contains([',', '"', '\r', '\n']) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

/// Aligned columns. Rows are held until the end, so they have a limit.
#[derive(Debug)]
pub(super) struct Table {
    names: Vec<String>,
    /// Columns of numbers stand to the right.
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
    limit: usize,
    more: usize,
}

impl Table {
    pub(super) fn new(schema: &SchemaRef, limit: usize) -> Self {
        let right = schema.fields().iter().map(|field| field.data_type().is_numeric()).collect();
        Self { names: names(schema), right, rows: Vec::new(), limit, more: 0 }
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        for row in 0..batch.num_rows() {
            if self.rows.len() == self.limit {
                self.more += batch.num_rows() - row;
                return Ok(());
            }
            let mut cells = Vec::with_capacity(self.names.len());
            for column in batch.columns() {
                cells.push(cell(&value::shown(column, row)?.unwrap_or_default()));
            }
            self.rows.push(cells);
        }
        Ok(())
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        let width = |index: usize, name: &String| {
            let cells = self.rows.iter().filter_map(|row| row.get(index));
            cells.chain([name]).map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> =
            self.names.iter().enumerate().map(|(index, name)| width(index, name)).collect();
        let line = |cells: &[String]| {
            let places = cells.iter().zip(&widths).zip(&self.right);
            let padded = places.map(|((cell, width), right)| {
                if *right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
        };
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        for row in [&self.names, &rule].into_iter().chain(&self.rows) {
            out.extend_from_slice(line(row).as_bytes());
        }
        let count = self.rows.len();
        let foot = match self.more {
            0 => format!("({count} rows)\n"),
            more => format!("({count} rows shown, {more} more)\n"),
        };
        out.extend_from_slice(foot.as_bytes());
    }
}

/// One line, without signs that a terminal would obey.
fn cell(text: &str) -> String {
    let plain = text.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign });
    let mut cell: String = plain.take(CELL_CHARS_MAX + 1).collect();
    if cell.chars().count() > CELL_CHARS_MAX {
        cell.pop();
        cell.pop();
        cell.push('…');
    }
    cell
}
