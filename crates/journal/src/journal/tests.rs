//! The threaded shell over a disk in memory.

use std::sync::mpsc::{Receiver, sync_channel};

use std::time::Duration;

use model::promise::Horizon;
use model::{Committed, Timestamp};

use super::*;
use crate::fault::ReadFault;
use crate::mem::{MemDisk, Trouble};

const LONG: Duration = Duration::from_secs(20);

struct Site {
    journal: Journal<MemDisk>,
    writer: Writer<MemDisk>,
    horizon: Arc<Horizon>,
    committed: Receiver<Committed>,
    fatal: Receiver<CommitFault>,
    disk: MemDisk,
}

fn site(disk: MemDisk, options: Options) -> Site {
    let handle = disk.handle();
    let (log, _) = Log::open(disk, options, Timestamp::EPOCH).unwrap();
    let (tell, committed) = sync_channel(10_000);
    let wake = Box::new(move |at| tell.try_send(at).unwrap());
    let (horizon, mark, _) = Horizon::new(log.last(), &[], wake);
    let (tell, fatal) = sync_channel(1);
    let on_fatal = Box::new(move |fault| tell.send(fault).unwrap());
    let (journal, writer) = Journal::start(log, mark, Arc::default(), on_fatal).unwrap();
    Site { journal, writer, horizon, committed, fatal, disk: handle }
}

fn small() -> Options {
    Options { segment_bytes: 64 << 10, batch_bytes_max: 8 << 10, ..Options::default() }
}

fn pending(texts: &[&str]) -> Pending {
    let mut pending = Pending::default();
    for text in texts {
        pending.push(text.as_bytes()).unwrap();
    }
    pending
}

fn texts(batch: &Batch) -> Vec<String> {
    batch.iter().map(|(_, record)| String::from_utf8(record.to_vec()).unwrap()).collect()
}

fn wait_committed(site: &Site, position: u64) {
    while site.horizon.durable().get() < position {
        site.committed.recv_timeout(LONG).unwrap();
    }
}

#[test]
fn what_is_submitted_is_durable_when_the_mark_says_so() {
    let site = site(MemDisk::new(1), small());
    let mut records = pending(&["a", "b"]);
    assert_eq!(site.journal.submit(&mut records), Ok(Position::new(1)));
    assert!(records.is_empty());
    wait_committed(&site, 2);
    let disk = site.disk.after_power_cut(7);
    let (log, recovery) = Log::open(disk, small(), Timestamp::EPOCH).unwrap();
    assert_eq!(recovery.last, Position::new(2));
    assert_eq!(texts(&log.reader(Position::new(1)).next_batch().unwrap().unwrap()), ["a", "b"]);
}

#[test]
fn a_batch_without_room_is_refused_and_stays_as_it_was() {
    let site = site(MemDisk::new(1), small());
    let tail = site.journal.tail();
    let big = "x".repeat(7 << 10);
    let mut refused = 0;
    let mut sent = 0_u64;
    // The tail is not read, so the thread stops after what the tail takes in and one batch more.
    let tail_max = 32 << 20;
    let mut records = pending(&[&big]);
    while sent * (7 << 10) < tail_max + (64 << 10) && refused < 100_000 {
        match site.journal.submit(&mut records) {
            Ok(_) => {
                sent += 1;
                records = pending(&[&big]);
            }
            Err(full) => {
                assert_eq!((full, records.len()), (Full::Busy, 1));
                refused += 1;
                std::thread::yield_now();
            }
        }
    }
    assert!(refused > 0, "an unread tail stops the journal");
    drop(tail);
    drop(site.writer);
    assert_eq!(site.horizon.durable().get(), sent);
    assert_eq!(site.journal.submit(&mut records), Err(Full::Stopped));
}

#[test]
fn a_follower_sees_every_record_once_while_others_submit() {
    let site = site(MemDisk::new(1), small());
    let submit = |journal: Journal<MemDisk>, name: u32| {
        move || {
            for number in 0..500 {
                let mut records = pending(&[&format!("{name} {number}")]);
                while journal.submit(&mut records).is_err() {
                    std::thread::yield_now();
                }
            }
        }
    };
    let threads: Vec<_> =
        (0..4).map(|name| std::thread::spawn(submit(site.journal.clone(), name))).collect();
    for round in 0..20 {
        let from = Position::new(1 + round * 40);
        wait_committed(&site, from.get());
        let mut follower = site.journal.follow(from);
        let mut next = from;
        for _ in 0..30 {
            let Some(batch) = follower.recv(Duration::from_millis(1)).unwrap() else { break };
            assert_eq!(batch.first(), next);
            next = batch.next();
        }
    }
    for thread in threads {
        thread.join().unwrap();
    }
    let mut follower = site.journal.follow(Position::new(1));
    drop(site.writer);
    let mut seen = Vec::new();
    let end = loop {
        match follower.recv(LONG) {
            Ok(batch) => seen.extend(texts(&batch.unwrap())),
            Err(fault) => break fault,
        }
    };
    assert!(matches!(end, ReadFault::Stopped(TailEnd::Stopped)), "{end}");
    assert_eq!(seen.len(), 2_000);
    for name in 0..4 {
        let prefix = format!("{name} ");
        let mine: Vec<_> = seen.iter().filter(|text| text.starts_with(&prefix)).collect();
        let wanted: Vec<_> = (0..500).map(|number| format!("{name} {number}")).collect();
        assert!(mine.into_iter().eq(wanted.iter()), "each submitter's records keep their order");
    }
}

