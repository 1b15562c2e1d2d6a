//! What one client says and hears, packet by packet, told to an operator who asked for it.
//!
//! A shard puts what it sees into a channel that has room for so much, and counts what has no room:
//! whoever is traced is not slowed down by who looks on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::{Qos, Timestamp};

/// Events that wait for a reader. With a topic and a payload that are cut, 1,024 of 5 KiB are 5 MB.
pub const EVENTS_WAITING: usize = 1_024;

/// Events of one trace; it is over after them.
pub const EVENTS_MAX: u32 = 100_000;

/// Nobody looks on for longer.
pub const SPAN_MAX: Duration = Duration::from_secs(3_600);

/// Longer topics and filters are cut.
pub const TOPIC_BYTES_MAX: usize = 1_024;

/// Of a payload, if it is asked for.
pub const PAYLOAD_BYTES_MAX: usize = 4_096;

/// Of one SUBSCRIBE or UNSUBSCRIBE.
pub const FILTERS_MAX: usize = 16;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Connected or not.
    pub client: Box<str>,
    pub span: Duration,
    /// Payloads may be nobody's business.
    pub payload: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    pub at: Timestamp,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// From the client to us.
    In(Packet),
    Out(Packet),
    /// A connection of the client is over, and its socket closed.
    Closed,
}

/// A packet, as far as its reader may know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// As the standard writes it.
    pub kind: &'static str,
    pub packet_id: Option<u16>,
    pub reason: Option<u8>,
    /// Of a message; empty where an alias stands for it.
    pub message: Option<Message>,
    /// What is subscribed to, or no more.
    pub filters: Vec<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub topic: Box<str>,
    pub alias: Option<u16>,
    pub qos: Qos,
    pub retain: bool,
    pub dup: bool,
    pub payload_bytes: u64,
    /// Its beginning, if it was asked for.
    pub payload: Option<Box<[u8]>>,
}

/// Where a trace is read. It ends when this is dropped.
#[derive(Debug)]
pub struct Tracing {
    events: Receiver<Traced>,
    dropped: Arc<AtomicU64>,
}

/// Why there is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Nothing happened.
    Yet,
    /// The trace is over.
    Over,
}

/// Where a shard puts events.
#[derive(Debug)]
pub struct Sink {
    events: SyncSender<Traced>,
    dropped: Weak<AtomicU64>,
}

/// The two ends of a new trace.
#[must_use]
pub fn trace() -> (Sink, Tracing) {
    let (sender, events) = sync_channel(EVENTS_WAITING);
    let dropped = Arc::new(AtomicU64::new(0));
    let sink = Sink { events: sender, dropped: Arc::downgrade(&dropped) };
    (sink, Tracing { events, dropped })
}

impl Sink {
    /// Drops the event, and counts it, when the reader does not keep up.
    pub fn tell(&self, event: Traced) {
        if self.events.try_send(event).is_err()
            && let Some(dropped) = self.dropped.upgrade()
        {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether anybody reads.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.dropped.strong_count() > 0
    }
}

impl Tracing {
    /// The next event, waited for no longer than `patience`.
    ///
    /// # Errors
    /// When there is none.
    pub fn next(&self, patience: Duration) -> Result<Traced, Silence> {
        use std::sync::mpsc::RecvTimeoutError;
        self.events.recv_timeout(patience).map_err(|silence| match silence {
            RecvTimeoutError::Timeout => Silence::Yet,
            RecvTimeoutError::Disconnected => Silence::Over,
        })
    }

    /// Events for which there was no room, up to now.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// The beginning of a text, as far as it may be told.
#[must_use]
pub fn cut(text: &str) -> Box<str> {
    let end = text.floor_char_boundary(TOPIC_BYTES_MAX);
    text.get(..end).unwrap_or_default().into()
}
