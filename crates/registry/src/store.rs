//! The SQLite file of the registry, as in docs/formats/registry.md.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::{DeviceId, DeviceKey, Format, Position, Timestamp};
use rusqlite::{Connection, OpenFlags, Statement, params};

use crate::directory::{Device, DeviceIndex, Directory};
use crate::labels::Labels;

/// Raised whenever a table changes; an older program refuses a newer file.
const VERSION: i64 = 3;
/// Without what erasures need.
const VERSION_2: i64 = 2;
/// Without labels, too.
const VERSION_1: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE device (
        handle TEXT PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT,
        type TEXT NOT NULL,
        dialect TEXT NOT NULL,
        guessed INTEGER NOT NULL,
        adopted INTEGER NOT NULL,
        first_seen INTEGER NOT NULL,
        last_seen INTEGER,
        first_position INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE device_key (
        key TEXT PRIMARY KEY,
        handle TEXT NOT NULL REFERENCES device (handle),
        place INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX device_key_handle ON device_key (handle);
    CREATE TABLE applied (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        position INTEGER NOT NULL,
        erased INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    INSERT INTO applied (only, position) VALUES (1, 0);";

const ADD_ERASURES: &str = "
    ALTER TABLE device ADD COLUMN first_position INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE applied ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;";

const SCHEMA_LABELS: &str = "
    CREATE TABLE device_label (
        handle TEXT NOT NULL REFERENCES device (handle),
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (handle, name)
    ) STRICT, WITHOUT ROWID;";

const SAVE_DEVICE: &str = "
    INSERT INTO device (handle, id, title, type, dialect, guessed, adopted, first_seen,
        first_position)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT (handle) DO UPDATE SET title = ?3, type = ?4, dialect = ?5, guessed = ?6, adopted = ?7,
        first_position = ?9";

/// Why the registry cannot work with its file.
#[derive(Debug, thiserror::Error)]
pub enum RegistryFault {
    #[error(
        "the registry was written by a newer Althing (format {found}, this one reads {VERSION}); \
         start that version, or restore a backup of this one"
    )]
    Newer { found: i64 },
    #[error("the registry holds a device that cannot be read: {handle}")]
    Damaged { handle: Box<str> },
    #[error("the registry file failed")]
    Sqlite(#[from] rusqlite::Error),
}

/// Copies the file of a registry, also while a site works with it, as it is at one moment.
///
/// # Errors
/// When it cannot be read, or `to` not be written.
pub fn copy(from: &Path, to: &Path) -> Result<(), RegistryFault> {
    let connection = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute("VACUUM INTO ?1", params![to.to_string_lossy()])?;
    Ok(())
}

/// The version of the file of a registry, also while a site works with it.
///
/// # Errors
/// When it cannot be read.
pub fn format(path: &Path) -> Result<Format, RegistryFault> {
    let (oldest, newest) = (VERSION_1.unsigned_abs(), VERSION.unsigned_abs());
    let found = version(path)?;
    // Zero is a file that no Althing has finished.
    let found = u64::try_from(found).ok().filter(|found| *found > 0);
    Ok(Format { what: "registry", found, oldest, newest })
}

fn version(path: &Path) -> Result<i64, RegistryFault> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// What SQLite finds wrong with the file of a registry; empty when nothing is.
///
/// # Errors
/// When it cannot be read at all.
pub fn check(path: &Path) -> Result<Vec<String>, RegistryFault> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut found: Vec<String> = lines.collect::<Result<_, _>>()?;
    found.retain(|line| line != "ok");
    Ok(found)
}

#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
}

impl Store {
    pub(crate) fn open(path: &Path) -> Result<Self, RegistryFault> {
        Self::with(Connection::open(path)?)
    }

    pub(crate) fn in_memory() -> Result<Self, RegistryFault> {
        Self::with(Connection::open_in_memory()?)
    }

