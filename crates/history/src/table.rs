//! The table: which files belong to it at a version, and what the next version changes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use model::{Position, Timestamp};

use crate::delta::{
    APP_ID, Action, Add, FORMAT_KEY, FORMAT_LONGER, FORMAT_MOVED, FORMAT_VERSION, Format, MetaData,
    Protocol, READER_VERSION, Remove, Txn, schema_string,
};
use crate::fault::{FlushFault, OpenFault};
use crate::file::{ColdFile, Home};
use crate::folder::{Folder, Longer, day_from_name};
use crate::kind::Kind;
use crate::log::{CommitFault, Log, commit, damaged, storage_fault};
use crate::place::Part;
use crate::storage::{DRAFT, Storage};

/// One version of the table. Never changes; the next version is another value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) kind: Kind,
    pub(crate) version: u64,
    pub(crate) position: Position,
    /// By folder, then in the order the rows came.
    pub(crate) files: Vec<Arc<ColdFile>>,
}

/// A file that left the table but may still be read from outside.
#[derive(Clone, Debug)]
pub(crate) struct Removed {
    /// Below the folder of the space.
    pub(crate) name: String,
    pub(crate) at: Timestamp,
}

impl Table {
    /// Reads the log; begins one if there is none. With it come the files that left the table.
    pub(crate) fn open(
        storage: &dyn Storage,
        (kind, space): (Kind, &str),
        now: Timestamp,
    ) -> Result<(Self, Vec<Removed>), OpenFault> {
        storage.make_dir(kind.log_dir()).map_err(storage_fault(kind.log_dir()))?;
        let Some((version, log)) = Log::read(storage, kind)? else {
            return Ok((Self::begin(storage, (kind, space), now)?, Vec::new()));
        };
        let name = kind.commit_name(version);
        let position = log.check(&name)?;
        let mut files = Vec::with_capacity(log.adds.len());
        for add in log.adds.values() {
            let file = ColdFile::from_add(kind, add);
            let file = file.ok_or_else(|| damaged(&name, "a file of it is not Althing's"))?;
            files.push(Arc::new(file));
        }
        for add in log.removes.values().filter(|gone| gone.is_moved()).map(Remove::as_add) {
            let file = add.as_ref().and_then(|add| ColdFile::from_add(kind, add));
            let file =
                file.ok_or_else(|| damaged(&name, "a file in the store is not Althing's"))?;
            files.push(Arc::new(ColdFile { home: Home::Store, ..file }));
        }
        files.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        let removed = |(path, gone): (String, Remove)| Removed {
            name: kind.name_of(&path),
            at: Timestamp::from_millis(gone.deletion_timestamp),
        };
        let removed = log.removes.into_iter().map(removed).collect();
        Ok((Self { kind, version, position, files }, removed))
    }

    fn begin(
        storage: &dyn Storage,
        (kind, space): (Kind, &str),
        now: Timestamp,
    ) -> Result<Self, OpenFault> {
        let protocol = Protocol { min_reader_version: READER_VERSION, min_writer_version: 2 };
        let owner = match kind {
            Kind::Readings => space.to_owned(),
            Kind::Hours => format!("{space}/{}", kind.dir()),
        };
        let (micros, of_space) = (now.micros(), crc32c::crc32c(owner.as_bytes()));
        let meta_data = MetaData {
            // Shaped as a UUID of version 8, whose bits are the maker's.
            id: format!(
                "{of_space:08x}-{:04x}-8{:03x}-8000-{:012x}",
                (micros >> 60) & 0xffff,
                (micros >> 48) & 0xfff,
                micros & 0xffff_ffff_ffff,
            ),
            format: Format { provider: "parquet".to_owned(), options: BTreeMap::new() },
            schema_string: schema_string(&kind.stored()),
            partition_columns: vec!["day".to_owned()],
            configuration: BTreeMap::from([(FORMAT_KEY.to_owned(), FORMAT_VERSION.to_string())]),
            created_time: now.millis(),
        };
        let actions = [
            Action { protocol: Some(protocol), ..Action::default() },
            Action { meta_data: Some(meta_data), ..Action::default() },
        ];
        let name = kind.commit_name(0);
        commit(storage, (kind, 0), &actions, ("CREATE TABLE", now)).map_err(
            |fault| match fault {
                CommitFault::Before(source) | CommitFault::Unsure(source) => {
                    OpenFault::Storage { name: name.into(), source }
                }
            },
        )?;
        Ok(Self { kind, ..Self::default() })
    }

