//! The log of a table on disk: how its versions are read, and how one is added.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use model::{Position, Timestamp};

use crate::checkpoint::{self, CHECKPOINT_EVERY};
use crate::delta::{
    APP_ID, Action, Add, FORMAT_KEY, FORMAT_LONGER, FORMAT_VERSION, MetaData, Protocol,
    READER_VERSION, Remove, Txn, decode, encode,
};
use crate::fault::{FlushFault, OpenFault};
use crate::kind::Kind;
use crate::storage::{DRAFT, Storage};

/// Bytes of one version that are read: 64 MiB is some 100,000 files in one flush, more than there
/// are folders.
pub(crate) const COMMIT_BYTES_MAX: u64 = 64 << 20;

pub(crate) fn storage_fault(name: &str) -> impl FnOnce(io::Error) -> OpenFault {
    let name = name.into();
    move |source| OpenFault::Storage { name, source }
}

pub(crate) fn damaged(name: &str, what: &'static str) -> OpenFault {
    OpenFault::Damaged { name: name.into(), what }
}

/// How long checkpoints name the files that left the table: longer than any query runs.
const REMEMBERED_MS: i64 = 24 * 60 * 60 * 1_000;

/// How long they name those that left it while they lay in a store: one that does not answer for
/// longer keeps what nobody needs.
const REMEMBERED_LEAVING_MS: i64 = 365 * REMEMBERED_MS;

/// The log up to one version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) meta_data: Option<MetaData>,
    txn: Option<Txn>,
    pub(crate) adds: BTreeMap<String, Add>,
    /// Files that left the table and may still be read.
    pub(crate) removes: BTreeMap<String, Remove>,
}

