//! The site under test, with its threads unrolled into steps.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use dialect::Zone;
use edge::{Common, Limits, Methods, Now, Shard, Want};
use history::storage::memory::Memory;
use history::{MergeFault, Reader, Room};
use hub::{Publication, Retained};
use ingest::{Feed, Ingest, Source, Stores};
use journal::mem::MemDisk;
use journal::{Batch, CommitFault, Log};
use model::promise::{DurableMark, ReaderMark};
use model::{Horizon, Meter, Moment, Position, Timestamp};
use registry::Registry;

use crate::device::At;

/// A site that is broken on purpose, to see that the oracle notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sabotage {
    #[default]
    None,
    /// Acknowledges what is written and visible, but not synced.
    AcknowledgeBeforeSync,
    /// Acknowledges what is synced, but not visible.
    AcknowledgeBeforeVisible,
}

/// What survives a crash.
pub(crate) struct Disks {
    pub(crate) journal: MemDisk,
    pub(crate) tables: Memory,
    /// SQLite is not simulated: what was written to it survives, which is at least what its last
    /// checkpoint had.
    pub(crate) registry: Arc<Registry>,
}

pub(crate) struct Site {
    pub(crate) shards: Vec<Shard>,
    log: Log<MemDisk>,
    /// Records the log has and ingest has not, with their positions.
    fresh: Vec<(Position, Vec<u8>)>,
    pub(crate) ingest: Ingest,
    pub(crate) reader: Reader,
    pub(crate) horizon: Arc<Horizon>,
    durable: DurableMark,
    mark: ReaderMark,
    /// The journal failed for good: nothing is written until a restart.
    pub(crate) failed: bool,
    sabotage: Sabotage,
}

const SHARDS: u16 = 2;

/// Flushes come after this many rows, so that a short run has some.
const HOT_ROWS_MAX: u64 = 60;

impl Site {
    /// Starts on what the disks hold. `None` when a disk fails during the start.
    pub(crate) fn start(disks: &Disks, now: Now, sabotage: Sabotage) -> Option<Self> {
        let options = journal::Options {
            segment_bytes: 256 << 10,
            retain_bytes: 1 << 20,
            ..journal::Options::default()
        };
        let disk = journal::Disk::handle(&disks.journal);
        let (log, recovery) = Log::open(disk, options, now.timestamp).ok()?;
        assert!(!log.is_read_only(), "a power cut was taken for damage: {recovery:?}");
        let mut options = history::Options::new("");
        options.hot_rows_max = HOT_ROWS_MAX;
        options.linger = Duration::ZERO;
        let tables = Arc::new(disks.tables.clone());
        let (writer, reader, resume) = history::open_on(tables, options, now.timestamp).ok()?;
        let (horizon, mut durable, marks) =
            Horizon::new(resume.position, &["history"], Box::new(|_| {}));
        let last = log.last();
        assert!(resume.position <= last, "history is never ahead of the disk");
        durable.advance(last);
        let meter = Arc::new(Meter::default());
        let stores = Stores {
            registry: Arc::clone(&disks.registry),
            retained: Arc::new(Retained::default()),
            feed: Arc::new(Feed::starting_after(last)),
            meter: Arc::clone(&meter),
        };
        let common = Common {
            subscriptions: Arc::default(),
            retained: Arc::clone(&stores.retained),
            meter,
            limits: Limits { anonymous: true, ..Limits::default() },
            methods: Methods::default(),
        };
        let ingest = Ingest::new(stores, writer, &resume, Zone::default()).ok()?;
        let shards: Vec<Shard> =
            (0..SHARDS).map(|index| Shard::new(index, SHARDS, common.clone())).collect();
        let mark = marks.into_iter().next()?;
        let mut site = Self {
            shards,
            log,
            fresh: Vec::new(),
            ingest,
            reader,
            horizon,
            durable,
            mark,
            failed: false,
            sabotage,
        };
        if !site.replay(last) {
            return None;
        }
        let sessions = site.ingest.sessions(now.timestamp);
        for shard in &mut site.shards {
            sessions.iter().for_each(|booked| shard.restore(booked, now));
        }
        Some(site)
    }