    fn with(connection: Connection) -> Result<Self, RegistryFault> {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // The journal is the truth: a commit may be lost in a power cut and is replayed.
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "foreign_keys", "on")?;
        // What is erased does not stay in free pages.
        connection.pragma_update(None, "secure_delete", "on")?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found {
            0 => connection.execute_batch(&raised(&[SCHEMA, SCHEMA_LABELS]))?,
            VERSION_1 => connection.execute_batch(&raised(&[SCHEMA_LABELS, ADD_ERASURES]))?,
            VERSION_2 => connection.execute_batch(&raised(&[ADD_ERASURES]))?,
            VERSION => {}
            found => return Err(RegistryFault::Newer { found }),
        }
        Ok(Self { connection })
    }

    /// All devices in the order in which they were first stored.
    pub(crate) fn devices(&self) -> Result<Vec<Device>, RegistryFault> {
        let mut keys = self
            .connection
            .prepare("SELECT key FROM device_key WHERE handle = ?1 ORDER BY place")?;
        let mut devices = self.connection.prepare(
            "SELECT handle, id, title, type, dialect, guessed, adopted, first_seen, first_position
             FROM device ORDER BY rowid",
        )?;
        let mut rows = devices.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let mut device = device_of(row)?;
            device.keys = keys_of(&mut keys, &device.handle)?;
            found.push(device);
        }
        Ok(found)
    }

    /// It knows of all erasures up to here.
    pub(crate) fn erased_to(&self) -> Result<Position, RegistryFault> {
        let erased: i64 =
            self.connection.query_row("SELECT erased FROM applied", [], |row| row.get(0))?;
        Ok(position_of(erased))
    }

    pub(crate) fn write(
        &mut self,
        directory: &Directory,
        position: Position,
    ) -> Result<(), RegistryFault> {
        let transaction = self.connection.transaction()?;
        for (at, handle) in &directory.erased {
            transaction.execute("DELETE FROM device_key WHERE handle = ?1", [&**handle])?;
            transaction.execute("DELETE FROM device_label WHERE handle = ?1", [&**handle])?;
            transaction.execute("DELETE FROM device WHERE handle = ?1", [&**handle])?;
            let update = "UPDATE applied SET erased = max(erased, ?1)";
            transaction.execute(update, [stored(*at)])?;
        }
        for device in directory.changed.iter().filter_map(|index| directory.get(*index)) {
            transaction.prepare_cached(SAVE_DEVICE)?.execute(params![
                &*device.handle,
                device.id.to_string(),
                device.title.as_deref(),
                &*device.device_type,
                &*device.dialect,
                device.guessed,
                device.adopted,
                device.first_seen.micros(),
                stored(device.first_position),
            ])?;
            for (place, key) in (0_i64..).zip(&device.keys) {
                transaction
                    .prepare_cached("INSERT OR IGNORE INTO device_key VALUES (?1, ?2, ?3)")?
                    .execute(params![key.as_str(), &*device.handle, place])?;
            }
        }
        let update = "UPDATE applied SET position = max(position, ?1)";
        transaction.execute(update, [stored(position)])?;
        transaction.commit()?;
        Ok(())
    }

    /// All labels, those of one device together.
    pub(crate) fn each_label(
        &self,
        mut label: impl FnMut(&str, &str, &str),
    ) -> Result<(), RegistryFault> {
        let mut labels = self.connection.prepare("SELECT handle, name, value FROM device_label")?;
        let mut rows = labels.query([])?;
        while let Some(row) = rows.next()? {
            let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
            label(text(0)?, text(1)?, text(2)?);
        }
        Ok(())
    }

    pub(crate) fn write_labels(
        &mut self,
        relabelled: &[(DeviceIndex, Arc<str>, Labels)],
    ) -> Result<(), RegistryFault> {
        let transaction = self.connection.transaction()?;
        {
            let mut save = transaction.prepare(
                "INSERT INTO device_label VALUES (?1, ?2, ?3)
                 ON CONFLICT (handle, name) DO UPDATE SET value = ?3",
            )?;
            for (_, handle, labels) in relabelled {
                for (name, value) in labels.iter() {
                    save.execute(params![&**handle, name, value])?;
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Notes when devices were last heard and forces everything to the disk.
    pub(crate) fn checkpoint(&mut self, directory: &Directory) -> Result<(), RegistryFault> {
        let transaction = self.connection.transaction()?;
        {
            let mut save =
                transaction.prepare("UPDATE device SET last_seen = ?2 WHERE handle = ?1")?;
            for (index, device) in directory.iter() {
                if let Some(at) = directory.pulse(index).and_then(|pulse| pulse.heard_at()) {
                    save.execute(params![&*device.handle, at.micros()])?;
                }
            }
        }
        transaction.commit()?;
        self.connection.pragma(None, "wal_checkpoint", "truncate", |_row| Ok(()))?;
        Ok(())
    }
}

/// What changes the tables and raises the version, as one step.
fn raised(changes: &[&str]) -> String {
    let changes = changes.concat();
    format!("BEGIN; {changes} PRAGMA user_version = {VERSION}; COMMIT;")
}

/// SQLite has signed numbers only.
fn stored(position: Position) -> i64 {
    i64::try_from(position.get()).unwrap_or(i64::MAX)
}

fn position_of(stored: i64) -> Position {
    Position::new(u64::try_from(stored).unwrap_or_default())
}

fn device_of(row: &rusqlite::Row<'_>) -> Result<Device, RegistryFault> {
    let handle: String = row.get(0)?;
    let id: String = row.get(1)?;
    let Ok(id) = id.parse::<DeviceId>() else {
        return Err(RegistryFault::Damaged { handle: handle.into() });
    };
    Ok(Device {
        id,
        title: row.get::<_, Option<String>>(2)?.map(Into::into),
        device_type: row.get::<_, String>(3)?.into(),
        dialect: row.get::<_, String>(4)?.into(),
        guessed: row.get(5)?,
        adopted: row.get(6)?,
        keys: Vec::new(),
        first_seen: Timestamp::from_micros(row.get(7)?),
        labels: Labels::default(),
        first_position: position_of(row.get(8)?),
        handle: handle.into(),
    })
}

fn keys_of(keys: &mut Statement<'_>, handle: &str) -> Result<Vec<DeviceKey>, RegistryFault> {
    let found = keys.query_map([handle], |row| row.get::<_, String>(0))?;
    found.map(|key| Ok(DeviceKey::from_full(&key?))).collect()
}