impl Log {
    /// The newest version; `None` when there is none.
    pub(crate) fn read(
        storage: &dyn Storage,
        kind: Kind,
    ) -> Result<Option<(u64, Self)>, OpenFault> {
        let dir = kind.log_dir();
        let names = storage.list(dir).map_err(storage_fault(dir))?;
        let version = |name: &String| name.strip_suffix(".json")?.parse::<u64>().ok();
        let versions: BTreeSet<u64> = names.iter().filter_map(version).collect();
        let mut log = Self::default();
        let checkpoint = checkpoint::read(storage, dir).unwrap_or_else(|fault| {
            tracing::warn!(%fault, "the log's checkpoint is not used");
            None
        });
        let mut next = 0;
        if let Some((version, actions)) = checkpoint {
            actions.into_iter().for_each(|action| log.take(action));
            next = version + 1;
        }
        for version in versions.range(next..) {
            let name = kind.commit_name(*version);
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

    pub(crate) fn take(&mut self, action: Action) {
        self.protocol = action.protocol.or_else(|| self.protocol.take());
        self.meta_data = action.meta_data.or_else(|| self.meta_data.take());
        let ours = action.txn.filter(|txn| txn.app_id == APP_ID);
        self.txn = ours.or_else(|| self.txn.take());
        if let Some(add) = action.add {
            self.removes.remove(&add.path);
            self.adds.insert(add.path.clone(), add);
        }
        if let Some(remove) = action.remove {
            self.adds.remove(&remove.path);
            self.removes.insert(remove.path.clone(), remove);
        }
    }

    /// Of the log and of the table, whatever they are, and the position it says.
    pub(crate) fn versions(&self) -> (Option<u64>, Option<u64>, Position) {
        let log = self.protocol.as_ref().map(|protocol| protocol.min_reader_version);
        let format = self.meta_data.as_ref().and_then(|data| data.configuration.get(FORMAT_KEY));
        let position = self.txn.as_ref().map_or(Position::ZERO, |txn| Position::new(txn.version));
        (log, format.and_then(|text| text.parse().ok()), position)
    }

    /// What makes the format of the table this one, unless it is as high already.
    pub(crate) fn raised_to(&self, format: u64) -> Option<Action> {
        let mut data = self.meta_data.clone()?;
        let found: u64 = data.configuration.get(FORMAT_KEY)?.parse().ok()?;
        data.configuration.insert(FORMAT_KEY.to_owned(), format.to_string());
        (found < format).then(|| Action { meta_data: Some(data), ..Action::default() })
    }

    /// Whether it is understood; and the position it says.
    pub(crate) fn check(&self, name: &str) -> Result<Position, OpenFault> {
        let newer = |what, found, known| Err(OpenFault::Newer { what, found, known });
        let protocol = self.protocol.as_ref().map_or(0, |protocol| protocol.min_reader_version);
        if protocol > READER_VERSION {
            return newer("the log of the table", protocol, READER_VERSION);
        }
        let format = self.meta_data.as_ref().and_then(|data| data.configuration.get(FORMAT_KEY));
        match format.and_then(|text| text.parse::<u64>().ok()) {
            Some(FORMAT_VERSION..=FORMAT_LONGER) => {}
            Some(found) => return newer("the table", found, FORMAT_LONGER),
            None => return Err(damaged(name, "the table is not Althing's")),
        }
        Ok(self.txn.as_ref().map_or(Position::ZERO, |txn| Position::new(txn.version)))
    }

    /// Without the files that left so long ago that nobody reads them.
    pub(crate) fn into_actions(self, now: Timestamp, remembered_ms: i64) -> Vec<Action> {
        let one = Action::default;
        let mut actions = vec![
            Action { protocol: self.protocol, ..one() },
            Action { meta_data: self.meta_data, ..one() },
        ];
        actions.extend(self.txn.map(|txn| Action { txn: Some(txn), ..one() }));
        actions.extend(self.adds.into_values().map(|add| Action { add: Some(add), ..one() }));
        let since = |age: i64| now.millis().saturating_sub(age);
        let (limit, limit_leaving) = (since(remembered_ms), since(REMEMBERED_LEAVING_MS));
        let removes = self.removes.into_values().filter(|gone| {
            let limit = if gone.is_leaving() { limit_leaving } else { limit };
            gone.is_moved() || gone.deletion_timestamp > limit
        });
        actions.extend(removes.map(|gone| Action { remove: Some(gone), ..one() }));
        actions
    }
}

/// Writes a checkpoint when it is time for one. It is no part of the commit: a fault is only told.
fn checkpoint_when_due(storage: &dyn Storage, (kind, version): (Kind, u64), now: Timestamp) {
    if version == 0 || !version.is_multiple_of(CHECKPOINT_EVERY) {
        return;
    }
    match Log::read(storage, kind) {
        Ok(Some((version, log))) => {
            let actions = log.into_actions(now, REMEMBERED_MS);
            if let Err(fault) = checkpoint::write(storage, kind.log_dir(), (version, &actions)) {
                tracing::warn!(version, %fault, "the log gets no checkpoint");
            }
        }
        Ok(None) => {}
        Err(fault) => tracing::warn!(version, %fault, "the log gets no checkpoint"),
    }
}

/// Why a version was not added.
pub(crate) enum CommitFault {
    /// It is not there.
    Before(io::Error),
    /// It may be there after a restart, or not.
    Unsure(io::Error),
}

impl CommitFault {
    pub(crate) fn of_flush(self, kind: Kind, version: u64) -> FlushFault {
        let name = kind.commit_name(version).into();
        match self {
            Self::Before(source) => FlushFault::Storage { name, source },
            Self::Unsure(source) => FlushFault::Unsure { name, source },
        }
    }
}

pub(crate) fn commit(
    storage: &dyn Storage,
    (kind, version): (Kind, u64),
    actions: &[Action],
    (operation, now): (&str, Timestamp),
) -> Result<(), CommitFault> {
    let json = encode(actions, operation, now.millis());
    let bytes = json.map_err(|fault| CommitFault::Before(fault.into()))?;
    let name = kind.commit_name(version);
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
    storage.sync_dir(kind.log_dir()).map_err(CommitFault::Unsure)?;
    checkpoint_when_due(storage, (kind, version), now);
    Ok(())
}

fn discard(storage: &dyn Storage, draft: &str) {
    if let Err(fault) = storage.remove(draft) {
        tracing::warn!(draft, %fault, "a draft of the log stays");
    }
}
