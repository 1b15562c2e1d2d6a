//! Batch by batch: records become rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dialect::{Context, Group, Outcome, Presence, Recognizer, Verdict, Zone};
use history::{Room, SeriesId, Tended, Writer};
use hub::{Book, Booked};
use journal::Batch;
use model::record::Record;
use model::{Committed, Erasure, Event, Message, Meter, Position, Quality, Timestamp, TopicFilter};
use registry::{Registry, RegistryFault};
use smallvec::SmallVec;

use crate::devices::{Devices, Nobody, Sender};
use crate::feed::{Feed, Point, PointValue};
use crate::keeping::ByType;
use crate::snapshot::{self, SnapshotFault};
use crate::unread::Unread;

/// Why records cannot be taken in. The process ends: a restart replays them.
#[derive(Debug, thiserror::Error)]
pub enum IngestFault {
    #[error("the registry of devices could not be written")]
    Registry(#[from] RegistryFault),
    #[error("history could not be flushed")]
    Flush(#[from] history::FlushFault),
    #[error("the state beside the history cannot be used")]
    Snapshot(#[from] SnapshotFault),
}

/// What ingest shares with the rest of the site.
#[derive(Clone, Debug)]
pub struct Stores {
    pub registry: Arc<Registry>,
    pub retained: Arc<hub::Retained>,
    pub feed: Arc<Feed>,
    pub meter: Arc<Meter>,
}

/// Whether records come from the past of this journal or from devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// At the start: nobody listens yet, and retained messages have to be found again.
    Replay,
    Live,
}

#[derive(Debug)]
pub struct Ingest {
    stores: Stores,
    recognizer: Recognizer,
    /// Sessions that outlive this process, for the next one.
    book: Book,
    /// In which devices write times that name no zone.
    zone: Zone,
    /// Topics whose messages are kept as they are and not read.
    unread: Unread,
    devices: Devices,
    writer: Writer,
    outcome: Outcome,
    points: Vec<Point>,
    tally: Tally,
    taken: Position,
}

/// Of one batch: what others read is written to once a batch.
#[derive(Debug, Default)]
struct Tally {
    decoded: u64,
    consumed: u64,
    undecoded: u64,
    unread: u64,
    readings: u64,
}

impl Tally {
    fn verdict(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Read => self.decoded += 1,
            Verdict::Consumed => self.consumed += 1,
            Verdict::Unread(_reason) => self.undecoded += 1,
        }
    }

    fn report(&mut self, meter: &Meter) {
        let Self { decoded, consumed, undecoded, unread, readings } = std::mem::take(self);
        for (event, count) in [
            (Event::MessageDecoded, decoded),
            (Event::MessageConsumed, consumed),
            (Event::MessageUndecoded, undecoded),
            (Event::MessageUnread, unread),
            (Event::ReadingStored, readings),
        ] {
            if count > 0 {
                meter.add(event, count);
            }
        }
    }
}

impl Ingest {
    /// Goes on where the history was left: `resume` is what it kept beside its tables.
    ///
    /// # Errors
    /// When that state is damaged or of a newer version.
    pub fn new(
        stores: Stores,
        writer: Writer,
        resume: &history::Resume,
        zone: Zone,
    ) -> Result<Self, IngestFault> {
        let mut book = Book::default();
        let learned = snapshot::decode(&resume.extra, &stores.retained, &mut book)?;
        let recognizer = match learned {
            Some(bytes) => Recognizer::restore(&bytes).map_err(SnapshotFault::Learned)?,
            None => Recognizer::default(),
        };
        Ok(Self {
            devices: Devices::new(Arc::clone(&stores.registry)),
            stores,
            recognizer,
            book,
            zone,
            unread: Unread::default(),
            writer,
            outcome: Outcome::default(),
            points: Vec::new(),
            tally: Tally::default(),
            taken: resume.position,
        })
    }

    /// Messages on these topics are kept as they are: no readings, no devices.
    #[must_use]
    pub fn without_reading(mut self, filters: Vec<TopicFilter>) -> Self {
        self.unread = Unread::new(filters);
        self
    }

    /// Devices of these types are kept longer or shorter than others.
    #[must_use]
    pub fn keeping(mut self, types: BTreeMap<String, history::Keep>) -> Self {
        if !types.is_empty() {
            let by_type = ByType::new(Arc::clone(&self.stores.registry), types);
            self.writer.keep_by(Arc::new(by_type));
        }
        self
    }

    /// Everything up to here has been taken in.
    #[must_use]
    pub fn taken(&self) -> Position {
        self.taken
    }

    /// The sessions that the journal knows and whose time was not over by `now`: what the shards
    /// begin with.
    pub fn sessions(&mut self, now: Timestamp) -> Vec<Booked> {
        self.book.expire(now);
        self.book.sessions().cloned().collect()
    }

