//! What the columns of a table mean: wide, where each column is a signal, or long, where each row
//! names its signal.

use std::borrow::Cow;

use dialect::value_of_text;
use field::replay::When;
use model::{Quality, Timestamp, Unit, Value};

use crate::fault::ImportFault;
use crate::sink::{Found, Sink, Skip};

/// Names that are taken for a column when none is given, best first.
const TIMES: [&str; 6] = ["time", "timestamp", "ts", "datetime", "date_time", "date"];
const DEVICES: [&str; 9] = [
    "device",
    "device_id",
    "deviceid",
    "device_name",
    "sensor",
    "sensor_id",
    "station",
    "node",
    "entity_id",
];
const SIGNALS: [&str; 6] = ["signal", "metric", "measurement", "parameter", "variable", "key"];
const UNITS: [&str; 2] = ["unit", "units"];
const QUALITY: &str = "quality";

/// From here on a double does not hold every whole number.
const WHOLE_MAX: u64 = 1 << 53;

/// Columns that are named in a complaint.
const NAMED_MAX: usize = 40;

/// Who measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceFrom {
    /// The first column with a usual name, else the name of the file.
    #[default]
    Guess,
    Column(String),
    Name(String),
}

/// What a whole or fractional number since 1970 counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epoch {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

/// What the caller says of the columns; whatever it leaves open is guessed by name.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub time: Option<String>,
    pub when: When,
    /// Else a number tells its resolution by its size.
    pub epoch: Option<Epoch>,
    pub device: DeviceFrom,
    pub signal: Option<String>,
    pub value: Option<String>,
    pub unit: Option<String>,
    /// Of a wide table; else all that have no other use.
    pub columns: Vec<String>,
    pub without: Vec<String>,
    /// Cells that mean "no value", beside empty ones.
    pub missing: Vec<String>,
    /// By column of a wide table, or by signal of a long one.
    pub units: Vec<(String, String)>,
}

/// A value of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Empty,
    Text(&'a str),
    Number(f64),
    Whole(i64),
    Truth(bool),
    Time(Timestamp),
}

/// A layout with the places of its columns.
#[derive(Debug)]
pub(crate) struct Bound {
    layout: Layout,
    time: usize,
    device: Device,
    shape: Shape,
    units: Vec<(String, Unit)>,
}

#[derive(Debug)]
enum Device {
    Column(usize),
    Name(String),
}

#[derive(Debug)]
enum Shape {
    Wide(Vec<Column>),
    Long { signal: usize, unit: Option<usize>, values: Vec<(usize, Means)>, quality: Option<usize> },
}

#[derive(Debug)]
struct Column {
    at: usize,
    name: String,
    unit: Option<Unit>,
}

/// What a cell of text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    Any,
    Number,
    Text,
}

impl Layout {
    /// `stem` is the name of the file, the device of a table that names none.
    pub(crate) fn bind(&self, headers: &[String], stem: &str) -> Result<Bound, ImportFault> {
        let place = Headers(headers);
        let time = place.given_or(self.time.as_deref(), &TIMES)?.ok_or_else(|| place.no("time"))?;
        let device = match &self.device {
            DeviceFrom::Name(name) => Device::Name(name.clone()),
            DeviceFrom::Column(name) => Device::Column(place.find(name)?),
            DeviceFrom::Guess => place
                .first_of(&DEVICES)
                .map_or_else(|| Device::Name(stem.to_owned()), Device::Column),
        };
        let units = self.units.iter().map(|(name, unit)| {
            let known =
                Unit::from_text(unit).ok_or_else(|| ImportFault::Unit(unit.as_str().into()));
            Ok((name.clone(), known?))
        });
        let units = units.collect::<Result<Vec<_>, ImportFault>>()?;
        let shape = match self.long(&place)? {
            Some(long) => long,
            None => self.wide(&place, (time, &device), &units)?,
        };
        Ok(Bound { layout: self.clone(), time, device, shape, units })
    }

    /// `None` for a wide table: no column of signals, or none of values.
    fn long(&self, place: &Headers<'_>) -> Result<Option<Shape>, ImportFault> {
        let Some(signal) = place.given_or(self.signal.as_deref(), &SIGNALS)? else {
            return Ok(None);
        };
        let values = match (&self.value, place.first_of(&["value"])) {
            (Some(name), _) => vec![(place.find(name)?, Means::Any)],
            (None, Some(at)) => vec![(at, Means::Any)],
            (None, None) => {
                // As Althing itself writes its readings.
                let number = place.first_of(&["number"]).map(|at| (at, Means::Number));
                let text = place.first_of(&["text"]).map(|at| (at, Means::Text));
                number.into_iter().chain(text).collect()
            }
        };
        if values.is_empty() && self.signal.is_some() {
            return Err(place.no("value"));
        }
        let unit = place.given_or(self.unit.as_deref(), &UNITS)?;
        let quality = place.first_of(&[QUALITY]);
        Ok((!values.is_empty()).then_some(Shape::Long { signal, unit, values, quality }))
    }

