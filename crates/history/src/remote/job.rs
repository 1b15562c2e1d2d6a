//! One step of moving: what left the table here leaves the store, and a day goes there.
//!
//! The order makes it safe at every step: intents here, objects, a version of the table in the
//! store, a version of the table here, and only then, after a while, the copies here. What left
//! the table goes the other way: the table here, that in the store, and after a while the object.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use model::{Meter, Timestamp};

use super::ledger::Ledger;
use super::objects::Created;
use super::store::Store;
use super::{MoveFault, RemoteOptions, intents, name, plan};
use crate::file::ColdFile;
use crate::folder::Folder;
use crate::kind::Kind;
use crate::log::Log;
use crate::place::storage_fault;
use crate::reader::Shared;
use crate::storage::Storage;
use crate::table::Table;

/// What moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The folder: `2026-11-25`.
    pub day: String,
    pub files: u64,
    pub bytes: u64,
}

/// A step that came to its end.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) moved: Option<Moved>,
    /// Their copies here are of no use any more.
    pub(crate) gone: Vec<Arc<ColdFile>>,
}

#[derive(Debug)]
pub(crate) struct Job {
    shared: Arc<Shared>,
    storage: Arc<dyn Storage>,
    store: Arc<Store>,
    options: RemoteOptions,
    linger: Duration,
    stop: AtomicBool,
    known: Mutex<Known>,
}

/// What one step learns for the next.
#[derive(Debug, Default)]
struct Known {
    ledger: Option<Ledger>,
    /// Somebody else writes the table in the store.
    overtaken: Option<u64>,
    /// Days with a file that is damaged here.
    skipped: BTreeSet<Folder>,
    /// The version of the table here at which the two tables were compared.
    compared: Option<u64>,
    /// Objects that were removed since the start.
    removed: BTreeSet<String>,
}

impl Job {
    pub(crate) fn new(
        (shared, storage, store): (Arc<Shared>, Arc<dyn Storage>, Arc<Store>),
        options: &RemoteOptions,
        linger: Duration,
    ) -> Self {
        let (options, stop) = (options.clone(), AtomicBool::new(false));
        Self { shared, storage, store, options, linger, stop, known: Mutex::default() }
    }

    /// No version of the table here comes of it after this.
    pub(crate) fn give_up(&self) {
        let _one_at_a_time = self.shared.versions();
        self.stop.store(true, Ordering::Release);
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.options.meter
    }