    fn replay(&mut self, last: Position) -> bool {
        let mut reader = self.log.reader(self.ingest.taken().next());
        while self.ingest.taken() < last {
            let Ok(Some(batch)) = reader.next_batch() else { return false };
            if !self.take(&batch, Source::Replay) {
                return false;
            }
        }
        true
    }

    pub(crate) fn open(&mut self, shard: usize, now: Now) -> Option<At> {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let key = self.shards.get_mut(shard)?.open(peer, now.moment)?;
        Some(At { shard, key })
    }

    /// Gives bytes to a connection; follows it when its client lives on another shard.
    pub(crate) fn receive(&mut self, at: At, bytes: &[u8], now: Now) -> Option<At> {
        let shard = self.shards.get_mut(at.shard)?;
        shard.receive(at.key, bytes, now);
        let Some(moved) = shard.next_handover() else { return Some(at) };
        shard.release(at.key);
        let at = self.open(usize::from(moved.home), now)?;
        self.shards.get_mut(at.shard)?.receive(at.key, &moved.adopted.bytes, now);
        Some(at)
    }

    pub(crate) fn lose(&mut self, at: At, now: Now) {
        if let Some(shard) = self.shards.get_mut(at.shard) {
            shard.lost(at.key, now);
            shard.release(at.key);
        }
    }

    /// What a connection is sent. `None` when the server has closed it.
    pub(crate) fn send(&mut self, at: At, most: usize) -> Option<Vec<u8>> {
        let shard = self.shards.get_mut(at.shard)?;
        let bytes = shard.take_output(at.key, most)?;
        (!(bytes.is_empty() && shard.is_finished(at.key))).then_some(bytes)
    }

    /// The shards hand their records to the journal.
    pub(crate) fn submit(&mut self, now: Now) {
        for shard in &mut self.shards {
            if !shard.has_records() {
                continue;
            }
            let mut first = None;
            let mut taken = true;
            for record in shard.records_mut().iter() {
                match self.log.append(record, now.timestamp) {
                    Ok(position) => {
                        first.get_or_insert(position);
                        self.fresh.push((position, record.to_vec()));
                    }
                    Err(_full) => taken = false,
                }
            }
            assert!(taken, "a simulated batch is small");
            shard.records_mut().clear();
            if let Some(first) = first {
                shard.submitted(first);
            }
        }
    }

    /// A person wants a device forgotten: the wish goes behind all that the shards have handed over.
    pub(crate) fn erase(&mut self, device: &str, now: Now) -> Option<Position> {
        self.submit(now);
        let mut record = Vec::new();
        let erasure = model::Erasure { at: now.timestamp, device };
        model::erasure::encode_erasure(&erasure, &mut record);
        let position = self.log.append(&record, now.timestamp).ok()?;
        self.fresh.push((position, record));
        Some(position)
    }

    /// The last record that the disk has.
    pub(crate) fn last(&self) -> Position {
        self.log.last()
    }

    /// The commit thread: one frame.
    pub(crate) fn commit(&mut self) {
        if self.sabotage == Sabotage::AcknowledgeBeforeSync
            && let Some((last, _)) = self.fresh.last()
        {
            self.durable.advance(*last);
        }
        match self.log.commit() {
            Ok(last) => {
                if self.sabotage != Sabotage::AcknowledgeBeforeSync || last > self.horizon.durable()
                {
                    self.durable.advance(last.max(self.horizon.durable()));
                }
            }
            Err(CommitFault::Full(_)) => {}
            Err(_final) => self.failed = true,
        }
    }

