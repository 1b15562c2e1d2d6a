//! The table on disk: which files belong to it at a version, and how a version is added.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use model::{Position, Timestamp};

use crate::arrange::{FileKey, day_from_name, day_name};
use crate::checkpoint::{self, CHECKPOINT_EVERY};
use crate::delta::{
    APP_ID, Action, Add, FORMAT_KEY, FORMAT_VERSION, Format, MetaData, Protocol, READER_VERSION,
    Remove, Txn, decode, encode, schema_string,
};
use crate::fault::{FlushFault, OpenFault};
use crate::storage::{DRAFT, Storage};

pub(crate) const TABLE_DIR: &str = "readings";
const LOG_DIR: &str = "readings/_delta_log";

/// Bytes of one version that are read: 64 MiB is some 100,000 files in one flush, more than there
/// are folders.
const COMMIT_BYTES_MAX: u64 = 64 << 20;

/// One version of the table. Never changes; the next version is another value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) version: u64,
    pub(crate) position: Position,
    /// By folder, then in the order they were written.
    pub(crate) files: Vec<Arc<ColdFile>>,
}

/// What is known of a Parquet file without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColdFile {
    /// Below the folder of the table.
    pub(crate) path: Box<str>,
    pub(crate) key: FileKey,
    pub(crate) position: u64,
    pub(crate) bytes: u64,
    pub(crate) time_min: i64,
    pub(crate) time_max: i64,
    /// Where page indexes and footer begin, and their checksum.
    pub(crate) tail: u64,
    pub(crate) tail_checksum: u32,
}

impl ColdFile {
    pub(crate) fn name(&self) -> String {
        format!("{TABLE_DIR}/{}", self.path)
    }

    fn sort_key(&self) -> (i32, u64, bool, &str) {
        (self.key.day, self.position, self.key.late, &self.path)
    }

    pub(crate) fn tags(&self) -> BTreeMap<String, String> {
        let tag = |name: &str, value: &dyn ToString| (format!("althing.{name}"), value.to_string());
        BTreeMap::from([
            tag("late", &self.key.late),
            tag("position", &self.position),
            tag("time_min", &self.time_min),
            tag("time_max", &self.time_max),
            tag("tail", &self.tail),
            tag("tail_crc32c", &self.tail_checksum),
        ])
    }

    fn from_add(add: &Add) -> Option<Self> {
        let tag = |name: &str| add.tags.get(&format!("althing.{name}")).map(String::as_str);
        let day = day_from_name(add.partition_values.get("day")?)?;
        Some(Self {
            path: add.path.as_str().into(),
            key: FileKey { day, late: tag("late")?.parse().ok()? },
            position: tag("position")?.parse().ok()?,
            bytes: add.size,
            time_min: tag("time_min")?.parse().ok()?,
            time_max: tag("time_max")?.parse().ok()?,
            tail: tag("tail")?.parse().ok().filter(|tail| *tail <= add.size)?,
            tail_checksum: tag("tail_crc32c")?.parse().ok()?,
        })
    }
}

/// The folder of a day, below the space.
pub(crate) fn day_dir(day: i32) -> String {
    format!("{TABLE_DIR}/day={}", day_name(day))
}

fn commit_name(version: u64) -> String {
    format!("{LOG_DIR}/{version:020}.json")
}

fn storage_fault(name: &str) -> impl FnOnce(io::Error) -> OpenFault {
    let name = name.into();
    move |source| OpenFault::Storage { name, source }
}

impl Table {
    /// Reads the log; begins one if there is none.
    pub(crate) fn open(
        storage: &dyn Storage,
        space: &str,
        now: Timestamp,
    ) -> Result<Self, OpenFault> {
        storage.make_dir(LOG_DIR).map_err(storage_fault(LOG_DIR))?;
        let Some((version, log)) = Log::read(storage)? else {
            return Self::begin(storage, space, now);
        };
        let name = commit_name(version);
        let position = log.check(&name)?;
        let mut files = Vec::with_capacity(log.adds.len());
        for add in log.adds.values() {
            let file = ColdFile::from_add(add);
            let file = file.ok_or_else(|| damaged(&name, "a file of it is not Althing's"))?;
            files.push(Arc::new(file));
        }
        files.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        Ok(Self { version, position, files })
    }

    fn begin(storage: &dyn Storage, space: &str, now: Timestamp) -> Result<Self, OpenFault> {
        let protocol = Protocol { min_reader_version: READER_VERSION, min_writer_version: 2 };
        let (micros, of_space) = (now.micros(), crc32c::crc32c(space.as_bytes()));
        let meta_data = MetaData {
            // Shaped as a UUID of version 8, whose bits are the maker's.
            id: format!(
                "{of_space:08x}-{:04x}-8{:03x}-8000-{:012x}",
                (micros >> 60) & 0xffff,
                (micros >> 48) & 0xfff,
                micros & 0xffff_ffff_ffff,
            ),
            format: Format { provider: "parquet".to_owned(), options: BTreeMap::new() },
            schema_string: schema_string(),
            partition_columns: vec!["day".to_owned()],
            configuration: BTreeMap::from([(FORMAT_KEY.to_owned(), FORMAT_VERSION.to_string())]),
            created_time: now.millis(),
        };
        let actions = [
            Action { protocol: Some(protocol), ..Action::default() },
            Action { meta_data: Some(meta_data), ..Action::default() },
        ];
        let name = commit_name(0);
        commit(storage, 0, &actions, ("CREATE TABLE", now)).map_err(|fault| match fault {
            CommitFault::Before(source) | CommitFault::Unsure(source) => {
                OpenFault::Storage { name: name.into(), source }
            }
        })?;
        Ok(Self::default())
    }