    pub(crate) fn run(&self, now: Timestamp) -> Result<Step, MoveFault> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(version) = known.overtaken {
            return Err(MoveFault::Overtaken { store: self.store.name(), version });
        }
        let outcome = self.step(&mut known, now);
        match &outcome {
            Ok(_) => {}
            Err(MoveFault::Overtaken { version, .. }) => known.overtaken = Some(*version),
            // What the store has is read again: a request that failed may have been done.
            Err(_) => (known.ledger, known.compared) = (None, None),
        }
        outcome
    }

    pub(crate) fn table(&self) -> Arc<Table> {
        Arc::clone(&self.shared.tail().table)
    }

    fn step(&self, known: &mut Known, now: Timestamp) -> Result<Step, MoveFault> {
        let table = self.table();
        let after = i64::try_from(self.options.after.as_millis()).unwrap_or(i64::MAX);
        let day = plan::next(&table.files, (now.millis(), after), &known.skipped);
        let Some(mut ledger) = self.ledger(known, day.is_some(), now)? else {
            return Ok(Step::default());
        };
        if known.compared != Some(table.version) {
            self.forget_what_left(&mut ledger, &table, now)?;
            known.compared = Some(table.version);
        }
        self.remove_objects(&ledger, (&table, &mut known.removed), now)?;
        let step = match day {
            None => Step::default(),
            Some(files) => match self.move_day(&mut ledger, &files, now) {
                Err(MoveFault::DamagedHere { name }) => {
                    known.skipped.extend(files.first().map(|file| file.key.folder));
                    return Err(MoveFault::DamagedHere { name });
                }
                outcome => outcome?,
            },
        };
        known.ledger = Some(ledger);
        Ok(step)
    }

    /// The table in the store, if it is ours; begun if it `is_needed`.
    fn ledger(
        &self,
        known: &mut Known,
        is_needed: bool,
        now: Timestamp,
    ) -> Result<Option<Ledger>, MoveFault> {
        if let Some(ledger) = known.ledger.take() {
            return Ok(Some(ledger));
        }
        let found = Ledger::open(&self.store)?;
        if found.is_none() && !is_needed {
            return Ok(None);
        }
        let name = name::own(&*self.storage, &self.options.name)?;
        let Some(mut ledger) = found else {
            let Some((_, Log { meta_data: Some(here), .. })) =
                Log::read(&*self.storage, Kind::Readings)?
            else {
                return Ok(None);
            };
            return Ledger::begin(&self.store, (&name, &here), now).map(Some);
        };
        let owner = ledger.owner();
        if owner != name {
            if self.options.take_over.as_deref() != Some(owner) {
                return Err(MoveFault::Owned { store: self.store.name(), owner: owner.into() });
            }
            ledger.take_over(&self.store, &name, now)?;
        }
        Ok(Some(ledger))
    }

    /// The table in the store follows the one here: what left this one leaves that one. A file that
    /// this site never knew is left alone.
    fn forget_what_left(
        &self,
        ledger: &mut Ledger,
        table: &Table,
        now: Timestamp,
    ) -> Result<(), MoveFault> {
        let is_known = |path: &str| table.files.iter().any(|file| &*file.path == path);
        let begun = intents::read(&*self.storage).map_err(storage_fault("the moves begun"))?;
        let strays: BTreeSet<String> =
            ledger.paths().filter(|path| !is_known(path)).cloned().collect();
        if strays.is_empty() && begun.is_empty() {
            return Ok(());
        }
        let log =
            Log::read(&*self.storage, Kind::Readings)?.map(|(_, log)| log).unwrap_or_default();
        let ours = |path: &String| log.removes.contains_key(path) || begun.contains(path);
        let unknown = strays.iter().filter(|path| !ours(path)).count();
        if unknown > 0 {
            tracing::warn!(files = unknown, "the table in the store has files unknown here");
        }
        ledger.remove(&self.store, strays.iter().filter(|path| ours(path)).cloned(), now)?;
        for path in begun.iter().filter(|path| !is_known(path) && !strays.contains(*path)) {
            // Sent, perhaps, but named by no version of any table.
            self.store.remove(&Kind::Readings.name_of(path))?;
        }
        let rest = begun.into_iter().filter(|path| log.adds.contains_key(path)).collect();
        intents::write(&*self.storage, &rest).map_err(storage_fault("the moves begun"))?;
        Ok(())
    }

    /// Objects go when nobody reads the table that had them any more.
    fn remove_objects(
        &self,
        ledger: &Ledger,
        (table, removed): (&Table, &mut BTreeSet<String>),
        now: Timestamp,
    ) -> Result<(), MoveFault> {
        for (path, gone) in &ledger.log.removes {
            let due = Timestamp::from_millis(gone.deletion_timestamp).saturating_add(self.linger);
            // A site from a backup may know again what it had given up.
            let is_here = || table.files.iter().any(|file| *file.path == **path);
            if due <= now && !removed.contains(path) && !is_here() {
                self.store.remove(&Kind::Readings.name_of(path))?;
                removed.insert(path.clone());
            }
        }
        Ok(())
    }

    fn move_day(
        &self,
        ledger: &mut Ledger,
        files: &[Arc<ColdFile>],
        now: Timestamp,
    ) -> Result<Step, MoveFault> {
        let mut begun = intents::read(&*self.storage).map_err(storage_fault("the moves begun"))?;
        begun.extend(files.iter().map(|file| file.path.to_string()));
        intents::write(&*self.storage, &begun).map_err(storage_fault("the moves begun"))?;
        for file in files {
            if self.stop.load(Ordering::Acquire) {
                return Ok(Step::default());
            }
            self.send(file)?;
        }
        let log =
            Log::read(&*self.storage, Kind::Readings)?.map(|(_, log)| log).unwrap_or_default();
        let adds = files.iter().filter_map(|file| log.adds.get(&*file.path).cloned());
        ledger.add(&self.store, &adds.collect::<Vec<_>>(), now)?;
        let Some(moved) = self.publish(files, now)? else { return Ok(Step::default()) };
        self.store.moved(moved.len() as u64);
        let step = Step {
            moved: moved.first().map(|first| Moved {
                day: first.key.folder.name(),
                files: moved.len() as u64,
                bytes: moved.iter().map(|file| file.bytes).sum(),
            }),
            gone: moved,
        };
        // What a merge took meanwhile stays among the intents: the next step removes it.
        let done: BTreeSet<&str> = step.gone.iter().map(|file| &*file.path).collect();
        begun.retain(|path| !done.contains(path.as_str()));
        if let Err(fault) = intents::write(&*self.storage, &begun) {
            tracing::warn!(%fault, "a move that is done is still among those begun");
        }
        Ok(step)
    }

    /// A file of the store that is there already must be the same.
    fn send(&self, file: &ColdFile) -> Result<(), MoveFault> {
        let name = file.name();
        let damaged = || MoveFault::DamagedHere { name: name.clone().into() };
        let bytes = self.storage.read(&name, file.bytes.saturating_add(1));
        let bytes = bytes.map_err(storage_fault(&name))?;
        let tail = usize::try_from(file.tail).ok().and_then(|tail| bytes.get(tail..));
        let whole = bytes.len() as u64 == file.bytes
            && tail.is_some_and(|tail| crc32c::crc32c(tail) == file.tail_checksum);
        if !whole {
            return Err(damaged());
        }
        let created = self.store.create(&name, &bytes)?;
        if self.has(&name, &bytes)? {
            return Ok(());
        }
        let (store, key) = (self.store.name(), name.into());
        Err(match created {
            Created::New => MoveFault::Unverified { store, key },
            Created::Exists => MoveFault::Different { store, key },
        })
    }

    /// By length and checksum: the store's own, or that of what it gives back.
    fn has(&self, name: &str, bytes: &Bytes) -> Result<bool, MoveFault> {
        let length = bytes.len() as u64;
        let Some(stat) = self.store.stat(name)?.filter(|stat| stat.bytes == length) else {
            return Ok(false);
        };
        if let Some(checksum) = stat.crc32c {
            return Ok(checksum == crc32c::crc32c(bytes));
        }
        let found = self.store.read(name, length + 1)?;
        Ok(found.as_ref() == Some(bytes))
    }

    /// The version that says where the files are, of those that are still in the table.
    fn publish(
        &self,
        files: &[Arc<ColdFile>],
        now: Timestamp,
    ) -> Result<Option<Vec<Arc<ColdFile>>>, MoveFault> {
        let _one_at_a_time = self.shared.versions();
        if self.stop.load(Ordering::Acquire) {
            return Ok(None);
        }
        let before = self.table();
        let moved: Vec<_> =
            files.iter().filter(|file| before.files.contains(file)).map(Arc::clone).collect();
        if moved.is_empty() {
            return Ok(None);
        }
        let Some((_, log)) = Log::read(&*self.storage, Kind::Readings)? else { return Ok(None) };
        let after = before.move_out(&*self.storage, (&moved, &log), now)?;
        self.shared.tail().table = Arc::new(after);
        Ok(Some(moved))
    }
}
