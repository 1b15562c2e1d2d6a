//! An answer as a file.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use super::{Shape, Site};
use crate::complaint::{Complaint, Exit};

/// Bytes between two signs of life on a terminal.
const STEP: u64 = 16 << 20;

/// # Errors
/// As `Site::ask`, and when the file cannot be written. Then there is none.
pub(super) fn run(
    site: &Site,
    (statement, shape): (&str, Shape),
    path: &Path,
) -> Result<(), Complaint> {
    let draft = path.with_added_extension("part");
    let written = write(site, (statement, shape), &draft);
    let placed = written.and_then(|bytes| place(&draft, path).map(|()| bytes));
    match placed {
        Ok(bytes) => {
            writeln!(io::stderr(), "{}: {bytes} bytes", path.display())?;
            Ok(())
        }
        Err(complaint) => {
            // It may not be there yet, and is only half of an answer.
            if let Err(fault) = std::fs::remove_file(&draft)
                && fault.kind() != io::ErrorKind::NotFound
            {
                tracing::debug!(%fault, "half of an answer stays");
            }
            Err(complaint)
        }
    }
}

fn write(site: &Site, (statement, shape): (&str, Shape), draft: &Path) -> Result<u64, Complaint> {
    let file = File::create(draft).map_err(|fault| at(draft, &fault))?;
    let mut counting = Counting { out: BufWriter::new(file), bytes: 0, told: 0 };
    site.ask(statement, shape, &mut counting)?;
    counting.flush().map_err(|fault| at(draft, &fault))?;
    counting.out.get_ref().sync_all().map_err(|fault| at(draft, &fault))?;
    if counting.told > 0 {
        write!(io::stderr(), "\r\x1b[K")?;
    }
    Ok(counting.bytes)
}

#[expect(clippy::disallowed_methods, reason = "a file of a person; a power cut may take its name")]
fn place(draft: &Path, path: &Path) -> Result<(), Complaint> {
    std::fs::rename(draft, path).map_err(|fault| at(path, &fault))
}

fn at(path: &Path, fault: &io::Error) -> Complaint {
    Complaint::from_error(Exit::Failed, fault).at(path.display().to_string())
}

struct Counting {
    out: BufWriter<File>,
    bytes: u64,
    told: u64,
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.bytes += count as u64;
        if self.bytes >= self.told + STEP && io::stderr().is_terminal() {
            self.told = self.bytes;
            write!(io::stderr(), "\r{} MiB", self.bytes >> 20)?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
