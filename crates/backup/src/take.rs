//! A site is copied while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use history::Elsewhere;
use history::storage::Files;
use journal::archive::{Stretch, copy_segment, segments};
use model::{Position, Timestamp};

use crate::Progress;
use crate::fault::BackupFault;
use crate::files::{DRAFT, copy, entries, place, rename, sum, sync_tree, walk};
use crate::manifest::{Entry, FILES, Manifest, NAME};

const REGISTRY: &str = "registry.sqlite";

/// Locked while a backup is made.
const LOCK: &str = "backup.lock";

/// Retention and merging can take away what is being copied; then it begins again with what is new.
const ATTEMPTS: u32 = 10;

/// A backup that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Everything up to this journal position is in it.
    pub position: Position,
    pub files: u64,
    pub bytes: u64,
    /// Of these, so many were copied now; the others were in the folder.
    pub copied_files: u64,
    pub copied_bytes: u64,
    /// What the site has in an object store: not in the backup, and needed by a site from it.
    pub remote: Elsewhere,
}

/// Copies the site in `data` into `target`, which is empty or holds a backup of it: then only what
/// is new is copied. The backup before stays whole until this one is.
///
/// # Errors
/// When something cannot be read or written. The backup before is as it was.
pub fn take(
    data: &Path,
    target: &Path,
    (now, progress): (Timestamp, Progress<'_>),
) -> Result<Taken, BackupFault> {
    if !data.join("journal").is_dir() {
        return Err(BackupFault::NoSite { path: data.to_owned() });
    }
    fs::create_dir_all(target).map_err(BackupFault::file(target))?;
    if !target.join(NAME).exists() && !is_ours(target)? {
        return Err(BackupFault::NotEmpty { path: target.to_owned() });
    }
    // Another one may have ended just now: what it made is read after that.
    let _lock = lock(target)?;
    let before = Manifest::read(target)?;
    let mut attempt = Attempt {
        data,
        target,
        before: before.as_ref(),
        manifest: Manifest::after(before.as_ref(), now),
        have: BTreeMap::new(),
        copied: Copied::default(),
        remote: Elsewhere::default(),
        progress,
    };
    for _ in 0..ATTEMPTS {
        attempt.manifest.files.clear();
        match attempt.run() {
            Ok(true) => return attempt.finish(),
            Ok(false) => {}
            Err(fault) if fault.is_gone() => {}
            Err(fault) => return Err(fault),
        }
    }
    Err(BackupFault::TooFast { attempts: ATTEMPTS })
}

/// Whether a folder without a manifest holds nothing but what a backup began.
fn is_ours(target: &Path) -> Result<bool, BackupFault> {
    let known = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        [FILES, LOCK, "lost+found"].contains(&name) || name.ends_with(DRAFT)
    };
    Ok(entries(target)?.iter().all(|(path, _)| known(path)))
}

/// Two backups at once would take away each other's files.
fn lock(target: &Path) -> Result<File, BackupFault> {
    let path = target.join(LOCK);
    let file = File::create(&path).map_err(BackupFault::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BackupFault::InUse { path: target.to_owned() }),
        Err(TryLockError::Error(fault)) => Err(BackupFault::file(&path)(fault)),
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Copied {
    files: u64,
    bytes: u64,
}

struct Attempt<'a> {
    data: &'a Path,
    target: &'a Path,
    before: Option<&'a Manifest>,
    manifest: Manifest,
    /// Files that never change and that an attempt before this one copied.
    have: BTreeMap<String, Entry>,
    copied: Copied,
    remote: Elsewhere,
    progress: Progress<'a>,
}

