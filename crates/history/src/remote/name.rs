//! What this site calls itself in the store, on this disk. Backups do not have it, so that two
//! sites of one backup do not write one table.

use std::io;

use super::MoveFault;
use crate::fault::FlushFault;
use crate::recovery::SNAPSHOT_DIR;
use crate::storage::{Storage, place};

/// At the top of the space.
const FILE: &str = "remote-name.txt";
const HEAD: &str = "althing remote name 1 ";
const BYTES_MAX: u64 = 4_096;

/// The name from the first time on; `fresh` becomes it where there is none.
pub(crate) fn own(storage: &dyn Storage, fresh: &str) -> Result<String, MoveFault> {
    let fault = |source| FlushFault::Storage { name: FILE.into(), source };
    match storage.read(FILE, BYTES_MAX) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
        other => {
            let text = other.map_err(fault)?;
            let name = str::from_utf8(&text).ok().and_then(parse);
            let damaged = || MoveFault::DamagedHere { name: FILE.into() };
            return name.map(str::to_owned).ok_or_else(damaged);
        }
    }
    let text = format!("{HEAD}{:08x} {fresh}\n", crc32c::crc32c(fresh.as_bytes()));
    place(storage, FILE, text.as_bytes()).map_err(fault)?;
    storage.sync_dir(SNAPSHOT_DIR).map_err(fault)?;
    Ok(fresh.to_owned())
}

fn parse(text: &str) -> Option<&str> {
    let (checksum, name) = text.strip_prefix(HEAD)?.trim_end().split_once(' ')?;
    (checksum == format!("{:08x}", crc32c::crc32c(name.as_bytes()))).then_some(name)
}

#[cfg(test)]
mod tests;
