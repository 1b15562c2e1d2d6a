//! Files, packed with gzip or not, and how far they are read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::fault::ImportFault;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const BUFFER_BYTES: usize = 256 << 10;

/// A longer line is no line of any of these files: the largest of a dump holds a JSON document.
pub(crate) const LINE_BYTES_MAX: usize = 16 << 20;

/// Bytes of the file that were read, packed ones as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed(Arc<AtomicU64>);

impl Passed {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Counted {
    file: File,
    passed: Passed,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        self.passed.0.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

pub(crate) type Bytes = Box<dyn BufRead>;

pub(crate) fn size(path: &Path) -> Result<u64, ImportFault> {
    let found = std::fs::metadata(path).map_err(ImportFault::input(path))?;
    if !found.is_file() {
        return Err(ImportFault::Unfit { path: path.to_owned(), what: "it is no file" });
    }
    Ok(found.len())
}

/// Name, size and time of the last change.
pub(crate) fn identity(path: &Path) -> String {
    let found = std::fs::metadata(path).ok();
    let changed = found.as_ref().and_then(|found| found.modified().ok());
    format!("{path:?} {:?} {changed:?}", found.map(|found| found.len()))
}

/// What is in the file, unpacked.
pub(crate) fn open(path: &Path, passed: &Passed) -> Result<Bytes, ImportFault> {
    let file = File::open(path).map_err(ImportFault::input(path))?;
    let counted = Counted { file, passed: passed.clone() };
    let mut raw = BufReader::with_capacity(BUFFER_BYTES, counted);
    let start = raw.fill_buf().map_err(ImportFault::input(path))?;
    if start.starts_with(&GZIP) {
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(raw))));
    }
    Ok(Box::new(raw))
}

/// Lines of bytes without their ends, used again for each.
pub(crate) struct Lines {
    input: Bytes,
    line: Vec<u8>,
    pub(crate) number: u64,
}

impl Lines {
    pub(crate) fn new(input: Bytes) -> Self {
        Self { input, line: Vec::new(), number: 0 }
    }

    /// `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let count = (&mut self.input).take(limit).read_until(b'\n', &mut self.line)?;
        if count == 0 {
            return Ok(None);
        }
        self.number += 1;
        if count > LINE_BYTES_MAX {
            let number = self.number;
            let told = format!("line {number} has more than {LINE_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, told));
        }
        if self.line.ends_with(b"\n") {
            self.line.pop();
        }
        if self.line.ends_with(b"\r") {
            self.line.pop();
        }
        Ok(Some(&self.line))
    }
}