    /// Adds the version that says: with these files the table holds everything up to `position`.
    pub(crate) fn flush(
        &self,
        storage: &dyn Storage,
        position: Position,
        added: Vec<Part>,
        now: Timestamp,
    ) -> Result<Self, FlushFault> {
        let txn =
            Txn { app_id: APP_ID.to_owned(), version: position.get(), last_updated: now.millis() };
        let txn = Action { txn: Some(txn), ..Action::default() };
        let change = Change { operation: "WRITE", gone: &[], added, position, is_new: true };
        self.change(storage, change, Some(txn), now)
    }

    /// Adds the version in which `added` hold the rows of `gone`, or some of them.
    pub(crate) fn merge(
        &self,
        storage: &dyn Storage,
        (gone, added, is_new): (&[Arc<ColdFile>], Vec<Part>, bool),
        now: Timestamp,
    ) -> Result<Self, FlushFault> {
        let position = self.position;
        let operation = if is_new { "DELETE" } else { "OPTIMIZE" };
        let change = Change { operation, gone, added, position, is_new };
        self.change(storage, change, None, now)
    }

    /// Adds the version in which `added` stand where all files over `folder` did, with other rows.
    pub(crate) fn replace(
        &self,
        storage: &dyn Storage,
        (folder, added): (Folder, Vec<Part>),
        now: Timestamp,
    ) -> Result<Self, FlushFault> {
        let (gone, position) = (self.over(folder), self.position);
        let change = Change { operation: "WRITE", gone, added, position, is_new: true };
        self.change(storage, change, None, now)
    }

    /// Whether there is a folder before `day`: files are sorted by folder.
    pub(crate) fn begins_before(&self, day: i32) -> bool {
        self.files.first().is_some_and(|file| file.key.folder.first < day)
    }

    /// The first day of the folder that `day` lies in, or `day`: a folder leaves as a whole.
    pub(crate) fn floor(&self, day: i32) -> i32 {
        let before = self.files.partition_point(|file| file.key.folder.end() <= day);
        self.files.get(before).map_or(day, |file| file.key.folder.first.min(day))
    }

    /// Folder after folder.
    pub(crate) fn folders(&self) -> impl DoubleEndedIterator<Item = (Folder, &[Arc<ColdFile>])> {
        folders(&self.files)
    }

