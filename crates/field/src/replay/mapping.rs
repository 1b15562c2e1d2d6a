//! Which cell of a row becomes what: topic, device, time, signals.

use csv::StringRecord;
use model::{Timestamp, Value};

use super::json::{push, push_text, push_value};
use super::when::When;
use crate::MappingFault;
use crate::world::Parcel;

/// The dialect of the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// A flat object with `ts` in milliseconds.
    #[default]
    Json,
    /// A SenML pack, which carries units.
    Senml,
}

/// What the flags say, before any file is known.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub topic: Template,
    /// The base name of SenML; the topic when absent.
    pub device: Option<Template>,
    pub when: When,
    /// Empty: all that have no other use.
    pub columns: Vec<String>,
    pub without: Vec<String>,
    /// Cells that mean "no value". An empty cell always does.
    pub missing: Vec<String>,
    pub rename: Vec<(String, String)>,
    pub units: Vec<(String, String)>,
    pub form: Form,
}

/// Text with `{column}` and `{file}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    File,
    Column(String),
}

impl Template {
    /// # Errors
    /// When a brace is not closed or empty.
    pub fn parse(text: &str) -> Result<Self, MappingFault> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, inside)) = rest.split_once('{') {
            let closed = inside.split_once('}').filter(|(name, _)| !name.trim().is_empty());
            let (name, after) = closed.ok_or_else(|| {
                MappingFault::Placeholder(inside.split('}').next().unwrap_or_default().into())
            })?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(match name.trim() {
                "file" => Part::File,
                column => Part::Column(column.to_owned()),
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Column(name) => Some(name.as_str()),
            Part::Text(_) | Part::File => None,
        })
    }

    fn is_fixed(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    fn bind(&self, headers: &[String], file: &str) -> Result<Vec<Piece>, MappingFault> {
        let piece = |part: &Part| {
            Ok(match part {
                Part::Text(text) => Piece::Text(text.clone()),
                Part::File => Piece::Text(file.to_owned()),
                Part::Column(name) => Piece::Cell(column(headers, name)?),
            })
        };
        self.parts.iter().map(piece).collect()
    }
}

/// A template for one file.
#[derive(Debug)]
enum Piece {
    Text(String),
    Cell(usize),
}

/// A mapping for the columns of one file.
#[derive(Debug)]
pub(super) struct Bound {
    topic: Vec<Piece>,
    device: Vec<Piece>,
    when: When,
    time_columns: Vec<usize>,
    signals: Vec<Signal>,
    missing: Vec<String>,
    form: Form,
}

#[derive(Debug)]
struct Signal {
    column: usize,
    name: String,
    unit: Option<String>,
}

impl Mapping {
    /// # Errors
    /// When flags contradict each other.
    pub fn check(&self, files: usize) -> Result<(), MappingFault> {
        if !self.units.is_empty() && self.form != Form::Senml {
            return Err(MappingFault::UnitWithoutSenml);
        }
        let device = self.device.as_ref().unwrap_or(&self.topic);
        if files > 1 && device.is_fixed() {
            let device = fill(&device.bind(&[], "")?, &StringRecord::new()).unwrap_or_default();
            return Err(MappingFault::OneTopic { files, device: device.into() });
        }
        Ok(())
    }

    pub(super) fn bind(&self, headers: &[String], file: &str) -> Result<Bound, MappingFault> {
        let time_columns = self.when.columns(headers)?;
        let device = self.device.as_ref().unwrap_or(&self.topic);
        let mut used = time_columns.clone();
        for name in self.topic.columns().chain(device.columns()) {
            used.push(column(headers, name)?);
        }
        for name in &self.without {
            used.push(column(headers, name)?);
        }
        let chosen: Vec<usize> = if self.columns.is_empty() {
            (0..headers.len()).filter(|index| !used.contains(index)).collect()
        } else {
            self.columns.iter().map(|name| column(headers, name)).collect::<Result<_, _>>()?
        };
        for (name, _) in self.rename.iter().chain(&self.units) {
            column(headers, name)?;
        }
        let signal = |index: usize| headers.get(index).map(|header| self.signal(index, header));
        let signals: Vec<Signal> = chosen.into_iter().filter_map(signal).collect();
        if signals.is_empty() {
            return Err(MappingFault::NoSignals);
        }
        Ok(Bound {
            topic: self.topic.bind(headers, file)?,
            device: device.bind(headers, file)?,
            when: self.when.clone(),
            time_columns,
            signals,
            missing: self.missing.clone(),
            form: self.form,
        })
    }

