//! `althing upgrade-check`: whether this version can go on with what another one left on disk.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use history::storage::Files;
use model::{Fit, Format};

use super::Context;
use crate::cli::UpgradeArgs;
use crate::complaint::{Complaint, Exit};

/// A site that runs may replace a file between two looks at it; more often than this it is no
/// chance.
const LOOKS: u32 = 5;

/// How many of one format and version there are.
type Found = BTreeMap<(&'static str, Option<u64>), (Format, u64)>;

/// # Errors
/// When there is no site, or this version cannot go on with it.
pub(crate) fn run(context: &mut Context<'_>, args: &UpgradeArgs) -> Result<(), Complaint> {
    let folder = args.folder.as_deref().unwrap_or(&context.config.data.dir);
    let place = || folder.display().to_string();
    let found = look(folder).map_err(|complaint| complaint.at(place()))?;
    let worst = found.values().map(|(format, _)| format.fit()).max().unwrap_or(Fit::Same);
    if context.json {
        json(context, &found, worst)?
    } else {
        text(context, &found)?
    }
    if worst.opens() {
        if !context.json {
            let version = env!("CARGO_PKG_VERSION");
            let place = place();
            writeln!(context.out, "Althing {version} goes on with {place}. {}", change(worst))?;
        }
        return Ok(());
    }
    context.out.flush()?;
    let (cause, next) = match worst {
        Fit::TooOld => ("it is older than what this version reads", "a version between the two"),
        Fit::Newer => {
            ("a newer version wrote it", "use that version, or restore a backup of this one")
        }
        Fit::Same | Fit::Older | Fit::Unreadable => (
            "something has no version that can be read",
            "althing verify, when the site is stopped",
        ),
    };
    Err(Complaint::new(Exit::Failed, cause).at(place()).next(next))
}

/// What the first start of this version does.
const fn change(worst: Fit) -> &'static str {
    match worst {
        Fit::Older => {
            "What is older is read, and written anew as time goes by; then the version before \
             cannot read it any more. Make a backup first: althing backup FOLDER"
        }
        Fit::Same | Fit::TooOld | Fit::Newer | Fit::Unreadable => {
            "No format changes, so the version before can go on with it, too."
        }
    }
}

fn look(folder: &Path) -> Result<Found, Complaint> {
    let mut attempt = 1;
    loop {
        match look_once(folder) {
            Err(Fault::Gone) if attempt < LOOKS => attempt += 1,
            Err(Fault::Gone) => {
                let told = "files go away faster than they can be looked at";
                return Err(Complaint::new(Exit::Failed, told).next("try again"));
            }
            Err(Fault::Other(complaint)) => return Err(complaint),
            Ok(found) => return Ok(found),
        }
    }
}

/// Why one look did not see all.
enum Fault {
    /// The site went on.
    Gone,
    Other(Complaint),
}

impl Fault {
    fn of(fault: &(dyn std::error::Error + 'static)) -> Self {
        let mut cause = Some(fault);
        while let Some(found) = cause {
            let gone = found.downcast_ref::<io::Error>();
            if gone.is_some_and(|fault| fault.kind() == ErrorKind::NotFound) {
                return Self::Gone;
            }
            cause = found.source();
        }
        Self::Other(Complaint::from_error(Exit::Failed, fault))
    }
}

fn look_once(folder: &Path) -> Result<Found, Fault> {
    let mut found = Found::new();
    let mut add = |format: Format| {
        found.entry((format.what, format.found)).or_insert((format, 0)).1 += 1;
    };
    let site = if backup::is_backup(folder) {
        add(backup::format(folder).map_err(|fault| Fault::of(&fault))?);
        folder.join("files")
    } else if folder.join("journal").is_dir() {
        folder.to_owned()
    } else {
        let told = Complaint::new(Exit::NotFound, "this is no site and no backup");
        return Err(Fault::Other(told.next("name the directory that holds journal/")));
    };
    journal_formats(&site.join("journal"), &mut add)?;
    for space in spaces(&site.join("history"))? {
        let formats = history::formats(&Files::new(&space)).map_err(|fault| Fault::of(&fault))?;
        formats.formats.into_iter().for_each(&mut add);
        ingest::formats(formats.extra.as_deref().unwrap_or_default())
            .into_iter()
            .for_each(&mut add);
    }
    for registry in registries(&site)? {
        add(registry::format(&registry).map_err(|fault| Fault::of(&fault))?);
    }
    Ok(found)
}

/// A segment that a running site has only just begun has no version yet.
fn journal_formats(folder: &Path, add: &mut dyn FnMut(Format)) -> Result<(), Fault> {
    let segments = journal::archive::segments(folder).map_err(|fault| Fault::of(&fault))?;
    for (place, path) in segments.iter().enumerate() {
        let format = journal::archive::format(path).map_err(|fault| Fault::of(&fault))?;
        let is_newest = place + 1 == segments.len();
        if format.found.is_some() || !(is_newest && place > 0) {
            add(format);
        }
    }
    Ok(())
}

fn spaces(history: &Path) -> Result<Vec<PathBuf>, Fault> {
    if !history.is_dir() {
        return Ok(Vec::new());
    }
    Ok(entries(history)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// One in a site; in a backup its name ends with the number of the backup.
fn registries(site: &Path) -> Result<Vec<PathBuf>, Fault> {
    let is_registry = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name == "registry.sqlite" || name.starts_with("registry.sqlite~")
    };
    Ok(entries(site)?.into_iter().filter(is_registry).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let read = || -> io::Result<Vec<PathBuf>> {
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut found = read().map_err(|fault| Fault::of(&fault))?;
    found.sort();
    Ok(found)
}

fn says(format: &Format) -> String {
    let newest = format.newest;
    match format.fit() {
        Fit::Same => "as this version writes it".to_owned(),
        Fit::Older => format!("is read; this version writes {newest}"),
        Fit::TooOld => format!("too old: this version reads {} to {newest}", format.oldest),
        Fit::Newer => format!("newer: this version reads up to {newest}"),
        Fit::Unreadable => "has no version that can be read".to_owned(),
    }
}

fn text(context: &mut Context<'_>, found: &Found) -> Result<(), Complaint> {
    for (format, count) in found.values() {
        let version = format.found.map_or_else(|| "?".to_owned(), |version| version.to_string());
        let times = if *count > 1 { format!(" ({count} files)") } else { String::new() };
        writeln!(context.out, "{:<14} version {version:<3} {}{times}", format.what, says(format))?;
    }
    Ok(())
}

fn json(context: &mut Context<'_>, found: &Found, worst: Fit) -> Result<(), Complaint> {
    let formats = found.values().map(|(format, count)| {
        serde_json::json!({
            "what": format.what, "version": format.found, "files": count,
            "reads_from": format.oldest, "writes": format.newest,
            "opens": format.fit().opens(), "changes": format.fit() == Fit::Older,
        })
    });
    let line = serde_json::json!({
        "althing": env!("CARGO_PKG_VERSION"), "opens": worst.opens(),
        "changes": worst == Fit::Older, "formats": formats.collect::<Vec<_>>(),
    });
    Ok(writeln!(context.out, "{line}")?)
}

#[cfg(test)]
mod tests;
