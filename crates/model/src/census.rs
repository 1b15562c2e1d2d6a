//! Who is connected, told to people: what an operator asks of the broker, and the answer.
//!
//! A question goes to every shard and is answered a page at a time: no shard ever copies more rows
//! than one page holds, however many clients it has.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::{Qos, Timestamp};

/// Rows of one page. Of about 300 bytes each: 300 KB from every shard.
pub const PAGE_MAX: usize = 1_000;

/// Filters of one client that are told: a gateway may have 10,000, and nobody reads them all.
pub const FILTERS_MAX: usize = 1_000;

/// In which order clients are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    #[default]
    Id,
    /// Who says and hears most at the moment, first.
    Rate,
    /// For whom most waits, first: messages in the queue, then bytes in the output.
    Waiting,
}

/// Which clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Presence {
    #[default]
    Any,
    Connected,
    /// Only the session is there.
    Away,
}

/// Where a page ends: the next one begins behind it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// What the last client was sorted by; 0 in the order of ids.
    pub weight: u64,
    pub client: Arc<str>,
}

/// A page of clients that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Part of a client id or of an address, capitals of ASCII ignored. Empty: everybody.
    pub search: String,
    pub presence: Presence,
    pub order: Order,
    pub after: Option<Mark>,
    /// At most `PAGE_MAX`; 0 asks for the totals alone.
    pub limit: usize,
}

/// Of all clients, whatever the question leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub sessions: u64,
    pub connected: u64,
    pub subscriptions: u64,
    /// Messages that wait in queues.
    pub queued: u64,
    /// Messages under way to clients, not confirmed yet.
    pub in_flight: u64,
    /// Bytes that sockets have not taken yet.
    pub output_bytes: u64,
    pub rate: Rate,
}

/// Messages a second, over the last ten to twenty seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// In thousandths, so that a message a minute is not nothing.
    pub received_millis: u64,
    pub sent_millis: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Page {
    pub clients: Vec<Client>,
    /// How many the question fits, on all pages.
    pub matching: u64,
    pub totals: Totals,
    /// `None` on the last page.
    pub next: Option<Mark>,
}

/// A client: its session, and its connection while it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    pub id: Arc<str>,
    pub connection: Option<Connection>,
    pub subscriptions: u64,
    /// Messages under way to it, not confirmed yet.
    pub in_flight: u64,
    /// Messages that wait for it.
    pub queued: u64,
    pub expiry: Expiry,
}

/// How long a session outlives its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Never,
    /// From the end of the connection; zero: with it.
    Granted(Duration),
    /// The client is away; this is left.
    Left(Duration),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    pub peer: SocketAddr,
    /// The listener's name and what its bytes are wrapped in; `None` for one without a socket.
    pub door: Option<DoorName>,
    pub version: Version,
    pub since: Timestamp,
    pub last_heard: Timestamp,
    /// Zero: the client may be silent for ever.
    pub keep_alive: Duration,
    pub traffic: Traffic,
    pub rate: Rate,
    /// Bytes that the socket has not taken yet.
    pub output_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorName {
    pub listener: Arc<str>,
    pub transport: Transport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Tls,
    WebSocket,
    SecureWebSocket,
    Unix,
}

impl Transport {
    /// As the configuration calls it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::WebSocket => "ws",
            Self::SecureWebSocket => "wss",
            Self::Unix => "unix",
        }
    }
}

/// Of MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V311,
    V5,
}

impl Version {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::V311 => "3.1.1",
            Self::V5 => "5",
        }
    }
}

/// What went over one connection, from its beginning. "In" is from the client to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub messages_in: u64,
    pub messages_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

/// One client with what it listens to.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    pub client: Client,
    /// In the order of subscribing, at most `FILTERS_MAX`.
    pub filters: Vec<Filter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub filter: Box<str>,
    pub qos: Qos,
}