    fn wide(
        &self,
        place: &Headers<'_>,
        (time, device): (usize, &Device),
        units: &[(String, Unit)],
    ) -> Result<Shape, ImportFault> {
        for name in self.columns.iter().chain(&self.without) {
            place.find(name)?;
        }
        let is_named = |names: &[String], header: &String| names.contains(header);
        let mut columns = Vec::new();
        for (at, header) in place.0.iter().enumerate() {
            let used = at == time || matches!(device, Device::Column(other) if *other == at);
            let wanted = self.columns.is_empty() || is_named(&self.columns, header);
            if used || !wanted || is_named(&self.without, header) || header.is_empty() {
                continue;
            }
            let (name, own) = split_unit(header);
            let given = units.iter().find(|(column, _)| column == header || column == name);
            let unit = given.map(|(_, unit)| *unit).or(own);
            columns.push(Column { at, name: name.to_owned(), unit });
        }
        if columns.is_empty() { Err(ImportFault::NoSignals) } else { Ok(Shape::Wide(columns)) }
    }
}

/// `temperature` and °C of `temperature [°C]`, if that is a unit.
fn split_unit(header: &str) -> (&str, Option<Unit>) {
    let end = header.trim_end();
    let open = match end.chars().next_back() {
        Some(']') => '[',
        Some(')') => '(',
        _ => return (header, None),
    };
    let split = end.rsplit_once(open).map(|(name, rest)| {
        let text = rest.get(..rest.len().saturating_sub(1)).unwrap_or_default();
        (name.trim(), Unit::from_text(text))
    });
    match split {
        Some((name, Some(unit))) if !name.is_empty() => (name, Some(unit)),
        _ => (header, None),
    }
}

impl Bound {
    /// Hands out the readings of a row.
    pub(crate) fn row<'c>(
        &self,
        cell: &dyn Fn(usize) -> Cell<'c>,
        sink: &mut dyn Sink,
    ) -> Result<(), ImportFault> {
        let Some(at) = self.time_of(cell(self.time)) else {
            sink.skip(Skip::NoTime);
            return Ok(());
        };
        let device = match &self.device {
            Device::Name(name) => Cow::Borrowed(name.as_str()),
            Device::Column(column) => word_of(cell(*column)),
        };
        match &self.shape {
            Shape::Wide(columns) => {
                for column in columns {
                    let found = self.value_of(cell(column.at), &column.name, Means::Any);
                    give((&device, &column.name), (column.unit, at), found, sink)?;
                }
                Ok(())
            }
            Shape::Long { signal, unit, values, quality } => {
                let signal = word_of(cell(*signal));
                let own = unit.and_then(|at| Unit::from_text(&word_of(cell(at))));
                let given = || self.units.iter().find(|(name, _)| *name == *signal);
                let unit = own.or_else(|| given().map(|(_, unit)| *unit));
                if quality.is_some_and(|at| is_mark(&word_of(cell(at)))) {
                    sink.skip(Skip::Quality);
                }
                let find = |(at, means): &(usize, Means)| self.value_of(cell(*at), &signal, *means);
                let found = values.iter().find_map(find);
                give((&device, &signal), (unit, at), found, sink)
            }
        }
    }

    fn time_of(&self, cell: Cell<'_>) -> Option<Timestamp> {
        match (cell, self.layout.epoch) {
            (Cell::Time(at), _) => Some(at),
            (Cell::Empty | Cell::Truth(_), _) => None,
            (Cell::Whole(number), Some(epoch)) => epoch.whole(number),
            (Cell::Number(number), Some(epoch)) => epoch.number(number),
            (Cell::Text(text), Some(epoch)) => {
                let whole = text.trim().parse().ok().and_then(|number| epoch.whole(number));
                whole.or_else(|| epoch.number(text.trim().parse().ok()?))
            }
            (Cell::Whole(number), None) => self.layout.when.read_cell(&number.to_string()),
            (Cell::Number(number), None) => self.layout.when.read_cell(&number.to_string()),
            (Cell::Text(text), None) => self.layout.when.read_cell(text),
        }
    }

    fn value_of<'c>(&self, cell: Cell<'c>, signal: &str, means: Means) -> Option<Held<'c>> {
        match cell {
            Cell::Empty => None,
            Cell::Number(number) => Some(Held::Value(Value::Number(number), None)),
            Cell::Truth(truth) => Some(Held::Value(Value::Boolean(truth), None)),
            Cell::Whole(whole) if whole.unsigned_abs() > WHOLE_MAX => {
                Some(Held::Digits(whole.to_string()))
            }
            Cell::Whole(whole) => Some(Held::Value(Value::Number(whole as f64), None)),
            Cell::Time(at) => Some(Held::Digits(written(at))),
            Cell::Text(text) if self.layout.missing.iter().any(|word| word == text.trim()) => None,
            Cell::Text(text) => match means {
                Means::Any => {
                    value_of_text(text, signal).map(|(value, unit)| Held::Value(value, unit))
                }
                Means::Number => {
                    let number = text.trim().parse().ok()?;
                    Some(Held::Value(Value::Number(number), None))
                }
                Means::Text => (!text.is_empty()).then_some(Held::Value(Value::Text(text), None)),
            },
        }
    }
}

