//! Commit latency of the journal beside a bare loop of pwrite and fdatasync on the same disk, in
//! the same run: `cargo run --release -p journal --example commit_latency [directory]`.

use std::error::Error;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use journal::{FsDisk, Journal, Log, Options, Pending};
use model::promise::Horizon;
use model::{Meter, Timestamp};

const ROUNDS: usize = 2_000;
const FILE_BYTES: usize = 64 << 20;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments = std::env::args_os().nth(1);
    let root = arguments.map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = root.join(format!("commit-latency-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    for frame_bytes in [4 << 10, 64 << 10] {
        report("bare", frame_bytes, bare(&directory, frame_bytes)?);
        report("journal", frame_bytes, through_journal(&directory, frame_bytes)?);
    }
    fs::remove_dir_all(&directory)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn report(name: &str, frame_bytes: usize, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |percent: usize| took.get((took.len() * percent / 100).min(took.len() - 1));
    let text = |percent| at(percent).map_or(0.0, |time: &Duration| time.as_secs_f64() * 1e3);
    let (p50, p99) = (text(50), text(99));
    println!("{name:8} {:3} KiB  p50 {p50:.3} ms  p99 {p99:.3} ms", frame_bytes >> 10);
}

fn bare(directory: &Path, frame_bytes: usize) -> Result<Vec<Duration>, Failure> {
    let path = directory.join("bare");
    fs::write(&path, vec![0; FILE_BYTES])?;
    let file = File::options().write(true).open(&path)?;
    file.sync_all()?;
    let frame = vec![7; frame_bytes];
    let mut took = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let offset = (round * frame_bytes) % FILE_BYTES;
        let started = now();
        file.write_all_at(&frame, u64::try_from(offset)?)?;
        file.sync_data()?;
        took.push(now() - started);
    }
    fs::remove_file(&path)?;
    Ok(took)
}

/// From `submit` on one thread to the wake-up of that thread by the horizon.
fn through_journal(directory: &Path, frame_bytes: usize) -> Result<Vec<Duration>, Failure> {
    let path = directory.join(format!("journal-{frame_bytes}"));
    let started = now();
    let disk = FsDisk::open(&path)?;
    let (log, _) = Log::open(disk, Options::default(), Timestamp::EPOCH)?;
    let (tell, told) = sync_channel(1);
    // Each round takes what was told before the next one commits, so there is always room.
    let wake = Box::new(move |committed| assert!(tell.try_send(committed).is_ok(), "room"));
    let (_, mark, _) = Horizon::new(log.last(), &[], wake);
    let on_fatal = Box::new(|fault| panic_with(&fault));
    let (journal, writer) = Journal::start(log, mark, Arc::new(Meter::default()), on_fatal)?;
    let opened = now() - started;
    let record = vec![7; frame_bytes - 68];
    let mut pending = Pending::default();
    let mut took = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let started = now();
        pending.push(&record)?;
        journal.submit(&mut pending)?;
        told.recv()?;
        took.push(now() - started);
    }
    tell_more(opened, &journal);
    drop(writer);
    Ok(took)
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn tell_more(opened: Duration, journal: &Journal) {
    let stats = journal.stats();
    let (opened, schedule) = (opened.as_secs_f64() * 1e3, stats.schedule);
    let (p50, p99, disk) = (stats.commit_p50, stats.commit_p99, stats.disk_bytes >> 20);
    println!(
        "         opened in {opened:.1} ms, {schedule:?}; write and sync alone: p50 {p50:?} p99 \
         {p99:?}; {disk} MiB on disk"
    );
}

#[expect(clippy::panic, reason = "a measurement on a broken disk is none")]
fn panic_with(fault: &journal::CommitFault) {
    panic!("{fault}");
}
