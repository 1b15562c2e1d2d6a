//! The recorder database of Home Assistant: states, and statistics of hours, from SQLite.
//!
//! An entity is a device. Its signal is called like its device class (`temperature`), or `state`.

mod schema;

use std::path::{Path, PathBuf};

use dialect::value_of_text;
use field::replay::When;
use hashbrown::HashMap;
use model::{Timestamp, Unit, Value};
use rusqlite::{Connection, OpenFlags, Row};

use crate::fault::ImportFault;
use crate::input::size;
use crate::sink::{Extent, Found, Sink, Skip, Source};
use schema::Schema;

/// The signal of an entity without a device class.
const STATE: &str = "state";

/// Attributes that are kept, of states that share them.
const SHARED_MAX: usize = 65_536;

/// Entities of one home; the largest have some ten thousand.
const ENTITIES_MAX: usize = 1_000_000;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// What of the database is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    All,
    States,
    Statistics,
}

#[derive(Debug)]
pub struct HomeAssistant {
    path: PathBuf,
    base: Connection,
    schema: Schema,
    parts: Parts,
    rows: u64,
    /// First and last row of each table.
    ends: Vec<(Option<i64>, Option<i64>)>,
    /// The signal of each entity.
    signals: Map<Box<str>, Box<str>>,
}

impl HomeAssistant {
    /// The file is opened for reading only, and may be that of a Home Assistant that runs.
    ///
    /// # Errors
    /// When it is no recorder database.
    pub fn open(path: &Path, parts: Parts) -> Result<Self, ImportFault> {
        size(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let fault = ImportFault::sqlite(path);
        let base = Connection::open_with_flags(path, flags).map_err(fault)?;
        let schema = Schema::read(&base, path)?;
        let mut new = Self {
            path: path.to_owned(),
            base,
            schema,
            parts,
            rows: 0,
            ends: Vec::new(),
            signals: Map::default(),
        };
        new.survey().map_err(ImportFault::sqlite(path))?;
        Ok(new)
    }

    fn survey(&mut self) -> rusqlite::Result<()> {
        // All of it is of one moment, also when rows come and go meanwhile.
        self.base.execute_batch("BEGIN")?;
        let mut tables = Vec::new();
        if self.parts != Parts::Statistics {
            tables.push(("states", "state_id"));
        }
        if self.parts != Parts::States && self.schema.statistics {
            tables.push(("statistics", "id"));
        }
        for (table, id) in tables {
            let asked = format!("SELECT count(*), min({id}), max({id}) FROM {table}");
            let (rows, ends) = self.base.query_row(&asked, [], |row| {
                Ok((row.get::<_, i64>(0)?, (row.get(1)?, row.get(2)?)))
            })?;
            self.rows += u64::try_from(rows).unwrap_or_default();
            self.ends.push(ends);
        }
        let mut asked = self.base.prepare(&self.schema.classes())?;
        let mut found = asked.query([])?;
        while let Some(row) = found.next()? {
            if let Some(entity) = text(row, 0)?
                && self.signals.len() < ENTITIES_MAX
            {
                let class = text(row, 1)?.and_then(Attributes::of).and_then(|own| own.class);
                let signal = class.unwrap_or_else(|| STATE.into());
                self.signals.insert(entity.into(), signal);
            }
        }
        Ok(())
    }

    fn states(&self, sink: &mut dyn Sink) -> Result<u64, ImportFault> {
        let fault = || ImportFault::sqlite(&self.path);
        let mut asked = self.base.prepare(&self.schema.states()).map_err(fault())?;
        let mut found = asked.query([]).map_err(fault())?;
        let (mut units, mut done) = (Units::default(), 0);
        while let Some(row) = found.next().map_err(fault())? {
            done += 1;
            if !sink.row(done, done)? {
                continue;
            }
            match State::of(row, &mut units) {
                Ok(state) => self.give(&state, sink)?,
                Err(why) => sink.skip(why),
            }
        }
        Ok(done)
    }

    fn give(&self, state: &State<'_>, sink: &mut dyn Sink) -> Result<(), ImportFault> {
        let signal = self.signals.get(state.entity).map_or(STATE, |signal| signal);
        let Some((value, own)) = value_of_text(state.value, signal) else {
            sink.skip(Skip::NoValue);
            return Ok(());
        };
        let unit = own.or(state.unit);
        sink.reading(&Found { device: state.entity, signal, unit, value, at: state.at })
    }

    fn statistics(&self, before: u64, sink: &mut dyn Sink) -> Result<(), ImportFault> {
        let fault = || ImportFault::sqlite(&self.path);
        let mut asked = self.base.prepare(&self.schema.statistics()).map_err(fault())?;
        let mut found = asked.query([]).map_err(fault())?;
        let mut done = before;
        while let Some(row) = found.next().map_err(fault())? {
            done += 1;
            if !sink.row(done - before, done)? {
                continue;
            }
            match Hour::of(row) {
                Ok(hour) => self.give_hour(&hour, sink)?,
                Err(why) => sink.skip(why),
            }
        }
        Ok(())
    }

    fn give_hour(&self, hour: &Hour<'_>, sink: &mut dyn Sink) -> Result<(), ImportFault> {
        let Hour { entity, unit, at, values } = *hour;
        let signal = self.signals.get(entity).map_or(STATE, |signal| signal);
        if values.iter().all(Option::is_none) {
            sink.skip(Skip::NoValue);
        }
        for (kind, number) in KINDS.into_iter().zip(values) {
            let Some(number) = number else { continue };
            let (signal, value) = (format!("{signal}.{kind}"), Value::Number(number));
            sink.reading(&Found { device: entity, signal: &signal, unit, value, at })?;
        }
        Ok(())
    }
}

impl Source for HomeAssistant {
    fn extent(&self) -> Extent {
        Extent::Rows(self.rows)
    }

