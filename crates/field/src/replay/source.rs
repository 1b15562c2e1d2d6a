//! The rows of several files, merged by their time.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use csv::StringRecord;
use model::Timestamp;

use super::mapping::{Bound, Mapping};
use crate::Fault;
use crate::world::Parcel;

/// A row that was not sent, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub file: PathBuf,
    /// As an editor counts.
    pub line: u64,
    pub why: &'static str,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) file: usize,
    /// Rows of the file before this one.
    pub(super) number: u64,
    pub(super) at: Timestamp,
    record: StringRecord,
}

#[derive(Debug)]
pub(super) enum Next {
    Row(Row),
    Skipped(Skipped),
}

/// What a first look at all files finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) rows: u64,
    pub(super) last: Timestamp,
}

/// # Errors
/// When a file cannot be read to its end or does not fit the mapping: before anything is sent.
pub(super) fn survey(files: &[PathBuf], mapping: &Mapping) -> Result<Survey, Fault> {
    let mut survey = Survey { rows: 0, last: Timestamp::EPOCH };
    for path in files {
        let mut sheet = Sheet::open(path, mapping)?;
        while sheet.advance()? {
            survey.rows += 1;
            survey.last = sheet.at.map_or(survey.last, |at| survey.last.max(at));
        }
    }
    Ok(survey)
}

/// All files at once.
#[derive(Debug)]
pub(super) struct Field {
    sheets: Vec<Sheet>,
    taken: Vec<u64>,
}

impl Field {
    /// Skips the first `done` rows of each file.
    pub(super) fn open(files: &[PathBuf], mapping: &Mapping, done: &[u64]) -> Result<Self, Fault> {
        let mut sheets = Vec::new();
        for (index, path) in files.iter().enumerate() {
            let mut sheet = Sheet::open(path, mapping)?;
            let skip = done.get(index).copied().unwrap_or_default();
            while sheet.rows <= skip && sheet.advance()? {}
            sheets.push(sheet);
        }
        let taken = (0..files.len()).map(|index| done.get(index).copied().unwrap_or_default());
        Ok(Self { taken: taken.collect(), sheets })
    }

    /// Rows of each file that were handed out, in this run and before it.
    pub(super) fn rows_taken(&self) -> Vec<u64> {
        self.taken.clone()
    }

    /// The row with the earliest time; rows without one come as soon as they are met.
    pub(super) fn next_row(&mut self) -> Result<Option<Next>, Fault> {
        let heads = self.sheets.iter().enumerate().filter(|(_, sheet)| sheet.has_row);
        let Some((file, _)) = heads.min_by_key(|(_, sheet)| sheet.at) else { return Ok(None) };
        let (Some(sheet), Some(taken)) = (self.sheets.get_mut(file), self.taken.get_mut(file))
        else {
            return Ok(None);
        };
        let number = *taken;
        *taken += 1;
        let next = match sheet.at {
            Some(at) => Next::Row(Row { file, number, at, record: sheet.record.clone() }),
            None => Next::Skipped(Skipped {
                file: sheet.path.clone(),
                line: sheet.record.position().map_or(0, csv::Position::line),
                why: "its time cannot be read",
            }),
        };
        sheet.advance()?;
        Ok(Some(next))
    }

    pub(super) fn message(&self, row: &Row, at: Timestamp) -> Option<Parcel> {
        self.sheets.get(row.file)?.bound.message(&row.record, at)
    }
}

/// One file and the row that is next in it.
struct Sheet {
    path: PathBuf,
    reader: csv::Reader<Box<dyn Read>>,
    bound: Bound,
    record: StringRecord,
    /// Of `record`; `None` when it cannot be read.
    at: Option<Timestamp>,
    has_row: bool,
    /// Rows read, `record` included.
    rows: u64,
}

impl std::fmt::Debug for Sheet {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Sheet").field("path", &self.path).field("rows", &self.rows).finish()
    }
}

impl Sheet {
    fn open(path: &Path, mapping: &Mapping) -> Result<Self, Fault> {
        let file =
            File::open(path).map_err(|source| Fault::Input { path: path.to_owned(), source })?;
        let file = BufReader::new(file);
        let packed = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
        let bytes: Box<dyn Read> =
            if packed { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { Box::new(file) };
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
        let unreadable = |source| Fault::Csv { path: path.to_owned(), source };
        let headers = reader.headers().map_err(unreadable)?;
        let headers: Vec<String> = headers.iter().map(clean_header).collect();
        let bound = mapping.bind(&headers, &stem(path))?;
        Ok(Self {
            path: path.to_owned(),
            reader,
            bound,
            record: StringRecord::new(),
            at: None,
            has_row: false,
            rows: 0,
        })
    }

    fn advance(&mut self) -> Result<bool, Fault> {
        let read = self.reader.read_record(&mut self.record);
        self.has_row = read.map_err(|source| Fault::Csv { path: self.path.clone(), source })?;
        if self.has_row {
            self.rows += 1;
            self.at = self.bound.time(&self.record);
        }
        Ok(self.has_row)
    }
}

/// Spreadsheets write a byte order mark and blanks that nobody sees.
fn clean_header(header: &str) -> String {
    header.trim_start_matches('\u{feff}').trim().to_owned()
}

/// `Tiantan` for `air/Tiantan.csv.gz`.
fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.trim_end_matches(".gz").trim_end_matches(".csv").to_owned()
}
