//! A plain-text dump of ThingsBoard's PostgreSQL database: the readings of its devices and assets.
//!
//! Names may come after the data, so the file is read twice: for names, then for readings.

pub(crate) mod copy;

use std::path::{Path, PathBuf};

use dialect::value_of_text;
use hashbrown::HashMap;
use model::{Timestamp, Value};

use crate::fault::ImportFault;
use crate::input::{Lines, Passed, identity, open, size};
use crate::sink::{Extent, Found, Sink, Skip, Source};
use copy::{Header, Row};

/// Devices and assets, and keys: at some 100 bytes each.
const NAMES_MAX: usize = 1_000_000;

/// Lines of other tables between two signs of life.
const TICK_LINES: u64 = 4_096;

/// The beginning of a dump in the form that only `pg_restore` reads.
const CUSTOM: &[u8] = b"PGDMP";

/// From here on a double does not hold every whole number.
const WHOLE_MAX: u64 = 1 << 53;

type Map = HashMap<Box<str>, Box<str>, foldhash::fast::FixedState>;

/// Takes a row, or a sign of life, and the number of its line.
type Take<'t> = dyn FnMut(Option<(&Header, &Row)>, u64) -> Result<(), ImportFault> + 't;

#[derive(Debug)]
pub struct ThingsBoard {
    path: PathBuf,
    bytes: u64,
}

impl ThingsBoard {
    /// # Errors
    /// When there is no such file.
    pub fn open(path: &Path) -> Result<Self, ImportFault> {
        Ok(Self { path: path.to_owned(), bytes: size(path)? })
    }

    fn line(&self, line: u64, what: &'static str) -> ImportFault {
        ImportFault::Line { path: self.path.clone(), line, what }
    }

    /// Hands each row of each table that `wanted` names to `take`, and now and then nothing: a dump
    /// may have long stretches of other tables.
    fn tables(
        &self,
        passed: &Passed,
        wanted: fn(&str) -> bool,
        take: &mut Take<'_>,
    ) -> Result<(), ImportFault> {
        let mut lines = Lines::new(open(&self.path, passed)?);
        let mut open: Option<Header> = None;
        let mut row = Row::default();
        loop {
            let number = lines.number + 1;
            let Some(line) = lines.next().map_err(ImportFault::input(&self.path))? else { break };
            match &open {
                Some(_) if line == b"\\." => open = None,
                Some(header) if wanted(&header.table) => {
                    let read = row.read(line, header.columns.len());
                    read.map_err(|what| self.line(number, what))?;
                    take(Some((header, &row)), number)?;
                }
                Some(_) if number.is_multiple_of(TICK_LINES) => take(None, number)?,
                Some(_) => {}
                None if line.starts_with(CUSTOM) => {
                    let what = "it is a dump in pg_dump's own form: make it text with \
                                pg_restore --file=dump.sql, or dump with --format=plain";
                    return Err(ImportFault::Unfit { path: self.path.clone(), what });
                }
                None if is_insert(line) => {
                    let what = "the dump was made with --inserts: make it without";
                    return Err(self.line(number, what));
                }
                None => open = Header::parse(line),
            }
        }
        match open {
            Some(_) => Err(self.line(lines.number, "the dump ends within a table: it is cut off")),
            None => Ok(()),
        }
    }
}

fn is_insert(line: &[u8]) -> bool {
    [&b"INSERT INTO public.ts_kv"[..], b"INSERT INTO ts_kv"].iter().any(|it| line.starts_with(it))
}

impl Source for ThingsBoard {
    /// Both times.
    fn extent(&self) -> Extent {
        Extent::Bytes(self.bytes * 2)
    }

    fn identity(&self) -> String {
        identity(&self.path)
    }

    fn read(&mut self, sink: &mut dyn Sink) -> Result<(), ImportFault> {
        let passed = Passed::default();
        let mut names = Names::default();
        self.tables(&passed, is_of_names, &mut |row, line| {
            let Some((header, row)) = row else { return sink.passed(passed.get()) };
            let taken = names.take(header, row);
            taken.map_err(|what| self.line(line, what))
        })?;
        names.tell_apart();
        self.tables(&passed, is_of_readings, &mut |row, line| {
            let Some((header, row)) = row else { return sink.passed(passed.get()) };
            if !sink.row(line, passed.get())? {
                return Ok(());
            }
            let places = Places::of(header).map_err(|what| self.line(line, what))?;
            names.give(&places, row, sink)
        })
    }
}