/// What becomes of the session of a client whose connection an operator closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// As if the connection had been lost.
    Kept,
    /// It ends, with its subscriptions and what waits in it.
    Ended,
}

/// Why a question about clients has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    #[error("a shard has too much to do to answer")]
    Busy,
    #[error("the site is stopping")]
    Stopping,
    #[error("there is no such client")]
    Unknown,
    #[error("as many clients are being traced as can be")]
    Full,
}

impl Order {
    /// As addresses call it; `None` for a word that is no order.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Id, Self::Rate, Self::Waiting].into_iter().find(|order| order.word() == word)
    }

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Rate => "rate",
            Self::Waiting => "waiting",
        }
    }

    /// What a client is sorted by, largest first.
    #[must_use]
    pub fn weight(self, client: &Client) -> u64 {
        let line = client.connection.as_ref();
        let rate = line.map_or(0, |line| line.rate.received_millis + line.rate.sent_millis);
        self.weight_of(rate, client.queued, line.map_or(0, |line| line.output_bytes))
    }

    /// The same from its parts, for those who have no `Client` yet.
    #[must_use]
    pub const fn weight_of(self, rate_millis: u64, queued: u64, output_bytes: u64) -> u64 {
        /// More bytes than an output holds count as so many: 64 MiB.
        const BYTES_MAX: u64 = 1 << 26;
        match self {
            Self::Id => 0,
            Self::Rate => rate_millis,
            Self::Waiting => {
                let bytes = if output_bytes < BYTES_MAX { output_bytes } else { BYTES_MAX - 1 };
                queued.saturating_mul(BYTES_MAX).saturating_add(bytes)
            }
        }
    }
}

impl Mark {
    /// The pair of `text`. `None` when the text is no mark in this order.
    #[must_use]
    pub fn parse(text: &str, order: Order) -> Option<Self> {
        if order == Order::Id {
            return Some(Self { weight: 0, client: text.into() });
        }
        let (weight, client) = text.split_once('.')?;
        Some(Self { weight: weight.parse().ok()?, client: client.into() })
    }

    /// As it stands in an address: the client, and before it what it was sorted by.
    #[must_use]
    pub fn text(&self, order: Order) -> String {
        match order {
            Order::Id => self.client.to_string(),
            Order::Rate | Order::Waiting => format!("{}.{}", self.weight, self.client),
        }
    }

    /// Whether a client comes behind this one: with a smaller weight, or with the same and a later
    /// name.
    #[must_use]
    pub fn is_before(&self, weight: u64, client: &str) -> bool {
        (self.weight, client) > (weight, &self.client)
    }
}

impl Totals {
    pub fn add(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.connected += other.connected;
        self.subscriptions += other.subscriptions;
        self.queued += other.queued;
        self.in_flight += other.in_flight;
        self.output_bytes += other.output_bytes;
        self.rate.add(other.rate);
    }
}

impl Rate {
    pub fn add(&mut self, other: Self) {
        self.received_millis += other.received_millis;
        self.sent_millis += other.sent_millis;
    }
}

impl Page {
    /// Puts the answers of all shards together. Each is in the order asked for, and holds no more
    /// than the limit.
    #[must_use]
    pub fn merge(pages: Vec<Self>, order: Order, limit: usize) -> Self {
        let mut merged = Self::default();
        let mut more = false;
        for page in pages {
            merged.matching += page.matching;
            merged.totals.add(&page.totals);
            more |= page.next.is_some();
            merged.clients.extend(page.clients);
        }
        merged.clients.sort_by(|one, other| {
            order.weight(other).cmp(&order.weight(one)).then_with(|| one.id.cmp(&other.id))
        });
        more |= merged.clients.len() > limit;
        merged.clients.truncate(limit);
        let last = merged.clients.last().filter(|_| more);
        merged.next = last
            .map(|client| Mark { weight: order.weight(client), client: Arc::clone(&client.id) });
        merged
    }
}

#[cfg(test)]
mod tests;