    /// Adds the version that says: with these files the table holds everything up to `position`.
    pub(crate) fn flush(
        &self,
        storage: &dyn Storage,
        position: Position,
        added: Vec<(ColdFile, String)>,
        now: Timestamp,
    ) -> Result<Self, FlushFault> {
        let txn =
            Txn { app_id: APP_ID.to_owned(), version: position.get(), last_updated: now.millis() };
        let mut actions = vec![Action { txn: Some(txn), ..Action::default() }];
        let mut files = self.files.clone();
        for (file, stats) in added {
            let add = Add {
                path: file.path.to_string(),
                partition_values: BTreeMap::from([("day".to_owned(), day_name(file.key.day))]),
                size: file.bytes,
                modification_time: now.millis(),
                data_change: true,
                stats,
                tags: file.tags(),
            };
            actions.push(Action { add: Some(add), ..Action::default() });
            files.push(Arc::new(file));
        }
        let version = self.version + 1;
        commit(storage, version, &actions, ("WRITE", now)).map_err(|f| f.of_flush(version))?;
        files.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        Ok(Self { version, position, files })
    }

    /// Adds the version without the folders before `day`. Their files stay until `sweep`.
    pub(crate) fn without_days_before(
        &self,
        storage: &dyn Storage,
        day: i32,
        now: Timestamp,
    ) -> Result<Option<Self>, FlushFault> {
        let gone: Vec<_> = self.files.iter().filter(|file| file.key.day < day).collect();
        if gone.is_empty() {
            return Ok(None);
        }
        let remove = |file: &&Arc<ColdFile>| Action {
            remove: Some(Remove {
                path: file.path.to_string(),
                deletion_timestamp: now.millis(),
                data_change: true,
            }),
            ..Action::default()
        };
        let actions: Vec<_> = gone.iter().map(remove).collect();
        let version = self.version + 1;
        commit(storage, version, &actions, ("DELETE", now)).map_err(|f| f.of_flush(version))?;
        let files = self.files.iter().filter(|file| file.key.day >= day).map(Arc::clone).collect();
        Ok(Some(Self { version, position: self.position, files }))
    }

    /// Removes what crashes left behind: drafts, and files of ours that no version names.
    pub(crate) fn sweep(&self, storage: &dyn Storage) -> Result<(), OpenFault> {
        let known: BTreeSet<String> = self.files.iter().map(|file| file.name()).collect();
        let mut dirs = vec![LOG_DIR.to_owned()];
        let days = storage.list(TABLE_DIR).map_err(storage_fault(TABLE_DIR))?;
        let ours = |name: &&String| name.strip_prefix("day=").and_then(day_from_name).is_some();
        dirs.extend(days.iter().filter(ours).map(|name| format!("{TABLE_DIR}/{name}")));
        for dir in dirs {
            let names = storage.list(&dir).map_err(storage_fault(&dir))?;
            let mut left = names.len();
            for name in names {
                let path = format!("{dir}/{name}");
                let orphan = name.starts_with("part-") && !known.contains(&path);
                if orphan || name.ends_with(DRAFT) {
                    storage.remove(&path).map_err(storage_fault(&path))?;
                    left -= 1;
                }
            }
            if left == 0 && dir != LOG_DIR {
                storage.remove(&dir).map_err(storage_fault(&dir))?;
            }
        }
        Ok(())
    }
}

fn damaged(name: &str, what: &'static str) -> OpenFault {
    OpenFault::Damaged { name: name.into(), what }
}

/// The log up to one version.
#[derive(Default)]
struct Log {
    protocol: Option<Protocol>,
    meta_data: Option<MetaData>,
    txn: Option<Txn>,
    adds: BTreeMap<String, Add>,
}

