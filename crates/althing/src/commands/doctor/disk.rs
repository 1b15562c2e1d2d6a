//! The disk under the data directory.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use field::Clock;

use super::{Finding, millis};

/// A commit of the journal is at least one block.
const BLOCK: usize = 4_096;
const SYNCS: usize = 64;
/// A disk that is slower than this holds up a device that waits for each acknowledgement.
const SYNC_SLOW: Duration = Duration::from_millis(50);
const GIB: u64 = 1 << 30;
const SPACE_LOW: u64 = 8 * GIB;

/// The nearest folder that exists: the data directory is made at the first start.
fn standing(dir: &Path) -> PathBuf {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let found = absolute.ancestors().find(|folder| folder.is_dir());
    found.map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

pub(super) fn space(dir: &Path) -> Finding {
    let folder = standing(dir);
    match rustix::fs::statvfs(&folder) {
        Ok(found) => space_of(found.f_bavail.saturating_mul(found.f_frsize), &folder),
        Err(cause) => {
            let detail = format!("{}: {cause}", folder.display());
            Finding::fail("disk space", detail, "give another directory with --data")
        }
    }
}

pub(super) fn space_of(free: u64, folder: &Path) -> Finding {
    let detail = format!("{:.1} GiB free at {}", free as f64 / GIB as f64, folder.display());
    match free {
        0..GIB => Finding::fail("disk space", detail, "a site needs at least 1 GiB"),
        GIB..SPACE_LOW => Finding::warn(
            "disk space",
            detail,
            "the journal alone may grow to journal.keep-bytes (4GiB by default)",
        ),
        _ => Finding::ok("disk space", detail),
    }
}

pub(super) fn fsync(dir: &Path) -> Finding {
    let folder = standing(dir);
    let path = folder.join(format!(".althing-doctor-{}", std::process::id()));
    let spans = measure(&path);
    // A file that cannot be removed was not made either, which `spans` tells.
    drop(fs::remove_file(&path));
    let mut spans = match spans {
        Ok(spans) => spans,
        Err(cause) => {
            let detail = format!("{}: {cause}", folder.display());
            return Finding::fail("disk fsync", detail, "give another directory with --data");
        }
    };
    spans.sort_unstable();
    let (p50, p99) = (percentile(&spans, 50), percentile(&spans, 99));
    let detail = format!("p50 {}, p99 {} for {BLOCK} bytes", millis(p50), millis(p99));
    if p50 > SYNC_SLOW {
        let advice = "a slow disk or SD card: journal.commit-delay = \"5ms\" saves it some writes";
        return Finding::warn("disk fsync", detail, advice);
    }
    Finding::ok("disk fsync", detail)
}

/// Writes as the journal does: blocks of a file that was filled with zeros before.
fn measure(path: &Path) -> io::Result<Vec<Duration>> {
    let file: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all_at(&vec![0; BLOCK * SYNCS], 0)?;
    file.sync_all()?;
    let clock = Clock::start();
    let block = [0xA5; BLOCK];
    (0..SYNCS)
        .map(|index| {
            let before = clock.moment();
            file.write_all_at(&block, (index * BLOCK) as u64)?;
            file.sync_data()?;
            Ok(clock.moment().since(before))
        })
        .collect()
}

/// Of sorted spans; the nearest rank.
pub(super) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}