    /// The files whose folders share a day with this one.
    pub(crate) fn over(&self, folder: Folder) -> &[Arc<ColdFile>] {
        let start = self.files.partition_point(|file| file.key.folder.end() <= folder.first);
        let rest = self.files.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|file| file.key.folder.first < folder.end()))
            .unwrap_or_default()
    }

    /// Adds its folders that are longer than a day.
    pub(crate) fn add_longer(&self, longer: &mut Longer) {
        self.folders().for_each(|(folder, _)| longer.add(folder));
    }

    /// Adds the version without the folders before `day`. Their files stay until they are removed.
    pub(crate) fn without_days_before(
        &self,
        storage: &dyn Storage,
        day: i32,
        now: Timestamp,
    ) -> Result<Option<Self>, FlushFault> {
        let gone: Vec<_> =
            self.files.iter().filter(|file| file.key.folder.first < day).map(Arc::clone).collect();
        if gone.is_empty() {
            return Ok(None);
        }
        let (added, position) = (Vec::new(), self.position);
        let change = Change { operation: "DELETE", gone: &gone, added, position, is_new: true };
        self.change(storage, change, None, now).map(Some)
    }

    /// Adds the version in which these files lie in the store. `log` is that of this version.
    pub(crate) fn move_out(
        &self,
        storage: &dyn Storage,
        (files, log): (&[Arc<ColdFile>], &Log),
        now: Timestamp,
    ) -> Result<Self, FlushFault> {
        let mut actions: Vec<Action> = log.raised_to(FORMAT_MOVED).into_iter().collect();
        let adds = files.iter().filter_map(|file| log.adds.get(&*file.path).cloned());
        let removes = adds.map(|add| Remove::moved(add, now));
        actions.extend(removes.map(|gone| Action { remove: Some(gone), ..Action::default() }));
        let version = self.version + 1;
        commit(storage, (self.kind, version), &actions, ("MOVE", now))
            .map_err(|fault| fault.of_flush(self.kind, version))?;
        let moved: BTreeSet<&str> = files.iter().map(|file| &*file.path).collect();
        let at_home = |file: &Arc<ColdFile>| {
            if !moved.contains(&*file.path) {
                return Arc::clone(file);
            }
            Arc::new(ColdFile { home: Home::Store, ..ColdFile::clone(file) })
        };
        let files = self.files.iter().map(at_home).collect();
        Ok(Self { kind: self.kind, version, position: self.position, files })
    }

    fn change(
        &self,
        storage: &dyn Storage,
        change: Change<'_>,
        first: Option<Action>,
        now: Timestamp,
    ) -> Result<Self, FlushFault> {
        let mut actions: Vec<Action> = first.into_iter().collect();
        actions.extend(self.raised_for(storage, &change.added)?);
        actions.extend(change.gone.iter().map(|file| removal(file, change.is_new, now)));
        actions.extend(change.added.iter().map(|part| addition(part, change.is_new, now)));
        let version = self.version + 1;
        commit(storage, (self.kind, version), &actions, (change.operation, now))
            .map_err(|fault| fault.of_flush(self.kind, version))?;
        let gone: BTreeSet<&str> = change.gone.iter().map(|file| &*file.path).collect();
        let stays = |file: &&Arc<ColdFile>| !gone.contains(&*file.path);
        let mut files: Vec<_> = self.files.iter().filter(stays).map(Arc::clone).collect();
        files.extend(change.added.into_iter().map(|part| Arc::new(part.file)));
        files.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        Ok(Self { kind: self.kind, version, position: change.position, files })
    }

    /// The first folder of a table that is longer than a day says that there are such.
    fn raised_for(
        &self,
        storage: &dyn Storage,
        added: &[Part],
    ) -> Result<Option<Action>, FlushFault> {
        let has_some = self.folders().any(|(folder, _)| folder.is_long());
        if has_some || !added.iter().any(|part| part.file.key.folder.is_long()) {
            return Ok(None);
        }
        let unreadable = |source| FlushFault::Storage {
            name: self.kind.commit_name(self.version).into(),
            source: io::Error::other(source),
        };
        let log = Log::read(storage, self.kind).map_err(unreadable)?;
        Ok(log.and_then(|(_, log)| log.raised_to(FORMAT_LONGER)))
    }

    /// Removes what crashes left behind: drafts, and files of ours that neither this version nor
    /// `removed` names.
    pub(crate) fn sweep(
        &self,
        storage: &dyn Storage,
        removed: &[Removed],
    ) -> Result<(), OpenFault> {
        let here = self.files.iter().filter(|file| file.home == Home::Here);
        let mut known: BTreeSet<String> = here.map(|file| file.name()).collect();
        known.extend(removed.iter().map(|gone| gone.name.clone()));
        let (table_dir, log_dir) = (self.kind.dir(), self.kind.log_dir());
        let mut dirs = vec![log_dir.to_owned()];
        let days = storage.list(table_dir).map_err(storage_fault(table_dir))?;
        let ours = |name: &&String| name.strip_prefix("day=").and_then(day_from_name).is_some();
        dirs.extend(days.iter().filter(ours).map(|name| format!("{table_dir}/{name}")));
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
            if left == 0 && dir != log_dir {
                storage.remove(&dir).map_err(storage_fault(&dir))?;
            }
        }
        Ok(())
    }
}

/// Sorted files, folder after folder.
pub(crate) fn folders(
    files: &[Arc<ColdFile>],
) -> impl DoubleEndedIterator<Item = (Folder, &[Arc<ColdFile>])> {
    let folders = files.chunk_by(|a, b| a.key.folder == b.key.folder);
    folders.filter_map(|files| Some((files.first()?.key.folder, files)))
}

/// What the next version differs in.
struct Change<'a> {
    operation: &'a str,
    gone: &'a [Arc<ColdFile>],
    added: Vec<Part>,
    position: Position,
    /// Whether it shows other rows than the version before.
    is_new: bool,
}

fn removal(file: &ColdFile, is_new: bool, now: Timestamp) -> Action {
    let path = file.path.to_string();
    let remove = match file.home {
        Home::Here => Remove::plain(path, is_new, now),
        Home::Store => Remove::leaving(path, is_new, now),
    };
    Action { remove: Some(remove), ..Action::default() }
}

fn addition(part: &Part, is_new: bool, now: Timestamp) -> Action {
    let file = &part.file;
    let add = Add {
        path: file.path.to_string(),
        partition_values: BTreeMap::from([("day".to_owned(), file.key.folder.name())]),
        size: file.bytes,
        modification_time: now.millis(),
        data_change: is_new,
        stats: part.stats.clone(),
        tags: file.tags(),
    };
    Action { add: Some(add), ..Action::default() }
}