impl Log {
    /// The newest version; `None` when there is none.
    fn read(storage: &dyn Storage) -> Result<Option<(u64, Self)>, OpenFault> {
        let names = storage.list(LOG_DIR).map_err(storage_fault(LOG_DIR))?;
        let version = |name: &String| name.strip_suffix(".json")?.parse::<u64>().ok();
        let versions: BTreeSet<u64> = names.iter().filter_map(version).collect();
        let mut log = Self::default();
        let checkpoint = checkpoint::read(storage, LOG_DIR).unwrap_or_else(|fault| {
            tracing::warn!(%fault, "the log's checkpoint is not used");
            None
        });
        let mut next = 0;
        if let Some((version, actions)) = checkpoint {
            actions.into_iter().for_each(|action| log.take(action));
            next = version + 1;
        }
        for version in versions.range(next..) {
            let name = commit_name(*version);
            if *version != next {
                return Err(damaged(&name, "the version before it is missing"));
            }
            let bytes = storage.read(&name, COMMIT_BYTES_MAX).map_err(storage_fault(&name))?;
            let actions = decode(&bytes).map_err(|bad| damaged(&name, bad.what()))?;
            actions.into_iter().for_each(|action| log.take(action));
            next += 1;
        }
        Ok(next.checked_sub(1).map(|newest| (newest, log)))
    }

    fn take(&mut self, action: Action) {
        self.protocol = action.protocol.or_else(|| self.protocol.take());
        self.meta_data = action.meta_data.or_else(|| self.meta_data.take());
        let ours = action.txn.filter(|txn| txn.app_id == APP_ID);
        self.txn = ours.or_else(|| self.txn.take());
        self.adds.extend(action.add.map(|add| (add.path.clone(), add)));
        if let Some(remove) = action.remove {
            self.adds.remove(&remove.path);
        }
    }

    /// Whether it is understood; and the position it says.
    fn check(&self, name: &str) -> Result<Position, OpenFault> {
        let newer = |what, found, known| Err(OpenFault::Newer { what, found, known });
        let protocol = self.protocol.as_ref().map_or(0, |protocol| protocol.min_reader_version);
        if protocol > READER_VERSION {
            return newer("the log of the table", protocol, READER_VERSION);
        }
        let format = self.meta_data.as_ref().and_then(|data| data.configuration.get(FORMAT_KEY));
        match format.and_then(|text| text.parse::<u64>().ok()) {
            Some(FORMAT_VERSION) => {}
            Some(found) => return newer("the table", found, FORMAT_VERSION),
            None => return Err(damaged(name, "the table is not Althing's")),
        }
        Ok(self.txn.as_ref().map_or(Position::ZERO, |txn| Position::new(txn.version)))
    }

    fn into_actions(self) -> Vec<Action> {
        let one = Action::default;
        let mut actions = vec![
            Action { protocol: self.protocol, ..one() },
            Action { meta_data: self.meta_data, ..one() },
        ];
        actions.extend(self.txn.map(|txn| Action { txn: Some(txn), ..one() }));
        actions.extend(self.adds.into_values().map(|add| Action { add: Some(add), ..one() }));
        actions
    }
}

/// Writes a checkpoint when it is time for one. It is no part of the commit: a fault is only told.
fn checkpoint_when_due(storage: &dyn Storage, version: u64) {
    if version == 0 || !version.is_multiple_of(CHECKPOINT_EVERY) {
        return;
    }
    match Log::read(storage) {
        Ok(Some((version, log))) => {
            let actions = log.into_actions();
            if let Err(fault) = checkpoint::write(storage, LOG_DIR, (version, &actions)) {
                tracing::warn!(version, %fault, "the log gets no checkpoint");
            }
        }
        Ok(None) => {}
        Err(fault) => tracing::warn!(version, %fault, "the log gets no checkpoint"),
    }
}

/// Why a version was not added.
enum CommitFault {
    /// It is not there.
    Before(io::Error),
    /// It may be there after a restart, or not.
    Unsure(io::Error),
}

impl CommitFault {
    fn of_flush(self, version: u64) -> FlushFault {
        let name = commit_name(version).into();
        match self {
            Self::Before(source) => FlushFault::Storage { name, source },
            Self::Unsure(source) => FlushFault::Unsure { name, source },
        }
    }
}

fn commit(
    storage: &dyn Storage,
    version: u64,
    actions: &[Action],
    (operation, now): (&str, Timestamp),
) -> Result<(), CommitFault> {
    let json = encode(actions, operation, now.millis());
    let bytes = json.map_err(|fault| CommitFault::Before(fault.into()))?;
    let name = commit_name(version);
    let draft = format!("{name}{DRAFT}");
    if let Err(fault) = storage.write(&draft, &bytes).and_then(|()| storage.sync(&draft)) {
        discard(storage, &draft);
        return Err(CommitFault::Before(fault));
    }
    if let Err(fault) = storage.rename_exclusive(&draft, &name) {
        // These say that nothing was renamed; after another fault only a restart can tell.
        let kinds = [io::ErrorKind::AlreadyExists, io::ErrorKind::StorageFull];
        if !kinds.contains(&fault.kind()) {
            return Err(CommitFault::Unsure(fault));
        }
        discard(storage, &draft);
        return Err(CommitFault::Before(fault));
    }
    storage.sync_dir(LOG_DIR).map_err(CommitFault::Unsure)?;
    checkpoint_when_due(storage, version);
    Ok(())
}

fn discard(storage: &dyn Storage, draft: &str) {
    if let Err(fault) = storage.remove(draft) {
        tracing::warn!(draft, %fault, "a draft of the log stays");
    }
}