    /// Takes in all records of `batch` and publishes their rows. The caller may advance the mark of
    /// history on the horizon to the end of the batch.
    ///
    /// # Errors
    /// When the registry cannot be written.
    ///
    /// # Panics
    /// When the batch does not follow the one before.
    pub fn take(&mut self, batch: &Batch, source: Source) -> Result<Room, IngestFault> {
        assert_eq!(batch.first(), self.taken.next(), "ingest reads the journal without a gap");
        for (position, bytes) in batch.iter() {
            if self.unread.passes_by(bytes, self.book.is_empty()) {
                self.tally.unread += 1;
                continue;
            }
            match Record::decode(bytes) {
                Ok(Record::Message(message)) => {
                    self.message(position, &message, source);
                    self.book.message(position, &message);
                }
                Ok(Record::Session(session)) => self.book.apply(&session),
                Ok(Record::Erasure(erasure)) => self.erase(position, &erasure, source),
                Ok(_later_kind) => {}
                Err(fault) => {
                    self.tally.undecoded += 1;
                    tracing::error!(%position, %fault, "a journal record is not understood");
                }
            }
        }
        self.taken = batch.last();
        self.tally.report(&self.stores.meter);
        self.stores.feed.append(&mut self.points);
        self.stores.registry.persist(self.taken)?;
        Ok(self.writer.seal(self.taken))
    }

    /// Looks after the tables: begins a flush when one is due, merges files, and says up to where
    /// the journal is not needed any more. Never waits. To be called after every batch, and now and then while
    /// idle.
    ///
    /// # Errors
    /// When the registry cannot be written, or the tables for good. A flush that failed for now is
    /// logged, and begun again later.
    pub fn tend(
        &mut self,
        committed: Committed,
        now: Timestamp,
    ) -> Result<Option<Position>, IngestFault> {
        self.settle(committed)?;
        if self.stores.registry.is_settled() && self.writer.flush_due(now) {
            let extra = self.state()?;
            self.writer.mark(&extra, now);
        }
        let ticked = self.writer.tick(committed);
        let flushed = self.flushed(ticked)?;
        match self.writer.care(now)? {
            Some(Tended::Merged(merged)) => self.merged(&merged),
            Some(Tended::Summarised(made, took)) => self.summarised(&made, took),
            None => {}
        }
        Ok(flushed)
    }

    /// Whether something is done for the files, so that `tend` has more to do soon.
    #[must_use]
    pub const fn is_tending(&self) -> bool {
        self.writer.is_tending()
    }

    /// Merges what is worth it and makes the hours that lack, on this thread, and says how often it
    /// merged: for a simulation that has one.
    ///
    /// # Errors
    /// When files cannot be read or written.
    pub fn merge_all(&mut self, now: Timestamp) -> Result<u64, history::MergeFault> {
        let mut merges = 0;
        while let Some(merged) = self.writer.merge(now)? {
            self.merged(&merged);
            merges += 1;
        }
        while let Some(made) = self.writer.summarise(now)? {
            self.summarised(&made, Duration::ZERO);
        }
        Ok(merges)
    }

    /// For a full hot tail: waits for a flush. `Room::Full` means that the disk lags behind: call
    /// again with a later commit.
    ///
    /// # Errors
    /// As `tend`.
    pub fn make_room(&mut self, committed: Committed, now: Timestamp) -> Result<Room, IngestFault> {
        self.settle(committed)?;
        if !self.stores.registry.is_settled() {
            return Ok(Room::Full);
        }
        let extra = self.state()?;
        match self.writer.make_room(committed, &extra, now) {
            Ok(room) => Ok(room),
            Err(fault) if fault.is_final() => Err(fault.into()),
            Err(fault) => {
                tracing::warn!(%fault, "history could not be flushed; it is tried again");
                Ok(Room::Full)
            }
        }
    }

    /// Writes everything that `committed` covers to the tables and waits for it: for a simulation
    /// that has one thread. Nothing while an erasure is not committed.
    ///
    /// # Errors
    /// As `tend`.
    pub fn flush_all(
        &mut self,
        committed: Committed,
        now: Timestamp,
    ) -> Result<Option<Position>, IngestFault> {
        self.settle(committed)?;
        if !self.stores.registry.is_settled() {
            return Ok(None);
        }
        let extra = self.state()?;
        self.writer.mark(&extra, now);
        let finished = self.writer.finish(committed);
        self.flushed(finished)
    }

    fn merged(&self, merged: &history::Merged) {
        self.stores.meter.count(Event::HistoryMerged);
        tracing::info!(
            day = merged.day,
            days = merged.days,
            files_before = merged.files_before,
            bytes_before = merged.bytes_before,
            files = merged.files,
            bytes = merged.bytes,
            rows = merged.rows,
            dropped = merged.dropped,
            "history merged"
        );
    }

    fn summarised(&self, made: &history::Summarised, took: Duration) {
        self.stores.meter.count(Event::HoursMade);
        self.stores.meter.add(Event::HoursBytes, made.bytes);
        self.stores.meter.add(Event::HoursSeconds, took.as_secs());
        tracing::info!(
            day = made.day,
            rows = made.rows,
            files = made.files,
            bytes = made.bytes,
            seconds = took.as_secs(),
            "hours made"
        );
    }