    fn signal(&self, column: usize, header: &str) -> Signal {
        let named = |pairs: &[(String, String)]| {
            let found = pairs.iter().find(|(name, _)| name == header);
            found.map(|(_, value)| value.clone())
        };
        let name = named(&self.rename).unwrap_or_else(|| header.to_owned());
        Signal { column, name, unit: named(&self.units) }
    }
}

impl Bound {
    /// `None` when the cells are no time.
    pub(super) fn time(&self, record: &StringRecord) -> Option<Timestamp> {
        let cell = |index: &usize| record.get(*index).map(str::trim);
        let cells: Vec<&str> = self.time_columns.iter().map(cell).collect::<Option<_>>()?;
        self.when.read(&cells)
    }

    /// `None` when the row holds no value, or no name for its device.
    pub(super) fn message(&self, record: &StringRecord, at: Timestamp) -> Option<Parcel> {
        let topic = fill(&self.topic, record)?;
        let values: Vec<(&Signal, Cell<'_>)> = self
            .signals
            .iter()
            .filter_map(|signal| Some((signal, self.cell(record.get(signal.column)?)?)))
            .collect();
        if values.is_empty() {
            return None;
        }
        let payload = match self.form {
            Form::Json => object(at, &values),
            Form::Senml => senml(&fill(&self.device, record)?, at, &values),
        };
        Some(Parcel { topic, payload, readings: values.len() })
    }

    fn cell<'a>(&self, raw: &'a str) -> Option<Cell<'a>> {
        let text = raw.trim();
        if text.is_empty() || self.missing.iter().any(|missing| missing == text) {
            return None;
        }
        Some(Cell::read(text))
    }
}

/// The value of a cell. A number goes out with the digits it came in with.
enum Cell<'a> {
    Digits(&'a str),
    Number(f64),
    Text(&'a str),
}

impl<'a> Cell<'a> {
    fn read(text: &'a str) -> Self {
        let Ok(number) = text.parse::<f64>() else { return Self::Text(text) };
        let digits = text.trim_start_matches(['+', '-']);
        let named = !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
        let padded =
            digits.starts_with('0') && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        if named || padded {
            // "inf", "NaN" and "007" are words that a machine may take for numbers.
            return Self::Text(text);
        }
        if serde_json::from_str::<f64>(text).is_ok() {
            Self::Digits(text)
        } else {
            Self::Number(number)
        }
    }

    fn push(&self, out: &mut String) {
        match self {
            Self::Digits(digits) => out.push_str(digits),
            Self::Number(number) => push_value(out, Value::Number(*number)),
            Self::Text(text) => push_text(out, text),
        }
    }
}

/// `ts` is first: of several times in an object the first one counts.
fn object(at: Timestamp, values: &[(&Signal, Cell<'_>)]) -> String {
    let mut out = format!("{{\"ts\":{}", at.millis());
    for (signal, cell) in values {
        out.push(',');
        push_text(&mut out, &signal.name);
        out.push(':');
        cell.push(&mut out);
    }
    out.push('}');
    out
}

fn senml(device: &str, at: Timestamp, values: &[(&Signal, Cell<'_>)]) -> String {
    let mut out = String::from("[{\"bn\":");
    push_text(&mut out, &format!("{device}:"));
    let seconds = at.millis().div_euclid(1_000);
    let millis = at.millis().rem_euclid(1_000);
    push(&mut out, format_args!(",\"bt\":{seconds}.{millis:03}"));
    for (index, (signal, cell)) in values.iter().enumerate() {
        out.push_str(if index == 0 { ",\"n\":" } else { ",{\"n\":" });
        push_text(&mut out, &signal.name);
        if let Some(unit) = &signal.unit {
            out.push_str(",\"u\":");
            push_text(&mut out, unit);
        }
        out.push_str(if matches!(cell, Cell::Text(_)) { ",\"vs\":" } else { ",\"v\":" });
        cell.push(&mut out);
        out.push('}');
    }
    out.push(']');
    out
}

/// What a topic may not hold becomes `_`. `None` when a cell that gives the name is empty.
fn fill(pieces: &[Piece], record: &StringRecord) -> Option<String> {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Cell(index) => {
                let cell = record.get(*index)?.trim();
                if cell.is_empty() {
                    return None;
                }
                out.extend(cell.chars().map(|it| if "+#\0".contains(it) { '_' } else { it }));
            }
        }
    }
    Some(out)
}

pub(super) fn column(headers: &[String], wanted: &str) -> Result<usize, MappingFault> {
    let found = headers.iter().position(|header| header == wanted);
    found.ok_or_else(|| no_column(wanted, headers))
}

pub(super) fn no_column(wanted: &str, headers: &[String]) -> MappingFault {
    MappingFault::NoColumn { wanted: wanted.into(), present: headers.join(", ").into() }
}