/// Partitions of the table of readings are called by their month, their day or `indefinite`.
fn is_of_readings(table: &str) -> bool {
    match table.strip_prefix("ts_kv") {
        Some("" | "_latest" | "_indefinite" | "_default") => true,
        Some(rest) => rest.strip_prefix('_').is_some_and(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        }),
        None => false,
    }
}

fn is_of_names(table: &str) -> bool {
    matches!(table, "device" | "asset" | "ts_kv_dictionary" | "key_dictionary")
}

/// Where the columns of a table of readings are.
struct Places {
    entity: usize,
    key: usize,
    time: usize,
    truth: Option<usize>,
    text: Option<usize>,
    whole: Option<usize>,
    number: Option<usize>,
    json: Option<usize>,
}

impl Places {
    fn of(header: &Header) -> Result<Self, &'static str> {
        let needed = |name| header.place(name).ok_or("a table of readings lacks a column");
        Ok(Self {
            entity: needed("entity_id")?,
            key: needed("key")?,
            time: needed("ts")?,
            truth: header.place("bool_v"),
            text: header.place("str_v"),
            whole: header.place("long_v"),
            number: header.place("dbl_v"),
            json: header.place("json_v"),
        })
    }
}

#[derive(Debug, Default)]
struct Names {
    /// By id.
    entities: Map,
    /// By number.
    keys: Map,
}

impl Names {
    fn take(&mut self, header: &Header, row: &Row) -> Result<(), &'static str> {
        let is_key = header.table.ends_with("dictionary");
        let (id, name) = if is_key { ("key_id", "key") } else { ("id", "name") };
        let cell = |name| header.place(name).and_then(|at| row.cell(at));
        let Some((id, name)) = cell(id).zip(cell(name)) else { return Ok(()) };
        let map = if is_key { &mut self.keys } else { &mut self.entities };
        if map.len() == NAMES_MAX {
            return Err("there are more than 1,000,000 names");
        }
        map.insert(id.into(), name.into());
        Ok(())
    }

    /// Tenants may use the same name: then the beginning of the id goes behind it.
    fn tell_apart(&mut self) {
        let mut counts: HashMap<Box<str>, u32, foldhash::fast::FixedState> = HashMap::default();
        for name in self.entities.values() {
            *counts.entry(name.clone()).or_default() += 1;
        }
        for (id, name) in &mut self.entities {
            if counts.get(&**name).is_some_and(|count| *count > 1) {
                let start = id.get(..8).unwrap_or(id);
                *name = format!("{name}~{start}").into();
            }
        }
    }

    fn give(&self, places: &Places, row: &Row, sink: &mut dyn Sink) -> Result<(), ImportFault> {
        let Some(device) = row.cell(places.entity).and_then(|id| self.entities.get(id)) else {
            sink.skip(Skip::UnknownEntity);
            return Ok(());
        };
        let Some(key) = row.cell(places.key) else {
            sink.skip(Skip::NoSignal);
            return Ok(());
        };
        // Old versions wrote the key itself.
        let signal = self.keys.get(key).map_or(key, |name| name);
        let millis = row.cell(places.time).and_then(|text| text.parse::<i64>().ok());
        let Some(micros) = millis.and_then(|millis| millis.checked_mul(1_000)) else {
            sink.skip(Skip::NoTime);
            return Ok(());
        };
        let Some((value, unit)) = value_of(places, row, signal) else {
            sink.skip(Skip::NoValue);
            return Ok(());
        };
        let at = Timestamp::from_micros(micros);
        sink.reading(&Found { device, signal, unit, value, at })
    }
}

/// The first column that has one.
fn value_of<'r>(
    places: &Places,
    row: &'r Row,
    signal: &str,
) -> Option<(Value<'r>, Option<model::Unit>)> {
    let cell = |at: Option<usize>| at.and_then(|at| row.cell(at));
    if let Some(truth) = cell(places.truth) {
        return Some((Value::Boolean(matches!(truth, "t" | "true")), None));
    }
    if let Some(text) = cell(places.whole) {
        let whole = text.parse::<i64>().ok()?;
        let exact = || Value::Number(whole as f64);
        let digits = whole.unsigned_abs() > WHOLE_MAX;
        return Some((if digits { Value::Text(text) } else { exact() }, None));
    }
    if let Some(number) = cell(places.number) {
        return number.parse().ok().map(|number| (Value::Number(number), None));
    }
    if let Some(text) = cell(places.text) {
        return value_of_text(text, signal);
    }
    cell(places.json).map(|json| (Value::Text(json), None))
}

#[cfg(test)]
mod tests;
