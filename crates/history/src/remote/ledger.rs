//! The table in the store: a Delta Lake table of its own, which names all files that were moved.
//!
//! Its log is that of `log.rs`, each version made by a create that fails where there is one. Who
//! writes it stands in its configuration, so that two sites on one prefix notice.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use model::Timestamp;

use super::MoveFault;
use super::objects::Created;
use super::store::{Store, into_io};
use crate::checkpoint::{self, CHECKPOINT_EVERY};
use crate::delta::{
    Action, Add, FORMAT_KEY, FORMAT_VERSION, MetaData, Protocol, READER_VERSION, decode, encode,
};
use crate::kind::Kind;
use crate::log::{COMMIT_BYTES_MAX, Log};

/// In the configuration of the table: the site that writes it.
const OWNER_KEY: &str = "althing.owner";

/// How long checkpoints name the files that left, so that an opening removes what an outage left
/// there.
const REMEMBERED_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Bytes of a checkpoint that are read: some million files.
const CHECKPOINT_BYTES_MAX: u64 = 256 << 20;

#[derive(Debug)]
pub(crate) struct Ledger {
    version: u64,
    pub(crate) log: Log,
}

impl Ledger {
    /// The table as the store has it; `None` where there is none.
    pub(crate) fn open(store: &Store) -> Result<Option<Self>, MoveFault> {
        let mut log = Log::default();
        let checkpoint = checkpoint::read_by(Kind::Readings.log_dir(), |name| {
            let found = store.read(name, CHECKPOINT_BYTES_MAX).map_err(into_io)?;
            found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        });
        let mut next = 0;
        match checkpoint {
            Ok(Some((version, actions))) => {
                actions.into_iter().for_each(|action| log.take(action));
                next = version + 1;
            }
            Ok(None) => {}
            Err(fault) => tracing::warn!(%fault, "the checkpoint in the store is not used"),
        }
        let mut newest = None;
        while let Some(bytes) = store.read(&Kind::Readings.commit_name(next), COMMIT_BYTES_MAX)? {
            let actions = decode(&bytes).map_err(|bad| damaged(store, next, bad.what()))?;
            actions.into_iter().for_each(|action| log.take(action));
            newest = Some(bytes);
            next += 1;
        }
        let Some(version) = next.checked_sub(1) else { return Ok(None) };
        let ledger = Self { version, log };
        ledger.check(store)?;
        ledger.check_care(store, newest)?;
        Ok(Some(ledger))
    }

    /// Makes the table of `owner`, as the table here is made.
    pub(crate) fn begin(
        store: &Store,
        (owner, here): (&str, &MetaData),
        now: Timestamp,
    ) -> Result<Self, MoveFault> {
        let protocol = Protocol { min_reader_version: READER_VERSION, min_writer_version: 2 };
        let mut meta_data = MetaData { created_time: now.millis(), ..here.clone() };
        let configuration =
            [(FORMAT_KEY, FORMAT_VERSION.to_string()), (OWNER_KEY, owner.to_owned())];
        meta_data.configuration =
            configuration.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let actions = vec![
            Action { protocol: Some(protocol), ..Action::default() },
            Action { meta_data: Some(meta_data), ..Action::default() },
        ];
        let mut ledger = Self { version: 0, log: Log::default() };
        let bytes = ledger.create(store, 0, actions, ("CREATE TABLE", now))?;
        ledger.check_care(store, Some(bytes))?;
        Ok(ledger)
    }

    fn check(&self, store: &Store) -> Result<(), MoveFault> {
        let protocol = self.log.protocol.as_ref().map_or(0, |found| found.min_reader_version);
        let format = self.configuration().and_then(|all| all.get(FORMAT_KEY)?.parse::<u64>().ok());
        if protocol > READER_VERSION || format.is_none_or(|found| found > FORMAT_VERSION) {
            let what = "it is not Althing's, or a newer version's";
            return Err(damaged(store, self.version, what));
        }
        Ok(())
    }

    /// Asks for the newest version to be made again, with the same bytes: a store that does it
    /// would also let two sites write over each other.
    fn check_care(&self, store: &Store, newest: Option<Bytes>) -> Result<(), MoveFault> {
        let name = Kind::Readings.commit_name(self.version);
        let newest = match newest {
            Some(bytes) => bytes,
            None => store
                .read(&name, COMMIT_BYTES_MAX)?
                .ok_or_else(|| damaged(store, self.version, "the newest version is missing"))?,
        };
        match store.create(&name, &newest)? {
            Created::Exists => Ok(()),
            Created::New => Err(MoveFault::Careless { store: store.name() }),
        }
    }