    /// A Home Assistant that runs writes beside the file, so rows are what counts.
    fn identity(&self) -> String {
        format!("{:?} {:?} {:?}", self.path, self.parts, self.ends)
    }

    fn read(&mut self, sink: &mut dyn Sink) -> Result<(), ImportFault> {
        let states = if self.parts == Parts::Statistics { 0 } else { self.states(sink)? };
        if self.parts == Parts::States || !self.schema.statistics {
            return Ok(());
        }
        self.statistics(states, sink)
    }
}

/// One row of `states`.
struct State<'r> {
    entity: &'r str,
    value: &'r str,
    at: Timestamp,
    unit: Option<Unit>,
}

impl<'r> State<'r> {
    /// Columns: entity, state, time, number of shared attributes, attributes.
    fn of(row: &'r Row<'_>, units: &mut Units) -> Result<Self, Skip> {
        let unreadable = |_fault: rusqlite::Error| Skip::Unreadable;
        let entity = text(row, 0).map_err(unreadable)?.ok_or(Skip::NoDevice)?;
        let value = text(row, 1).map_err(unreadable)?.ok_or(Skip::NoValue)?;
        let at = time(row, 2).map_err(unreadable)?.ok_or(Skip::NoTime)?;
        let shared = row.get(3).map_err(unreadable)?;
        let unit = units.of(shared, text(row, 4).map_err(unreadable)?);
        Ok(Self { entity, value, at, unit })
    }
}

/// What is known of an hour, in the order of the schema.
const KINDS: [&str; 4] = ["mean", "min", "max", "sum"];

/// One row of `statistics`.
struct Hour<'r> {
    entity: &'r str,
    unit: Option<Unit>,
    at: Timestamp,
    values: [Option<f64>; KINDS.len()],
}

impl<'r> Hour<'r> {
    /// Columns: entity, unit, time, and the values.
    fn of(row: &'r Row<'_>) -> Result<Self, Skip> {
        let unreadable = |_fault: rusqlite::Error| Skip::Unreadable;
        let entity = text(row, 0).map_err(unreadable)?.ok_or(Skip::NoDevice)?;
        let unit = text(row, 1).map_err(unreadable)?.and_then(Unit::from_text);
        let at = time(row, 2).map_err(unreadable)?.ok_or(Skip::NoTime)?;
        let mut values = [None; KINDS.len()];
        for (place, value) in values.iter_mut().enumerate() {
            *value = row.get(place + 3).map_err(unreadable)?;
        }
        Ok(Self { entity, unit, at, values })
    }
}

/// Units by the number of attributes that many states share.
#[derive(Default)]
struct Units(Map<i64, Option<Unit>>);

impl Units {
    fn of(&mut self, shared: Option<i64>, attributes: Option<&str>) -> Option<Unit> {
        if let Some(known) = shared.and_then(|number| self.0.get(&number)) {
            return *known;
        }
        let unit = attributes.and_then(Attributes::of).and_then(|own| own.unit);
        if let Some(number) = shared {
            if self.0.len() == SHARED_MAX {
                self.0.clear();
            }
            self.0.insert(number, unit);
        }
        unit
    }
}

/// Of the attributes of a state, what a reading needs.
struct Attributes {
    class: Option<Box<str>>,
    unit: Option<Unit>,
}

impl Attributes {
    fn of(json: &str) -> Option<Self> {
        let all: serde_json::Value = serde_json::from_str(json).ok()?;
        let text = |name: &str| all.get(name).and_then(|value| value.as_str());
        let class = text("device_class").filter(|class| !class.trim().is_empty());
        let unit = text("unit_of_measurement").and_then(Unit::from_text);
        Some(Self { class: class.map(Into::into), unit })
    }
}

fn text<'r>(row: &'r Row<'_>, at: usize) -> rusqlite::Result<Option<&'r str>> {
    Ok(row.get_ref(at)?.as_str_or_null()?)
}

/// Seconds since 1970, or a text in UTC as old versions wrote it.
fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Timestamp>> {
    use rusqlite::types::ValueRef;
    Ok(match row.get_ref(at)? {
        ValueRef::Null | ValueRef::Blob(_) => None,
        ValueRef::Integer(seconds) => seconds.checked_mul(1_000_000).map(Timestamp::from_micros),
        ValueRef::Real(seconds) => micros(seconds),
        ValueRef::Text(bytes) => {
            std::str::from_utf8(bytes).ok().and_then(|text| When::default().read_cell(text))
        }
    })
}

/// Rounded: a double holds today's seconds to a quarter of a microsecond.
fn micros(seconds: f64) -> Option<Timestamp> {
    let micros = (seconds * 1e6).round();
    #[expect(clippy::cast_possible_truncation, reason = "the bounds are checked on this line")]
    (micros.abs() < 9e18).then(|| Timestamp::from_micros(micros as i64))
}

#[cfg(test)]
mod tests;
