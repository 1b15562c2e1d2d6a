//! What the disk asks for a promise: one block of 4 KiB written into zeroed room and synced, again
//! and again, one at a time. No program that keeps the promise can answer sooner.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::clock::{Clock, nanos};
use crate::report::Samples;
use crate::{DiskPlan, DiskReport};

const BLOCK_BYTES: u64 = 4096;

/// 64 MiB, as a segment of the journal has.
const FILE_BLOCKS: u64 = 16 * 1024;

/// # Errors
/// When the disk refuses something.
pub fn disk(plan: &DiskPlan) -> Result<DiskReport> {
    let path = plan.directory.join(format!("bench-disk-{}", std::process::id()));
    let file = File::create_new(&path)
        .with_context(|| format!("cannot create a file in {}", plan.directory.display()))?;
    let report = measure(&file, nanos(Duration::try_from_secs_f64(plan.seconds)?));
    std::fs::remove_file(&path)?;
    report
}

fn measure(file: &File, measured_ns: u64) -> Result<DiskReport> {
    let mut block = vec![0; usize::try_from(BLOCK_BYTES)?];
    for number in 0..FILE_BLOCKS {
        file.write_all_at(&block, number * BLOCK_BYTES)?;
    }
    file.sync_all()?;
    block.fill(0xA7);
    let (clock, mut samples) = (Clock::start(), Samples::new()?);
    for number in (0..FILE_BLOCKS).cycle() {
        let begun_ns = clock.nanos();
        if begun_ns > measured_ns {
            break;
        }
        file.write_all_at(&block, number * BLOCK_BYTES)?;
        file.sync_data()?;
        samples.record(clock.nanos() - begun_ns);
    }
    Ok(DiskReport { sync: samples.latency() })
}