impl Attempt<'_> {
    /// `false` when the site went on meanwhile, so that the parts do not fit together.
    fn run(&mut self) -> Result<bool, BackupFault> {
        let tables = self.history()?;
        // After the tables: a registry that is ahead of them is what a replay brings about anyway,
        // one that is behind lacks devices which no replay brings back.
        self.registry()?;
        let Some((first, next)) = self.journal()? else { return Ok(false) };
        self.manifest.position = next.get() - 1;
        if self.before.is_some_and(|before| self.manifest.position < before.position) {
            return Err(BackupFault::Other { path: self.target.to_owned() });
        }
        Ok(first <= tables.next() && tables < next)
    }

    fn registry(&mut self) -> Result<(), BackupFault> {
        let from = self.data.join(REGISTRY);
        if !from.exists() {
            return Ok(());
        }
        let stored = self.of_this_backup(REGISTRY);
        let path = self.stored(&stored);
        let draft = path.with_added_extension(DRAFT);
        for leftover in [&path, &draft] {
            match fs::remove_file(leftover) {
                Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
                    return Err(BackupFault::file(leftover)(fault));
                }
                Ok(()) | Err(_) => {}
            }
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(BackupFault::file(folder))?;
        }
        registry::copy(&from, &draft)?;
        let file = File::open(&draft).map_err(BackupFault::file(&draft))?;
        file.sync_all().map_err(BackupFault::file(&draft))?;
        rename(&draft, &path)?;
        let sum = sum(&path, self.progress)?;
        self.enter(REGISTRY.to_owned(), Entry::new(stored, sum), true);
        Ok(())
    }

    /// Copies the tables of all spaces; answers up to where the last of them comes.
    fn history(&mut self) -> Result<Position, BackupFault> {
        let folder = self.data.join("history");
        self.remote = Elsewhere::default();
        let mut reached = None;
        for (path, kind) in if folder.is_dir() { entries(&folder)? } else { Vec::new() } {
            let Some(space) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if !kind.is_dir() {
                continue;
            }
            let Some(inventory) = history::inventory(&Files::new(&path))? else { continue };
            let reach = reached.get_or_insert(inventory.position);
            *reach = inventory.position.min(*reach);
            self.remote.files += inventory.remote.files;
            self.remote.bytes += inventory.remote.bytes;
            for name in inventory.names {
                self.unchanging(format!("history/{space}/{name}"))?;
            }
        }
        Ok(reached.unwrap_or(Position::ZERO))
    }

    /// Copies a file that never changes, unless the folder has it.
    fn unchanging(&mut self, name: String) -> Result<(), BackupFault> {
        let path = self.data.join(&name);
        if let Some(known) = self.known(&name) {
            // Each site has versions of these names; what they say tells sites apart.
            if name.contains("/_delta_log/") && !known.holds(sum(&path, &mut |_| {})?) {
                return Err(BackupFault::Other { path: self.target.to_owned() });
            }
            self.enter(name, known, false);
            return Ok(());
        }
        let entry = Entry::new(name.clone(), copy(&path, &self.stored(&name), self.progress)?);
        self.have.insert(name.clone(), entry.clone());
        self.enter(name, entry, true);
        Ok(())
    }

    /// Copies the segments; answers where they begin and end, or nothing when one is missing.
    fn journal(&mut self) -> Result<Option<(Position, Position)>, BackupFault> {
        let folder = self.data.join("journal");
        let paths = segments(&folder).map_err(BackupFault::file(&folder))?;
        let mut first = None;
        let mut before: Option<Stretch> = None;
        for (index, path) in paths.iter().enumerate() {
            let Some(stretch) = self.segment(path, index + 1 == paths.len())? else {
                return Ok(None);
            };
            if before.is_some_and(|before| !before.is_followed_by(&stretch)) {
                return Ok(None);
            }
            first = first.or_else(|| Some(stretch.first()));
            before = Some(stretch);
        }
        Ok(first.zip(before.map(|last| last.next())))
    }

    /// The newest one is still written to: it has another name in each backup.
    fn segment(&mut self, path: &Path, is_newest: bool) -> Result<Option<Stretch>, BackupFault> {
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let name = format!("journal/{file}");
        if let Some(known) = self.known(&name).filter(|_| !is_newest) {
            let copied = self.stored(&known.stored);
            let read = copy_segment(&copied, &mut std::io::sink());
            let read = read.map_err(BackupFault::file(&copied))?;
            // What has suffered in the folder is copied again.
            if let Some(stretch) = read.filter(|read| read.bytes() == known.bytes) {
                self.enter(name, known, false);
                return Ok(Some(stretch));
            }
        }
        let stored = if is_newest { self.of_this_backup(&name) } else { name.clone() };
        let (stretch, sum) = place(&self.stored(&stored), self.progress, |out| {
            copy_segment(path, out).map_err(BackupFault::file(path))
        })?;
        self.enter(name, Entry::new(stored, sum), true);
        Ok(stretch)
    }

    /// What the folder has under the same name for good, whole by its length.
    fn known(&self, name: &str) -> Option<Entry> {
        let before = self.before.and_then(|before| before.files.get(name));
        let entry = self.have.get(name).or(before)?;
        let length = fs::metadata(self.stored(name)).ok()?.len();
        (entry.stored == name && length == entry.bytes).then(|| entry.clone())
    }

    fn of_this_backup(&self, name: &str) -> String {
        format!("{name}~{}", self.manifest.number)
    }

    fn stored(&self, name: &str) -> PathBuf {
        self.target.join(FILES).join(name)
    }

    fn enter(&mut self, name: String, entry: Entry, copied: bool) {
        if copied {
            self.copied.files += 1;
            self.copied.bytes += entry.bytes;
        }
        self.manifest.files.insert(name, entry);
    }

    fn finish(self) -> Result<Taken, BackupFault> {
        let files = self.target.join(FILES);
        sync_tree(&files)?;
        self.manifest.write(self.target)?;
        sync_tree(self.target)?;
        let kept: BTreeSet<PathBuf> =
            self.manifest.files.values().map(|entry| files.join(&entry.stored)).collect();
        for path in walk(&files)?.into_iter().filter(|path| !kept.contains(path)) {
            fs::remove_file(&path).map_err(BackupFault::file(&path))?;
        }
        Ok(Taken {
            position: Position::new(self.manifest.position),
            files: self.manifest.files.len() as u64,
            bytes: self.manifest.files.values().map(|entry| entry.bytes).sum(),
            copied_files: self.copied.files,
            copied_bytes: self.copied.bytes,
            remote: self.remote,
        })
    }
}
