//! A space from outside: what a copy of it needs, and whether all of it reads back. Nothing is
//! changed.

use std::io;
use std::sync::Arc;

use model::{Fit, Format, Position};
use serde::Deserialize;

use crate::cold::{FileScan, Shelf, Want};
use crate::delta::{FORMAT_LONGER, FORMAT_VERSION, READER_VERSION};
use crate::fault::{OpenFault, ReadFault};
use crate::file::ColdFile;
use crate::kind::Kind;
use crate::log::{Log, damaged};
use crate::recovery::{read_snapshot, snapshot_name};
use crate::scan::{Filter, Scan};
use crate::snapshot;
use crate::storage::Storage;

/// The files of one version of each table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The table holds everything up to here.
    pub position: Position,
    /// Below the folder of the space: Parquet files, the snapshot, and all versions of the log.
    /// None of them ever changes.
    pub names: Vec<String>,
    /// What the table has in an object store: not among the names.
    pub remote: Elsewhere,
}

/// Files in an object store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    pub files: u64,
    pub bytes: u64,
}

impl Elsewhere {
    fn of(log: &Log) -> Self {
        let moved = log.removes.values().filter(|gone| gone.is_moved());
        moved.fold(Self::default(), |sum, gone| Self {
            files: sum.files + 1,
            bytes: sum.bytes + gone.size.unwrap_or_default(),
        })
    }
}

/// What the newest versions of the tables hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    pub position: Position,
    pub files: u64,
    /// Readings.
    pub rows: u64,
    /// Rows of the table of hours.
    pub hours: u64,
    pub bytes: u64,
    /// Not looked at.
    pub remote: Elsewhere,
}

/// What does not read back.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFault {
    #[error(transparent)]
    Open(#[from] OpenFault),
    #[error(transparent)]
    Read(#[from] ReadFault),
    #[error("{name} has {found} rows, the log says {told}")]
    Rows { name: Box<str>, found: u64, told: u64 },
    #[error("{name} does not begin as Parquet")]
    Magic { name: Box<str> },
    #[error("{name} cannot be read")]
    Storage {
        name: Box<str>,
        #[source]
        source: io::Error,
    },
}

/// What a copy of the newest version needs; `None` where there is no table.
///
/// # Errors
/// When the log cannot be read.
pub fn inventory(storage: &dyn Storage) -> Result<Option<Inventory>, OpenFault> {
    // First the hours, so that they never name files that come after those of the readings.
    let hours = Log::read(storage, Kind::Hours)?;
    let Some((version, log)) = Log::read(storage, Kind::Readings)? else { return Ok(None) };
    let position = log.check(&Kind::Readings.commit_name(version))?;
    // The snapshot goes with the next flush, so it comes first.
    let mut names = Vec::new();
    if position != Position::ZERO {
        names.push(snapshot_name(position));
    }
    let remote = Elsewhere::of(&log);
    let readings = (Kind::Readings, version, log);
    let hours = hours.map(|(version, log)| (Kind::Hours, version, log));
    for (kind, version, log) in std::iter::once(readings).chain(hours) {
        names.extend(log.adds.keys().map(|path| kind.name_of(path)));
        names.extend((0..=version).map(|version| kind.commit_name(version)));
    }
    Ok(Some(Inventory { position, names, remote }))
}

/// The versions of a space, also while a site writes to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Formats {
    pub formats: Vec<Format>,
    /// What ingest keeps in the snapshot, in a format of its own.
    pub extra: Option<Vec<u8>>,
}

