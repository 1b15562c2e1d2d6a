//! CSV, also with other delimiters and packed with gzip.

use std::path::{Path, PathBuf};

use csv::StringRecord;

use crate::columns::{Bound, Cell, Layout};
use crate::fault::ImportFault;
use crate::input::{Bytes, Passed, identity, open, size};
use crate::sink::{Extent, Sink, Source};

/// A table in text, its columns known.
#[derive(Debug)]
pub struct CsvFile {
    path: PathBuf,
    delimiter: u8,
    bound: Bound,
    bytes: u64,
}

impl CsvFile {
    /// # Errors
    /// When the file cannot be read, or has not the columns of the layout.
    pub fn open(path: &Path, delimiter: Option<u8>, layout: &Layout) -> Result<Self, ImportFault> {
        let bytes = size(path)?;
        let delimiter = match delimiter {
            Some(delimiter) => delimiter,
            None => guess(open(path, &Passed::default())?).map_err(ImportFault::input(path))?,
        };
        let mut reader = reader(path, delimiter, &Passed::default())?;
        let headers = reader.headers().map_err(fault(path))?;
        let headers: Vec<String> = headers.iter().map(clean).collect();
        let bound = layout.bind(&headers, &stem(path))?;
        Ok(Self { path: path.to_owned(), delimiter, bound, bytes })
    }
}

impl Source for CsvFile {
    fn extent(&self) -> Extent {
        Extent::Bytes(self.bytes)
    }

    fn identity(&self) -> String {
        identity(&self.path)
    }

    fn read(&mut self, sink: &mut dyn Sink) -> Result<(), ImportFault> {
        let passed = Passed::default();
        let mut reader = reader(&self.path, self.delimiter, &passed)?;
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(fault(&self.path))? {
            let line = record.position().map_or(0, csv::Position::line);
            if sink.row(line, passed.get())? {
                let cell = |at| match record.get(at).unwrap_or_default() {
                    "" => Cell::Empty,
                    text => Cell::Text(text),
                };
                self.bound.row(&cell, sink)?;
            }
        }
        Ok(())
    }
}

fn reader(path: &Path, delimiter: u8, passed: &Passed) -> Result<csv::Reader<Bytes>, ImportFault> {
    let input = open(path, passed)?;
    Ok(csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(input))
}

fn fault(path: &Path) -> impl Fn(csv::Error) -> ImportFault {
    let path = path.to_owned();
    move |source| ImportFault::Csv { path: path.clone(), source }
}

/// Bytes of the first line that are looked at.
const HEADER_BYTES_MAX: u64 = 64 << 10;

/// Of comma, semicolon, tab and bar the one that the first line has most of.
fn guess(input: Bytes) -> std::io::Result<u8> {
    use std::io::{BufRead as _, Read as _};
    let mut line = Vec::new();
    input.take(HEADER_BYTES_MAX).read_until(b'\n', &mut line)?;
    let count = |delimiter: &u8| line.iter().filter(|byte| *byte == delimiter).count();
    // Of several that are equal the last wins, so the comma stands there.
    Ok([b'|', b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b','))
}

/// Spreadsheets write a byte order mark and blanks that nobody sees.
fn clean(header: &str) -> String {
    header.trim_start_matches('\u{feff}').trim().to_owned()
}

/// `greenhouse` for `data/greenhouse.csv.gz`.
pub(crate) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.trim_end_matches(".gz");
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

#[cfg(test)]
mod tests;