    fn configuration(&self) -> Option<&BTreeMap<String, String>> {
        self.log.meta_data.as_ref().map(|data| &data.configuration)
    }

    pub(crate) fn owner(&self) -> &str {
        let owner = self.configuration().and_then(|all| all.get(OWNER_KEY));
        owner.map(String::as_str).unwrap_or_default()
    }

    /// Goes on with the table of a site that is gone.
    pub(crate) fn take_over(
        &mut self,
        store: &Store,
        owner: &str,
        now: Timestamp,
    ) -> Result<(), MoveFault> {
        let Some(mut meta_data) = self.log.meta_data.clone() else { return Ok(()) };
        meta_data.configuration.insert(OWNER_KEY.to_owned(), owner.to_owned());
        let action = Action { meta_data: Some(meta_data), ..Action::default() };
        self.commit(store, vec![action], ("SET TBLPROPERTIES", now))
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.log.adds.contains_key(path)
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &String> {
        self.log.adds.keys()
    }

    /// Names files that are in the store.
    pub(crate) fn add(
        &mut self,
        store: &Store,
        adds: &[Add],
        now: Timestamp,
    ) -> Result<(), MoveFault> {
        let missing = adds.iter().filter(|add| !self.has(&add.path)).cloned();
        let actions: Vec<_> =
            missing.map(|add| Action { add: Some(add), ..Action::default() }).collect();
        self.commit(store, actions, ("WRITE", now))
    }

    /// Files leave the table; what they are in the store goes later.
    pub(crate) fn remove(
        &mut self,
        store: &Store,
        paths: impl IntoIterator<Item = String>,
        now: Timestamp,
    ) -> Result<(), MoveFault> {
        let known = paths.into_iter().filter(|path| self.has(path));
        let actions: Vec<_> = known
            .map(|path| {
                let remove = crate::delta::Remove::plain(path, true, now);
                Action { remove: Some(remove), ..Action::default() }
            })
            .collect();
        self.commit(store, actions, ("DELETE", now))
    }

    fn commit(
        &mut self,
        store: &Store,
        actions: Vec<Action>,
        operation: (&str, Timestamp),
    ) -> Result<(), MoveFault> {
        if actions.is_empty() {
            return Ok(());
        }
        self.create(store, self.version + 1, actions, operation)?;
        self.checkpoint_when_due(store, operation.1);
        Ok(())
    }

    /// A version that somebody has made meanwhile is ours if it says the same: the answer to the
    /// first request was lost.
    fn create(
        &mut self,
        store: &Store,
        version: u64,
        actions: Vec<Action>,
        (operation, now): (&str, Timestamp),
    ) -> Result<Bytes, MoveFault> {
        let name = Kind::Readings.commit_name(version);
        let bytes: Bytes = encode(&actions, operation, now.millis())
            .map_err(|_unwritable| damaged(store, version, "it cannot be written as JSON"))?
            .into();
        if store.create(&name, &bytes)? == Created::Exists
            && store.read(&name, COMMIT_BYTES_MAX)?.as_ref() != Some(&bytes)
        {
            return Err(MoveFault::Overtaken { store: store.name(), version });
        }
        actions.into_iter().for_each(|action| self.log.take(action));
        self.version = version;
        Ok(bytes)
    }

    /// It only saves readers time: a fault is only told.
    fn checkpoint_when_due(&self, store: &Store, now: Timestamp) {
        if !self.version.is_multiple_of(CHECKPOINT_EVERY) {
            return;
        }
        let actions = self.log.clone().into_actions(now, REMEMBERED_MS);
        let written = checkpoint::files(Kind::Readings.log_dir(), (self.version, &actions));
        let written = written.map_err(io::Error::other).and_then(|files| {
            files
                .into_iter()
                .try_for_each(|(name, bytes)| store.replace(&name, &bytes.into()).map_err(into_io))
        });
        if let Err(fault) = written {
            tracing::warn!(version = self.version, %fault, "the log in the store gets no checkpoint");
        }
    }
}

fn damaged(store: &Store, version: u64, what: &'static str) -> MoveFault {
    MoveFault::Damaged {
        store: store.name(),
        key: Kind::Readings.commit_name(version).into(),
        what,
    }
}
