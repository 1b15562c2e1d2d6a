//! Everything Althing can count. The metrics page, the console and the tests read this list; a
//! number without a meaning cannot exist.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! events {
    ($($(#[doc = $doc:literal])+ $name:ident = $metric:literal,)+) => {
        /// Something that happened and is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Event {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Event {
            pub const ALL: &'static [Event] = &[$(Event::$name,)+];

            /// The Prometheus name, without the `althing_` in front and the `_total` behind.
            #[must_use]
            pub const fn metric(self) -> &'static str {
                match self { $(Event::$name => $metric,)+ }
            }

            /// One sentence for people.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Event::$name => concat!($($doc),+),)+ }
            }
        }
    };
}

events! {
    /// Connections that were accepted.
    ConnectionOpened = "connections_opened",
    /// Connections that ended, for whatever reason.
    ConnectionClosed = "connections_closed",
    /// Connections refused because a limit of the listener was reached.
    ConnectionRefused = "connections_refused",
    /// Connections refused because more than its rate allows came to a listener.
    RateRefused = "connections_refused_by_rate",
    /// Connections refused because their address had as many as it may have, or came too fast.
    AddressRefused = "connections_refused_by_address",
    /// Connections closed before their CONNECT, because others needed the place.
    UnfinishedClosed = "connections_closed_unfinished",
    /// Times a client was not read because it had sent more than its rate allows.
    ClientPaused = "client_pauses",
    /// Connections closed because the peer broke the protocol.
    ProtocolViolated = "protocol_violations",
    /// Times a client did not prove who it is, or by a method that is not served.
    AuthenticationRefused = "authentications_refused",
    /// Connections closed because TLS, WebSocket or the PROXY protocol failed.
    TransportFailed = "transport_failures",
    /// Times the certificates of a listener could not be read again; it goes on with the old ones.
    CertificateRefused = "certificates_refused",
    /// Connections closed because keep-alive ran out.
    KeepAliveExpired = "keep_alive_expired",
    /// Connections closed by an operator.
    ClientClosed = "clients_closed",
    /// Packets of every kind received from clients, whole and understood.
    PacketReceived = "packets_received",
    /// Messages received from clients.
    MessageReceived = "messages_received",
    /// Messages refused because they are larger than a journal record may be.
    MessageRefused = "messages_refused",
    /// Messages sent to subscribers.
    MessageSent = "messages_sent",
    /// Messages to a subscriber dropped because its queue was full.
    MessageDropped = "messages_dropped",
    /// Messages refused because their topic belongs to the broker.
    MessageForbidden = "messages_forbidden",
    /// Bytes of MQTT received from clients, without what the transport adds.
    BytesReceived = "mqtt_bytes_received",
    /// Bytes of MQTT that sockets have taken, likewise.
    BytesSent = "mqtt_bytes_sent",
    /// Acknowledgements sent, each for a committed record.
    Acknowledged = "acknowledged",
    /// Times a connection was not read because the journal or its own lane was full.
    PublisherPaused = "publisher_paused",
    /// Journal frames fsynced.
    JournalCommitted = "journal_commits",
    /// Bytes written to the journal, padding included.
    JournalBytes = "journal_bytes",
    /// Messages from which readings, attributes or presence were taken.
    MessageDecoded = "messages_decoded",
    /// Messages that a dialect understood and that hold nothing to keep.
    MessageConsumed = "messages_consumed",
    /// Messages that no dialect could read; they are kept in `messages`.
    MessageUndecoded = "messages_undecoded",
    /// Messages on topics that are kept without being read.
    MessageUnread = "messages_unread",
    /// Readings taken into history.
    ReadingStored = "readings_stored",
    /// Messages without a time whose readings took the place of others: more than one a millisecond
    /// for over a minute.
    ReadingReplaced = "readings_replaced",
    /// Readings that arrived with an impossible time and got the time of receipt.
    ClockRepaired = "clock_repaired",
    /// Readings, signals or devices refused because a limit of a dialect was reached.
    DialectLimited = "dialect_limited",
    /// Hot tails written to Parquet.
    HistoryFlushed = "history_flushes",
    /// Parquet files of one day that became fewer.
    HistoryMerged = "history_merges",
    /// Closed days whose hours were made, or made again.
    HoursMade = "history_hours_days",
    /// Bytes of the files that hold hours, as they were made.
    HoursBytes = "history_hours_bytes",
    /// Time that it took, to the second for each day.
    HoursSeconds = "history_hours_seconds",
    /// Devices whose readings were erased because somebody asked for it.
    DeviceErased = "devices_erased",
    /// Requests to the object store.
    RemoteRequested = "remote_requests",
    /// Requests to the object store that failed, after all tries.
    RemoteFailed = "remote_requests_failed",
    /// Parquet files that moved to the object store.
    RemoteMoved = "remote_files_moved",
    /// Bytes sent to the object store.
    RemoteBytesSent = "remote_bytes_sent",
    /// Bytes of readings received from the object store.
    RemoteBytesReceived = "remote_bytes_received",
    /// Reads of files in the object store that memory could answer.
    RemoteRemembered = "remote_reads_cached",
    /// Reads of files in the object store that asked it.
    RemoteMissed = "remote_reads_fetched",
    /// Times a move to the object store did not happen; it is tried again.
    RemoteMoveFailed = "remote_moves_failed",
    /// Times a bridge reached its other broker.
    BridgeConnected = "bridge_connections",
    /// Times a bridge lost its other broker.
    BridgeLost = "bridge_connections_lost",
    /// Messages that another broker took from a bridge.
    BridgeSent = "bridge_messages_sent",
    /// Messages that a bridge brought to this site.
    BridgeReceived = "bridge_messages_received",
    /// Messages without QoS that a bridge dropped because its other side was away.
    BridgeUnheard = "bridge_dropped_unheard",
    /// Messages that a bridge dropped because no line of its mapping names them on the other side.
    BridgeUnmapped = "bridge_dropped_unmapped",
    /// Messages that a bridge dropped because they had passed this site before, or too many sites.
    BridgeLooped = "bridge_dropped_looped",
    /// Messages that a bridge dropped because they are larger than the other side takes.
    BridgeTooLarge = "bridge_dropped_too_large",
    /// Messages that a bridge dropped because the other side refused them for good.
    BridgeRefused = "bridge_dropped_refused",
    /// SQL statements that ran to their end.
    QueryRun = "queries",
    /// SQL statements stopped by a limit or an error.
    QueryFailed = "queries_failed",
    /// HTTP requests answered.
    HttpRequest = "http_requests",
}