/// Which formats the newest version of the table has; none where there is no table.
///
/// # Errors
/// When something cannot be read.
pub fn formats(storage: &dyn Storage) -> Result<Formats, OpenFault> {
    let Some((_, log)) = Log::read(storage, Kind::Readings)? else {
        return Ok(Formats::default());
    };
    let (table_log, table, position) = log.versions();
    let format = |what, found, newest| Format { what, found, oldest: newest, newest };
    // A table has the lowest that says all it has, so each of them is as it is written today.
    let table_format = |what, found: Option<u64>| {
        let newest = found.filter(|found| *found <= FORMAT_LONGER).unwrap_or(FORMAT_LONGER);
        Format { oldest: FORMAT_VERSION, ..format(what, found, newest) }
    };
    let mut formats =
        vec![format("table log", table_log, READER_VERSION), table_format("table", table)];
    if let Some((_, hours)) = Log::read(storage, Kind::Hours)? {
        let (table_log, table, _) = hours.versions();
        formats.push(format("table log of hours", table_log, READER_VERSION));
        formats.push(table_format("table of hours", table));
    }
    if position == Position::ZERO {
        return Ok(Formats { formats, extra: None });
    }
    let name = snapshot_name(position);
    let fault = |source| OpenFault::Storage { name: name.as_str().into(), source };
    let start = storage.read_at(&name, 0, snapshot::HEAD_BYTES).map_err(fault)?;
    let snapshot = Format {
        oldest: snapshot::OLDEST,
        ..format("snapshot", snapshot::version(&start), snapshot::NEWEST)
    };
    formats.push(snapshot);
    let extra = match snapshot.fit() {
        Fit::Same | Fit::Older => Some(read_snapshot(storage, &name, position)?.extra),
        Fit::TooOld | Fit::Newer | Fit::Unreadable => None,
    };
    Ok(Formats { formats, extra })
}

/// Reads everything of the newest version and says what does not hold. A space that is in use may
/// lose files meanwhile.
#[must_use]
pub fn verify(storage: &Arc<dyn Storage>) -> (Verified, Vec<VerifyFault>) {
    let (mut verified, mut faults) = (Verified::default(), Vec::new());
    match verify_table(storage, Kind::Readings, (&mut verified, &mut faults)) {
        Ok(None) => return (verified, faults),
        Ok(Some(position)) => verified.position = position,
        Err(fault) => faults.push(fault.into()),
    }
    let name = snapshot_name(verified.position);
    if let Err(fault) = read_snapshot(&**storage, &name, verified.position) {
        faults.push(fault.into());
    }
    if let Err(fault) = verify_table(storage, Kind::Hours, (&mut verified, &mut faults)) {
        faults.push(fault.into());
    }
    (verified, faults)
}

/// Answers the position of a table; `None` where there is none.
fn verify_table(
    storage: &Arc<dyn Storage>,
    kind: Kind,
    (verified, faults): (&mut Verified, &mut Vec<VerifyFault>),
) -> Result<Option<Position>, OpenFault> {
    let Some((version, log)) = Log::read(&**storage, kind)? else { return Ok(None) };
    if kind == Kind::Readings {
        verified.remote = Elsewhere::of(&log);
    }
    let shelf = Shelf::new(Arc::clone(storage));
    for add in log.adds.values() {
        let checked = match ColdFile::from_add(kind, add) {
            Some(file) => check(&shelf, &**storage, (file, &add.stats)),
            None => Err(damaged(kind.log_dir(), "a file of it is not Althing's").into()),
        };
        match checked {
            Ok(rows) => {
                verified.files += 1;
                verified.bytes += add.size;
                match kind {
                    Kind::Readings => verified.rows += rows,
                    Kind::Hours => verified.hours += rows,
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    log.check(&kind.commit_name(version)).map(Some)
}

/// Decodes all of one file.
fn check(
    shelf: &Shelf,
    storage: &dyn Storage,
    (file, stats): (ColdFile, &str),
) -> Result<u64, VerifyFault> {
    const MAGIC: &[u8] = b"PAR1";
    let name: Box<str> = file.name().into();
    let storage_fault = |source| VerifyFault::Storage { name: name.clone(), source };
    let start = storage.read_at(&name, 0, MAGIC.len()).map_err(storage_fault)?;
    if start != MAGIC {
        return Err(VerifyFault::Magic { name });
    }
    let filter = Filter::new(&Scan::default(), 0);
    let columns = (0..file.kind().stored().fields().len()).collect();
    let want = Want { filter, names: None, columns };
    let mut scan = FileScan::open(shelf, Arc::new(file), &want)?;
    let mut found = 0;
    while let Some(batch) = scan.next(shelf, &want)? {
        found += batch.num_rows() as u64;
    }
    match serde_json::from_str::<Told>(stats) {
        Ok(Told { num_records }) if num_records == found => Ok(found),
        told => {
            let told = told.map(|told| told.num_records).unwrap_or_default();
            Err(VerifyFault::Rows { name, found, told })
        }
    }
}

/// What the log says of a file's rows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    num_records: u64,
}
