//! Opening: the newest version of the table, its snapshot, and no leftovers.

use std::io;
use std::time::Duration;

use model::{Position, Timestamp};

use crate::fault::OpenFault;
use crate::kind::Kind;
use crate::snapshot::Snapshot;
use crate::storage::{DRAFT, Storage};
use crate::table::{Removed, Table};

/// Snapshots stand beside the table, at the top of the space.
pub(crate) const SNAPSHOT_DIR: &str = "";

/// Bytes of a snapshot that are read: 4 million series with long names.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;

pub(crate) fn snapshot_name(position: Position) -> String {
    format!("snapshot-{:020}.bin", position.get())
}

/// What an opening finds.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) table: Table,
    pub(crate) hours: Table,
    pub(crate) snapshot: Snapshot,
    /// Files that left the table so lately that somebody may still read them.
    pub(crate) removed: Vec<Removed>,
}

pub(crate) fn recover(
    storage: &dyn Storage,
    (space, linger): (&str, Duration),
    now: Timestamp,
) -> Result<Recovered, OpenFault> {
    let (table, mut removed) = Table::open(storage, (Kind::Readings, space), now)?;
    let (hours, of_hours) = Table::open(storage, (Kind::Hours, space), now)?;
    removed.extend(of_hours);
    let wanted = snapshot_name(table.position);
    let snapshot = read_snapshot(storage, &wanted, table.position)?;
    removed.retain(|gone| now < gone.at.saturating_add(linger));
    table.sweep(storage, &removed)?;
    hours.sweep(storage, &removed)?;
    let fault = |name: &str, source| OpenFault::Storage { name: name.into(), source };
    for name in storage.list(SNAPSHOT_DIR).map_err(|source| fault("the space", source))? {
        let old = name.starts_with("snapshot-") && name != wanted;
        if old || name.ends_with(DRAFT) {
            storage.remove(&name).map_err(|source| fault(&name, source))?;
        }
    }
    Ok(Recovered { table, hours, snapshot, removed })
}

pub(crate) fn read_snapshot(
    storage: &dyn Storage,
    name: &str,
    table: Position,
) -> Result<Snapshot, OpenFault> {
    if table == Position::ZERO {
        return Ok(Snapshot::default());
    }
    let bytes = match storage.read(name, SNAPSHOT_BYTES_MAX) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
            return Err(OpenFault::SnapshotMissing { table });
        }
        other => other.map_err(|source| OpenFault::Storage { name: name.into(), source })?,
    };
    let snapshot = Snapshot::decode(name, &bytes)?;
    if snapshot.position != table {
        return Err(OpenFault::Damaged { name: name.into(), what: "it is of another position" });
    }
    Ok(snapshot)
}
