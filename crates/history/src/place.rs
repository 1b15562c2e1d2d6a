//! An encoded file goes to its place on disk, and into words of the log.

use std::io;

use arrow::datatypes::Schema;
use model::Timestamp;

use crate::arrange::FileKey;
use crate::delta::{Bound, Bounds, Stats};
use crate::fault::{FlushFault, MergeFault};
use crate::file::{ColdFile, Home, Origin};
use crate::folder::{DAY_MS, Folder, day_name};
use crate::part::{Encoded, Facts, stored};
use crate::storage::{DRAFT, Storage, place};

/// A file that is durable except for its name, and that no version of the table names yet.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) file: ColdFile,
    pub(crate) rows: u64,
    /// As the log has them.
    pub(crate) stats: String,
}

/// Where the rows of a file come from.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) key: FileKey,
    pub(crate) position: u64,
    /// As `ColdFile::clean`.
    pub(crate) clean: u64,
    pub(crate) level: u8,
    pub(crate) at: Timestamp,
    /// For a file of hours.
    pub(crate) origin: Option<Origin>,
}

pub(crate) fn place_part(
    storage: &dyn Storage,
    (path, made): (String, Made),
    encoded: &Encoded,
) -> Result<Part, FlushFault> {
    let file = ColdFile {
        path: path.into(),
        key: made.key,
        position: made.position,
        clean: made.clean.max(made.position),
        level: made.level,
        written: made.at.millis(),
        bytes: encoded.bytes.len() as u64,
        time_min: encoded.facts.time_min,
        time_max: encoded.facts.time_max,
        tail: encoded.tail,
        tail_checksum: encoded.tail_checksum(),
        home: Home::Here,
        origin: made.origin,
    };
    let name = file.name();
    place(storage, &name, &encoded.bytes).map_err(storage_fault(&name))?;
    let stats =
        serde_json::to_string(&stats(&encoded.facts, made.key.folder, &file.kind().stored()))
            .map_err(|fault| FlushFault::Storage {
                name: file.path.clone(),
                source: fault.into(),
            })?;
    Ok(Part { file, rows: encoded.facts.rows, stats })
}

fn stats<'a>(facts: &'a Facts, folder: Folder, schema: &'a Schema) -> Stats<'a> {
    let bounds = |series: i32, millis: i64| {
        let name = |column: usize| schema.field(column).name().as_str();
        let mut bounds =
            Bounds::from([(name(stored::SERIES), Bound::Number(series.cast_unsigned()))]);
        // Not where the years are so far away that other readers may not understand them.
        if folder.is_plain() {
            bounds.insert(name(stored::TIME), Bound::Time(iso(millis)));
        }
        bounds
    };
    Stats {
        num_records: facts.rows,
        min_values: bounds(facts.series_min, facts.time_min),
        max_values: bounds(facts.series_max, facts.time_max),
        null_count: &facts.nulls,
    }
}

/// Writes files and makes them part of a table. Removes them if that was in vain, unless a restart
/// must tell whether it was.
pub(crate) fn attempt<W, T>(
    storage: &dyn Storage,
    write: impl FnOnce(&mut Vec<String>) -> Result<Option<W>, MergeFault>,
    publish: impl FnOnce(W) -> Result<Option<T>, FlushFault>,
) -> Result<Option<T>, MergeFault> {
    let mut begun = Vec::new();
    let outcome = write(&mut begun).and_then(|written| match written {
        Some(written) => Ok(publish(written)?),
        None => Ok(None),
    });
    let in_doubt = matches!(&outcome, Err(MergeFault::Write(fault)) if fault.is_final());
    if !in_doubt && !matches!(outcome, Ok(Some(_))) {
        clean_up(storage, &begun);
    }
    outcome
}

/// Removes what was written in vain, so that a full disk does not get fuller. What cannot be
/// removed goes with the next opening.
pub(crate) fn clean_up(storage: &dyn Storage, begun: &[String]) {
    for name in begun {
        for name in [name.clone(), format!("{name}{DRAFT}")] {
            if let Err(fault) = storage.remove(&name)
                && fault.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(name, %fault, "a file that was written in vain stays");
            }
        }
    }
}

pub(crate) fn storage_fault(name: &str) -> impl FnOnce(io::Error) -> FlushFault {
    let name = name.into();
    move |source| FlushFault::Storage { name, source }
}

/// `2026-11-25T10:00:00.000Z`
fn iso(millis: i64) -> String {
    let day = i32::try_from(millis.div_euclid(DAY_MS)).unwrap_or_default();
    let of_day = millis.rem_euclid(DAY_MS);
    let (seconds, rest) = (of_day / 1_000, of_day % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}.{rest:03}Z", day_name(day))
}