/// A value, and the unit that its own text names.
enum Held<'a> {
    Value(Value<'a>, Option<Unit>),
    /// Text that is made here.
    Digits(String),
}

fn give(
    (device, signal): (&str, &str),
    (unit, at): (Option<Unit>, Timestamp),
    held: Option<Held<'_>>,
    sink: &mut dyn Sink,
) -> Result<(), ImportFault> {
    match held {
        None => {
            sink.skip(Skip::NoValue);
            Ok(())
        }
        Some(Held::Value(value, own)) => {
            let unit = own.or(unit);
            sink.reading(&Found { device, signal, unit, value, at })
        }
        Some(Held::Digits(text)) => {
            let value = Value::Text(&text);
            sink.reading(&Found { device, signal, unit: None, value, at })
        }
    }
}

fn word_of(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Empty => Cow::Borrowed(""),
        Cell::Text(text) => Cow::Borrowed(text),
        Cell::Number(number) => Cow::Owned(number.to_string()),
        Cell::Whole(number) => Cow::Owned(number.to_string()),
        Cell::Truth(truth) => Cow::Borrowed(if truth { "true" } else { "false" }),
        Cell::Time(at) => Cow::Owned(written(at)),
    }
}

fn written(at: Timestamp) -> String {
    let micros = jiff::Timestamp::from_microsecond(at.micros());
    micros.map_or_else(|_| at.micros().to_string(), |at| at.to_string())
}

impl Epoch {
    fn whole(self, number: i64) -> Option<Timestamp> {
        let micros = match self {
            Self::Seconds => number.checked_mul(1_000_000)?,
            Self::Millis => number.checked_mul(1_000)?,
            Self::Micros => number,
            Self::Nanos => number.div_euclid(1_000),
        };
        Some(Timestamp::from_micros(micros))
    }

    fn number(self, number: f64) -> Option<Timestamp> {
        let micros = match self {
            Self::Seconds => number * 1e6,
            Self::Millis => number * 1e3,
            Self::Micros => number,
            Self::Nanos => number / 1e3,
        };
        #[expect(clippy::cast_possible_truncation, reason = "the bounds are checked on this line")]
        (micros.abs() < 9e18).then(|| Timestamp::from_micros(micros.round() as i64))
    }
}

struct Headers<'a>(&'a [String]);

impl Headers<'_> {
    fn find(&self, name: &str) -> Result<usize, ImportFault> {
        self.0.iter().position(|header| header == name).ok_or_else(|| self.no(name))
    }

    fn first_of(&self, usual: &[&str]) -> Option<usize> {
        let at = |name: &&str| self.0.iter().position(|header| header.eq_ignore_ascii_case(name));
        usual.iter().find_map(at)
    }

    fn given_or(&self, given: Option<&str>, usual: &[&str]) -> Result<Option<usize>, ImportFault> {
        match given {
            Some(name) => self.find(name).map(Some),
            None => Ok(self.first_of(usual)),
        }
    }

    fn no(&self, wanted: &str) -> ImportFault {
        let named: Vec<&str> = self.0.iter().take(NAMED_MAX).map(String::as_str).collect();
        ImportFault::NoColumn { wanted: wanted.into(), present: named.join(", ").into() }
    }
}

/// A mark of quality that is lost. That a reading comes late the site says of it again.
fn is_mark(word: &str) -> bool {
    let bits = word.parse().map(Quality::from_bits);
    !word.is_empty() && !bits.is_ok_and(|bits| [Quality::GOOD, Quality::BACKFILL].contains(&bits))
}

#[cfg(test)]
mod tests;