    fn flushed(
        &self,
        outcome: Result<Option<history::Flushed>, history::FlushFault>,
    ) -> Result<Option<Position>, IngestFault> {
        match outcome {
            Ok(None) => Ok(None),
            Ok(Some(flushed)) => {
                self.stores.meter.count(Event::HistoryFlushed);
                tracing::info!(
                    position = flushed.position.get(),
                    rows = flushed.rows,
                    files = flushed.files,
                    bytes = flushed.bytes,
                    "history flushed"
                );
                Ok(Some(flushed.position))
            }
            Err(fault) if fault.is_final() => Err(fault.into()),
            Err(fault) => {
                tracing::warn!(%fault, "history could not be flushed; it is tried again");
                Ok(None)
            }
        }
    }

    /// What history keeps beside its tables. The registry is made durable first, so that no table
    /// ever names a device that a power cut can take away.
    fn state(&self) -> Result<Vec<u8>, IngestFault> {
        self.stores.registry.checkpoint(self.taken)?;
        Ok(snapshot::encode(&self.recognizer.snapshot(), &self.stores.retained, &self.book))
    }

    /// The registry's file follows an erasure when that is committed.
    fn settle(&self, committed: Committed) -> Result<(), IngestFault> {
        Ok(self.stores.registry.settle(committed, self.taken)?)
    }

    /// What was said of a device so far is forgotten; what it says from now on is of a new one.
    fn erase(&mut self, position: Position, erasure: &Erasure<'_>, source: Source) {
        self.devices.erase(erasure.device, position);
        let directory = self.stores.registry.directory();
        self.recognizer.retain(|key| directory.find(key).is_some());
        drop(directory);
        self.writer.erase(erasure.device, position);
        if source == Source::Live {
            self.stores.meter.count(Event::DeviceErased);
            tracing::info!(%position, "a device is erased");
        }
    }

    fn message(&mut self, position: Position, message: &Message<'_>, source: Source) {
        if source == Source::Replay && message.retain {
            snapshot::keep(&self.stores.retained, message);
        }
        if self.unread.holds(message.topic) {
            self.tally.unread += 1;
            return;
        }
        let mut outcome = std::mem::take(&mut self.outcome);
        let context = Context { zone: &self.zone, credential_is_device: true, bridged: false };
        self.recognizer.read(message, &context, &mut outcome);
        let mut readings = 0;
        for group in outcome.groups() {
            let origin = Origin { position, at: message.received_at, source };
            readings += self.group(&group, outcome.dialect(), origin);
        }
        for (key, presence) in outcome.presence() {
            self.devices.set_presence(key, presence_of(presence));
        }
        self.tally.verdict(outcome.verdict());
        let limits = outcome.notes().iter().filter(|note| note.is_limit()).count();
        self.outcome = outcome;
        self.tally.readings += readings;
        if limits > 0 {
            self.stores.meter.add(Event::DialectLimited, limits as u64);
        }
    }

    /// Takes in the readings of one device at one time; says how many.
    fn group(&mut self, group: &Group<'_>, dialect: &'static str, origin: Origin) -> u64 {
        let sender = Sender { group, dialect, at: origin.at, position: origin.position };
        let device = match self.devices.find(&sender) {
            Ok(device) => device,
            Err(Nobody::Full) => {
                self.stores.meter.count(Event::DialectLimited);
                return 0;
            }
            Err(Nobody::Erased) => return 0,
        };
        device.pulse.beat(origin.at, group.time());
        let repaired = group.quality().holds(Quality::CLOCK_BAD);
        if repaired {
            self.stores.meter.count(Event::ClockRepaired);
        }
        let mut settled = SmallVec::<[_; 8]>::new();
        for reading in group.readings() {
            match device.settle(&reading, &mut self.writer) {
                Some(found) => settled.push(found),
                None => self.stores.meter.count(Event::DialectLimited),
            }
        }
        let time = match group.time().filter(|_| !repaired) {
            Some(time) => time,
            None => self.time_of_receipt(settled.iter().map(|(series, ..)| *series), origin.at),
        };
        let taken = settled.len() as u64;
        for (series, value, quality) in settled {
            self.writer.append(series, (time, value), quality, origin.position);
            if origin.source == Source::Live {
                let value = PointValue::from(value);
                self.points.push(Point { position: origin.position, series, time, value });
            }
        }
        taken
    }

    fn time_of_receipt(
        &self,
        series: impl IntoIterator<Item = SeriesId>,
        at: Timestamp,
    ) -> Timestamp {
        self.writer.free_time(series, at).unwrap_or_else(|| {
            self.stores.meter.count(Event::ReadingReplaced);
            at
        })
    }
}

/// Where a group of readings comes from.
#[derive(Clone, Copy, Debug)]
struct Origin {
    position: Position,
    at: Timestamp,
    source: Source,
}

fn presence_of(presence: Presence) -> registry::Presence {
    match presence {
        Presence::Online => registry::Presence::Online,
        Presence::Offline => registry::Presence::Offline,
        Presence::Sleeping => registry::Presence::Sleeping,
    }
}

#[cfg(test)]
mod tests;
