//! InfluxDB's line protocol: files of points, and what `influx_inspect export` writes.
//!
//! The lines go as they are; what they mean is the dialect's affair.

use std::path::{Path, PathBuf};

use crate::csv_file::stem;
use crate::fault::ImportFault;
use crate::input::{Lines, Passed, identity, open, size};
use crate::sink::{Extent, Sink, Skip, Source};

/// Before the points of a database, in an export.
const DATABASE: &str = "# CONTEXT-DATABASE:";

/// Such statements stand in the part that makes databases.
const STATEMENTS: [&str; 3] = ["CREATE ", "DROP ", "USE "];

#[derive(Debug)]
pub struct LineFile {
    path: PathBuf,
    database: Option<String>,
    bytes: u64,
}

impl LineFile {
    /// `database` stands for whatever the file itself says.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn open(path: &Path, database: Option<&str>) -> Result<Self, ImportFault> {
        let bytes = size(path)?;
        Ok(Self { path: path.to_owned(), database: database.map(str::to_owned), bytes })
    }
}

impl Source for LineFile {
    fn extent(&self) -> Extent {
        Extent::Bytes(self.bytes)
    }

    fn identity(&self) -> String {
        identity(&self.path)
    }

    fn read(&mut self, sink: &mut dyn Sink) -> Result<(), ImportFault> {
        let passed = Passed::default();
        let mut lines = Lines::new(open(&self.path, &passed)?);
        let mut database = self.database.clone().unwrap_or_else(|| stem(&self.path));
        loop {
            let number = lines.number + 1;
            let Some(line) = lines.next().map_err(ImportFault::input(&self.path))? else {
                return Ok(());
            };
            let text = std::str::from_utf8(line).map(|text| text.trim_start_matches('\u{feff}'));
            let meaning = meaning(text.ok());
            if let (Meaning::Database(name), None) = (&meaning, &self.database) {
                (*name).clone_into(&mut database);
            }
            let point = match meaning {
                Meaning::Nothing | Meaning::Database(_) => continue,
                Meaning::Point(point) => Ok(point),
                Meaning::Statement => Err(Skip::Statement),
                Meaning::Broken => Err(Skip::Unreadable),
            };
            if sink.row(number, passed.get())? {
                match point {
                    Ok(point) => sink.line(&database, point)?,
                    Err(why) => sink.skip(why),
                }
            }
        }
    }
}

/// What a line of the file is.
#[derive(Debug, PartialEq, Eq)]
enum Meaning<'a> {
    Nothing,
    Database(&'a str),
    Statement,
    Point(&'a str),
    Broken,
}

fn meaning(line: Option<&str>) -> Meaning<'_> {
    let Some(line) = line else { return Meaning::Broken };
    let line = line.trim();
    if let Some(name) = line.strip_prefix(DATABASE) {
        return Meaning::Database(name.trim());
    }
    if line.is_empty() || line.starts_with('#') {
        return Meaning::Nothing;
    }
    let is_statement = STATEMENTS.iter().any(|word| line.starts_with(word)) && !line.contains('=');
    if is_statement { Meaning::Statement } else { Meaning::Point(line) }
}

/// For [`probe`](crate::probe).
pub(crate) fn check(line: &[u8]) {
    if let Meaning::Point(point) = meaning(std::str::from_utf8(line).ok()) {
        assert!(!point.is_empty() && !point.starts_with('#'));
    }
}

#[cfg(test)]
mod tests;