    /// The ingest thread: some of the records that came in, committed or not.
    pub(crate) fn ingest(&mut self, most: usize, now: Now) {
        let count = most.min(self.fresh.len());
        let records: Vec<(Position, Vec<u8>)> = self.fresh.drain(..count).collect();
        let Some((first, _)) = records.first() else { return };
        let bytes: Vec<&[u8]> = records.iter().map(|(_, record)| &record[..]).collect();
        let batch = Batch::of(*first, now.timestamp, &bytes);
        if let Ok(batch) = batch {
            self.failed |= !self.take(&batch, Source::Live);
        }
    }

    fn take(&mut self, batch: &Batch, source: Source) -> bool {
        let Ok(room) = self.ingest.take(batch, source) else { return false };
        assert_eq!(room, Room::Free, "the tail is flushed often enough");
        self.mark.advance(self.ingest.taken());
        true
    }

    /// The flush thread, run to its end.
    pub(crate) fn flush(&mut self, now: Now) {
        match self.ingest.flush_all(self.horizon.committed(), now.timestamp) {
            Ok(Some(position)) => {
                if self.log.retain(now.timestamp, position.next()).is_err() {
                    self.failed = true;
                }
            }
            Ok(None) => {}
            Err(_final) => self.failed = true,
        }
    }

    /// The merge thread, run to its end. What the disk refuses is merged later.
    pub(crate) fn merge(&mut self, now: Now) -> u64 {
        match self.ingest.merge_all(now.timestamp) {
            Ok(merges) => merges,
            Err(MergeFault::Write(fault)) => {
                self.failed |= fault.is_final();
                0
            }
            Err(MergeFault::Read { .. } | MergeFault::Columns(_)) => 0,
        }
    }

    /// The shards look at the horizon.
    pub(crate) fn settle(&mut self, now: Now) {
        let committed = match self.sabotage {
            Sabotage::AcknowledgeBeforeVisible => {
                let durable = self.horizon.durable();
                Horizon::new(durable, &[], Box::new(|_| {})).0.committed()
            }
            Sabotage::None | Sabotage::AcknowledgeBeforeSync => self.horizon.committed(),
        };
        for shard in &mut self.shards {
            shard.settle(committed, now);
        }
    }

    /// The librarian: reads for sessions what is committed.
    pub(crate) fn fetch(&mut self) {
        for shard in &mut self.shards {
            for want in shard.drain_wants().collect::<Vec<Want>>() {
                let found = want.messages.iter().filter_map(|(token, position)| {
                    Some((*token, Some(look_up(&self.log, *position)?)))
                });
                shard.fetched(want.session, found.collect());
            }
        }
    }

    pub(crate) fn timers(&mut self, now: Now) {
        for shard in &mut self.shards {
            shard.run_timers(now);
        }
    }

    /// Messages between shards.
    pub(crate) fn exchange(&mut self) {
        for from in 0..self.shards.len() {
            let Some(shard) = self.shards.get_mut(from) else { continue };
            let letters: Vec<edge::Remote> = shard.drain_remote().collect();
            for letter in letters {
                if let Some(shard) = self.shards.get_mut(usize::from(letter.home)) {
                    shard.deliver_all(letter.position, &letter.publication, &letter.routes);
                }
            }
        }
    }
}

/// A message that is committed.
fn look_up(log: &Log<MemDisk>, position: Position) -> Option<Arc<Publication>> {
    let batch = log.reader(position).next_batch().ok()??;
    let (_, record) = batch.iter().next()?;
    Publication::of_record(record).map(Arc::new)
}

/// A moment later.
pub(crate) fn later(now: Now, span: Duration) -> Now {
    Now { moment: now.moment.saturating_add(span), timestamp: now.timestamp.saturating_add(span) }
}

/// When a simulation starts: an hour after the devices' first readings.
pub(crate) fn dawn() -> Now {
    let timestamp = Timestamp::from_millis(crate::device::FIRST_MILLIS + 3_600_000);
    Now { moment: Moment::START, timestamp }
}
