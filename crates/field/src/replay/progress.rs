//! The file that remembers how far a replay, or an import, came: docs/formats/replay-progress.md.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::Mapping;
use super::json::push;
use crate::ProgressFault;

const MAGIC: &str = "althing-replay 1";

/// Rows done, by file, and by how much the times are moved.
#[derive(Debug)]
pub struct Progress {
    path: Option<PathBuf>,
    /// The first line: what kind of run this is, and the version of the format.
    magic: &'static str,
    /// What the counts belong to: the names of the files and the mapping.
    identity: u32,
    shift_us: i64,
    rows: Vec<u64>,
    is_new: bool,
}

impl Progress {
    pub(super) fn open(
        path: Option<&Path>,
        files: &[PathBuf],
        mapping: &Mapping,
    ) -> Result<Self, ProgressFault> {
        Self::of(path, MAGIC, &format!("{files:?} {mapping:?}"), files.len())
    }

    /// Of a run that takes rows from so many files. `identity` says which and how: a file that
    /// another run wrote is refused. Without a path nothing is remembered.
    ///
    /// # Errors
    /// When there is a file that cannot be read, is damaged, or belongs to another run.
    pub fn of(
        path: Option<&Path>,
        magic: &'static str,
        identity: &str,
        files: usize,
    ) -> Result<Self, ProgressFault> {
        let identity = crc32c::crc32c(identity.as_bytes());
        let rows = vec![0; files];
        let path_kept = path.map(Path::to_owned);
        let mut progress =
            Self { path: path_kept, magic, identity, shift_us: 0, rows, is_new: true };
        let Some(path) = path else { return Ok(progress) };
        match fs::read_to_string(path) {
            Ok(text) => progress.restore(&text, path)?,
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(ProgressFault::Io { path: path.to_owned(), source }),
        }
        Ok(progress)
    }

    pub(super) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Done, of each file.
    #[must_use]
    pub fn rows(&self) -> &[u64] {
        &self.rows
    }

    /// Microseconds.
    pub(super) const fn shift(&self) -> i64 {
        self.shift_us
    }

    pub(super) const fn set_shift(&mut self, micros: i64) {
        self.shift_us = micros;
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn save(&mut self, rows: &[u64]) -> Result<(), ProgressFault> {
        self.rows = rows.to_vec();
        let Some(path) = &self.path else { return Ok(()) };
        replace(path, &self.encode())
            .map_err(|source| ProgressFault::Io { path: path.clone(), source })
    }

    fn encode(&self) -> String {
        let mut text =
            format!("{}\nof {:08x}\nshift {}\n", self.magic, self.identity, self.shift_us);
        for rows in &self.rows {
            push(&mut text, format_args!("rows {rows}\n"));
        }
        let sum = crc32c::crc32c(text.as_bytes());
        text + &format!("crc {sum:08x}\n")
    }

    fn restore(&mut self, text: &str, path: &Path) -> Result<(), ProgressFault> {
        let damaged = || ProgressFault::Damaged { path: path.to_owned() };
        let body = checked(text).ok_or_else(damaged)?;
        let mut lines = body.lines();
        let mut take = |word: &str| lines.next().and_then(|line| line.strip_prefix(word));
        take(self.magic).ok_or_else(damaged)?;
        let identity = take("of ").and_then(|hex| u32::from_str_radix(hex, 16).ok());
        if identity.ok_or_else(damaged)? != self.identity {
            return Err(ProgressFault::Foreign { path: path.to_owned() });
        }
        let shift = take("shift ").and_then(|micros| micros.parse().ok());
        self.shift_us = shift.ok_or_else(damaged)?;
        for rows in &mut self.rows {
            let count = take("rows ").and_then(|count| count.parse().ok());
            *rows = count.ok_or_else(damaged)?;
        }
        self.is_new = false;
        Ok(())
    }
}

/// The text without its last line, when that line holds the sum of the rest.
fn checked(text: &str) -> Option<&str> {
    let at = text.rfind("crc ")?;
    let (body, last) = text.split_at_checked(at)?;
    let sum = u32::from_str_radix(last.strip_prefix("crc ")?.trim_end(), 16).ok()?;
    (sum == crc32c::crc32c(body.as_bytes())).then_some(body)
}

/// Either the old or the new text is there, whatever happens in between.
#[expect(clippy::disallowed_methods, reason = "the file and its folder are synced right here")]
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("tmp");
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests;