/// Something that there are so many of at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gauge {
    /// Sessions, those of clients that are away included.
    Sessions,
    /// Clients that are connected.
    Connected,
    /// Parquet files that lie in the object store.
    RemoteFiles,
    /// Their bytes.
    RemoteBytes,
}

/// Counters for all events, shared by all threads.
#[derive(Debug)]
pub struct Meter {
    counts: Box<[AtomicU64]>,
    sessions: Level,
    connected: Level,
    remote_files: Level,
    remote_bytes: Level,
}

#[derive(Debug, Default)]
struct Level {
    now: AtomicU64,
    highest: AtomicU64,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            counts: Event::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            sessions: Level::default(),
            connected: Level::default(),
            remote_files: Level::default(),
            remote_bytes: Level::default(),
        }
    }
}

impl Meter {
    pub fn count(&self, event: Event) {
        self.add(event, 1);
    }

    pub fn add(&self, event: Event, amount: u64) {
        if let Some(counter) = self.counts.get(event as usize) {
            counter.fetch_add(amount, Ordering::Relaxed);
        }
    }

    /// Of the part of a gauge that somebody adds to it: what it was when last told, and what it is.
    pub fn moved(&self, gauge: Gauge, before: u64, now: u64) {
        if before == now {
            return;
        }
        let level = self.of(gauge);
        // Wraps where it falls, and back again: the sum of all parts is right.
        let change = now.wrapping_sub(before);
        let sum = level.now.fetch_add(change, Ordering::Relaxed).wrapping_add(change);
        level.highest.fetch_max(sum, Ordering::Relaxed);
    }

    #[must_use]
    pub fn level(&self, gauge: Gauge) -> u64 {
        self.of(gauge).now.load(Ordering::Relaxed)
    }

    /// The highest level since the start.
    #[must_use]
    pub fn highest(&self, gauge: Gauge) -> u64 {
        self.of(gauge).highest.load(Ordering::Relaxed)
    }

    const fn of(&self, gauge: Gauge) -> &Level {
        match gauge {
            Gauge::Sessions => &self.sessions,
            Gauge::Connected => &self.connected,
            Gauge::RemoteFiles => &self.remote_files,
            Gauge::RemoteBytes => &self.remote_bytes,
        }
    }

    #[must_use]
    pub fn total(&self, event: Event) -> u64 {
        self.counts.get(event as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}
