//! The objects of one space, read through the cache, every request counted.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use model::{Event, Meter};

use super::RemoteOptions;
use super::cache::{BLOCK_BYTES, Cache};
use super::objects::{Created, ObjectFault, Objects, Stat};

#[derive(Debug)]
pub(crate) struct Store {
    objects: Arc<dyn Objects>,
    space: String,
    cache: Cache,
    meter: Arc<Meter>,
}

impl Store {
    pub(crate) fn new(options: &RemoteOptions, space: &str) -> Self {
        Self {
            objects: Arc::clone(&options.objects),
            space: space.to_owned(),
            cache: Cache::new(options.cache_bytes),
            meter: Arc::clone(&options.meter),
        }
    }

    pub(crate) fn name(&self) -> Box<str> {
        self.objects.name().into()
    }

    /// Names are those of `storage::Storage`, below the folder of the space.
    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.space)
    }

    fn counted<T>(&self, outcome: Result<T, ObjectFault>) -> Result<T, ObjectFault> {
        self.meter.count(Event::RemoteRequested);
        outcome.inspect_err(|_| self.meter.count(Event::RemoteFailed))
    }

    pub(crate) fn create(&self, name: &str, bytes: &Bytes) -> Result<Created, ObjectFault> {
        let checksum = crc32c::crc32c(bytes);
        let created = self.counted(self.objects.create(&self.key(name), bytes, checksum))?;
        self.meter.add(Event::RemoteBytesSent, bytes.len() as u64);
        Ok(created)
    }

    pub(crate) fn replace(&self, name: &str, bytes: &Bytes) -> Result<(), ObjectFault> {
        self.counted(self.objects.replace(&self.key(name), bytes))
    }

    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Option<Bytes>, ObjectFault> {
        self.counted(self.objects.read(&self.key(name), limit))
    }

    pub(crate) fn stat(&self, name: &str) -> Result<Option<Stat>, ObjectFault> {
        self.counted(self.objects.stat(&self.key(name)))
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), ObjectFault> {
        self.counted(self.objects.remove(&self.key(name)))
    }

    pub(crate) fn moved(&self, files: u64) {
        self.meter.add(Event::RemoteMoved, files);
    }

    /// Exactly `length` bytes of a file from `offset` on.
    pub(crate) fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Bytes> {
        let end = offset.saturating_add(length as u64);
        let blocks = offset / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES);
        let shared: Arc<str> = name.into();
        let mut found = self.cache.find(&shared, blocks.clone());
        let missing = |block: &u64| !found.contains_key(block);
        let first = blocks.clone().find(missing);
        let last = blocks.rev().find(missing);
        if let Some((first, last)) = first.zip(last) {
            self.meter.count(Event::RemoteMissed);
            found.append(&mut self.fetch(&shared, first, last)?);
        } else {
            self.meter.count(Event::RemoteRemembered);
        }
        let mut bytes = BytesMut::with_capacity(length);
        for (block, content) in &found {
            let start = block * BLOCK_BYTES;
            let part = offset.saturating_sub(start)..end.saturating_sub(start);
            let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(content.len());
            bytes.extend_from_slice(
                content.get(index(part.start)..index(part.end)).unwrap_or_default(),
            );
        }
        if bytes.len() < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        Ok(bytes.freeze())
    }

    /// One request for neighbouring blocks.
    fn fetch(
        &self,
        name: &Arc<str>,
        first: u64,
        last: u64,
    ) -> io::Result<std::collections::BTreeMap<u64, Bytes>> {
        let (start, length) = (first * BLOCK_BYTES, (last + 1 - first) * BLOCK_BYTES);
        let bytes = self.counted(self.objects.read_at(&self.key(name), start, length));
        let bytes = bytes.map_err(into_io)?;
        self.meter.add(Event::RemoteBytesReceived, bytes.len() as u64);
        let block = usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX);
        // Each its own memory: a part would hold all of the answer.
        let cut = bytes.chunks(block).map(Bytes::copy_from_slice);
        let blocks: std::collections::BTreeMap<u64, Bytes> = (first..).zip(cut).collect();
        for (number, bytes) in &blocks {
            self.cache.keep(name, *number, bytes.clone());
        }
        Ok(blocks)
    }
}

/// A store that is away is told from a file that is not there.
pub(crate) fn into_io(fault: ObjectFault) -> io::Error {
    let kind = match fault {
        ObjectFault::Missing { .. } => io::ErrorKind::NotFound,
        ObjectFault::Away { .. } | ObjectFault::Refused { .. } => AWAY,
    };
    io::Error::new(kind, fault)
}

/// Of an error that a later try may not see.
pub(crate) const AWAY: io::ErrorKind = io::ErrorKind::NetworkUnreachable;