#[test]
fn a_follower_goes_from_disk_to_live() {
    let site = site(MemDisk::new(1), small());
    site.journal.submit(&mut pending(&["old"])).unwrap();
    wait_committed(&site, 1);
    let mut follower = site.journal.follow(Position::new(1));
    assert_eq!(texts(&follower.recv(LONG).unwrap().unwrap()), ["old"]);
    assert!(follower.recv(Duration::ZERO).unwrap().is_none());
    site.journal.submit(&mut pending(&["live"])).unwrap();
    assert_eq!(texts(&follower.recv(LONG).unwrap().unwrap()), ["live"]);
}

#[test]
fn a_failed_fsync_ends_the_journal_and_nothing_is_written_afterwards() {
    let site = site(MemDisk::new(1), small());
    site.journal.submit(&mut pending(&["kept"])).unwrap();
    wait_committed(&site, 1);
    let tail = site.journal.tail();
    // The write of the frame, then its sync; an idle thread may have filled ahead before.
    for call in site.disk.calls()..site.disk.calls() + 40 {
        site.disk.plan(call, Trouble::Error);
    }
    site.journal.submit(&mut pending(&["lost"])).unwrap();
    let fault = site.fatal.recv_timeout(LONG).unwrap();
    assert!(!fault.is_retryable());
    let calls = site.disk.calls();
    assert_eq!(site.journal.submit(&mut pending(&["later"])), Err(Full::Stopped));
    assert_eq!(tail.recv(LONG).err(), Some(TailEnd::Failed));
    drop(site.writer);
    assert_eq!(site.disk.calls(), calls);
    assert_eq!(site.horizon.durable().get(), 1);
}

#[test]
fn a_full_disk_stops_acknowledgements_and_recovers_alone() {
    let site = site(MemDisk::new(1), small());
    site.journal.submit(&mut pending(&["first"])).unwrap();
    wait_committed(&site, 1);
    site.disk.set_capacity(Some(0));
    let big = "x".repeat(5_000);
    // A segment is full after a few of these, and there is no room for the next one.
    let mut sent = 1;
    while !site.journal.stats().disk_full {
        match site.journal.submit(&mut pending(&[&big])) {
            Ok(_) => sent += 1,
            Err(full) => assert_eq!(full, Full::Busy),
        }
        std::thread::yield_now();
    }
    assert!(site.horizon.durable().get() < sent);
    assert!(site.fatal.try_recv().is_err(), "a full disk is not the end");
    site.disk.set_capacity(None);
    wait_committed(&site, sent);
    assert!(!site.journal.stats().disk_full);
}

#[test]
fn stopping_on_a_full_disk_ends_without_acknowledging() {
    let site = site(MemDisk::new(1), small());
    site.disk.set_capacity(Some(0));
    let big = "x".repeat(5_000);
    let mut sent = 0;
    while !site.journal.stats().disk_full {
        if site.journal.submit(&mut pending(&[&big])).is_ok() {
            sent += 1;
        }
        std::thread::yield_now();
    }
    drop(site.writer);
    assert!(site.horizon.durable().get() < sent);
    let mut tail_end = site.journal.follow(Position::new(sent));
    assert!(matches!(tail_end.recv(LONG), Err(ReadFault::Stopped(TailEnd::Failed))));
}

#[test]
fn measurements_count_every_commit() {
    let site = site(MemDisk::new(1), small());
    for number in 0..10 {
        site.journal.submit(&mut pending(&["reading"])).unwrap();
        wait_committed(&site, number + 1);
    }
    drop(site.writer);
    let stats = site.journal.stats();
    assert_eq!((stats.frames, stats.bytes, stats.last.get()), (10, 40_960, 10));
    assert!(stats.commit_p50 <= stats.commit_p99 && stats.commit_p99 <= stats.commit_max);
}
