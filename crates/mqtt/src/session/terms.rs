//! What a session and its shell say to each other.

use std::fmt;
use std::num::NonZeroU16;

use model::{TopicBuf, TopicName};

use super::Ticket;
use crate::Reason;
use crate::connect::Connect;
use crate::inflight::Inflight;
use crate::publish::Publish;
use crate::subscribe::{Subscribe, Unsubscribe};
use crate::will::StoredWill;

/// A session expiry that never comes.
pub const EXPIRY_NEVER: u32 = u32::MAX;

/// What this server allows its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the largest packet that is read.
    pub packet_max: u32,
    /// Messages above QoS 0 that a client may have under way to us.
    pub receive_maximum: u16,
    /// Messages above QoS 0 that are under way to a client, if it does not ask for fewer. 24 bytes
    /// each: 192 KiB for a client that takes 8,192 and confirms none.
    pub window_max: u16,
    /// Aliases a client may define. Each can hold a topic of 64 KiB: 16 are 1 MiB at the worst.
    pub topic_alias_maximum: u16,
    /// Aliases that we define for a client, if it takes so many; see `aliases` for what they cost.
    pub aliases_to_client: u8,
    /// Seconds from the opening of the connection to a complete CONNECT.
    pub connect_timeout: u16,
    /// Whether `$share/…` is served.
    pub shared_subscriptions: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            packet_max: 1 << 20,
            receive_maximum: 256,
            window_max: 8_192,
            topic_alias_maximum: 16,
            aliases_to_client: 32,
            connect_timeout: 10,
            shared_subscriptions: true,
        }
    }
}

/// What a packet asks of the hub. At most one thing.
#[derive(Debug, PartialEq, Eq)]
pub enum Action<'p> {
    /// To be answered with `accept` or `refuse`, before the next packet; or with `challenge`, if it
    /// names a method of authentication.
    Connect(Connect<'p>),
    /// The next step of an authentication, likewise. It begins `again` in a session that is open,
    /// where `confirm` and `close` are the answers.
    Authenticate { again: bool, data: AuthData<'p> },
    /// Without a ticket for QoS 0.
    Publish { publish: Publish<'p>, topic: Topic<'p>, ticket: Option<Ticket> },
    /// To be answered with `suback`.
    Subscribe(Subscribe<'p>),
    /// To be answered with `unsuback`.
    Unsubscribe(Unsubscribe<'p>),
    /// The client has a QoS 2 message for good: it is not needed again. Its place in the window
    /// is still taken. In a kept session the ticket earns the PUBREL; in others it is sent.
    Received { packet_id: NonZeroU16, token: u64, ticket: Option<Ticket> },
    /// In a kept session: the client may use an id again once that is written down.
    Released { packet_id: NonZeroU16, ticket: Ticket },
    /// The client is done with a message, or refused it; its place in the window is free.
    Delivered { token: u64, reason: Reason },
    /// The client says goodbye. `finish` follows.
    Disconnect { reason: Reason },
}

/// What a client says to prove who it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuthData<'p>(pub &'p [u8]);

/// Nobody else's business.
impl fmt::Debug for AuthData<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes", self.0.len())
    }
}

/// The topic of a message: as it came, or as its alias remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic<'p> {
    Sent(TopicName<'p>),
    Aliased(TopicBuf),
}

impl Topic<'_> {
    #[must_use]
    pub fn as_name(&self) -> TopicName<'_> {
        match self {
            Self::Sent(name) => *name,
            Self::Aliased(topic) => topic.as_name(),
        }
    }
}

/// The terms on which a client is let in.
#[derive(Debug, Default)]
pub struct Accept<'a> {
    /// The state of the session that is taken up again; `None` begins an empty one.
    pub resumed: Option<Inflight>,
    /// The session outlives this process: its steps are written down before they are taken.
    pub kept: bool,
    /// When the client left the choice to us.
    pub assigned_client_id: Option<&'a str>,
    /// Seconds, when the client's own wish is not granted. MQTT 5 only.
    pub keep_alive: Option<u16>,
    /// Seconds, when the client's own wish is not granted.
    pub session_expiry: Option<u32>,
    /// What the method of authentication says last, to a client that named one.
    pub auth_data: Option<&'a [u8]>,
}

/// What is left of a connection.
#[derive(Debug)]
pub struct Finished {
    pub inflight: Inflight,
    /// To be published, after its delay; `None` if the client said goodbye.
    pub will: Option<Box<StoredWill>>,
    /// Seconds for which the session is kept; 0: not at all; `EXPIRY_NEVER`.
    pub expiry: u32,
}
