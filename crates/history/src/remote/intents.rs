//! The files whose move has begun, on this disk: after a crash they tell what may be in the store
//! although no version of the table here says so.

use std::collections::BTreeSet;
use std::io;

use crate::recovery::SNAPSHOT_DIR;
use crate::storage::{Storage, place};

/// At the top of the space: a line that says what it is and has the checksum of the rest, then a
/// path on each line.
const NAME: &str = "moving.txt";
const HEAD: &str = "althing moving 1 ";

/// Bytes that are read: one day has far fewer files.
const BYTES_MAX: u64 = 16 << 20;

/// None where there is no such file, or where a draft never became one. One that is damaged is
/// nothing to trust: at worst objects stay in the store that nobody needs.
pub(crate) fn read(storage: &dyn Storage) -> io::Result<BTreeSet<String>> {
    let bytes = match storage.read(NAME, BYTES_MAX) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        other => other?,
    };
    let Some(paths) = parse(&bytes) else {
        tracing::warn!(name = NAME, "damaged: objects of a move that was cut off may stay");
        return Ok(BTreeSet::new());
    };
    Ok(paths)
}

fn parse(bytes: &[u8]) -> Option<BTreeSet<String>> {
    let text = str::from_utf8(bytes).ok()?;
    let (head, rest) = text.split_once('\n')?;
    let checksum = head.strip_prefix(HEAD)?;
    let right = checksum == format!("{:08x}", crc32c::crc32c(rest.as_bytes()));
    right.then(|| rest.lines().map(str::to_owned).collect())
}

/// Durable when this returns.
pub(crate) fn write(storage: &dyn Storage, paths: &BTreeSet<String>) -> io::Result<()> {
    if paths.is_empty() {
        return match storage.remove(NAME) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome.and_then(|()| storage.sync_dir(SNAPSHOT_DIR)),
        };
    }
    let rest: String = paths.iter().flat_map(|path| [path.as_str(), "\n"]).collect();
    let text = format!("{HEAD}{:08x}\n{rest}", crc32c::crc32c(rest.as_bytes()));
    place(storage, NAME, text.as_bytes())?;
    storage.sync_dir(SNAPSHOT_DIR)
}

#[cfg(test)]
mod tests;
