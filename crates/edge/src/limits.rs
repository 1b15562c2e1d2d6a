//! What a listener grants the strangers who connect to it.

use std::num::NonZeroU32;
use std::time::Duration;

/// Of one listener. A site has one set, and a listener may have its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest packet that is taken.
    pub packet_bytes_max: u32,
    /// Unacknowledged messages a client may have under way (MQTT 5: receive maximum).
    pub receive_max: u16,
    /// Bytes that wait for one slow subscriber's socket; QoS 0 beyond that is dropped.
    pub output_bytes_max: usize,
    /// Bytes that wait for all subscribers of the site who are slow or away, before shares count.
    pub backlog_bytes_max: usize,
    /// A client that has not finished its CONNECT by then is closed.
    pub connect_within: Duration,
    /// Devices without credentials are taken.
    pub anonymous: bool,
    /// The longest a session is kept while its client is away.
    pub session_expiry_max: Duration,
    /// How often `$SYS` topics are told; zero for never.
    pub sys_interval: Duration,
    /// On all shards together. Of the site's own set: at all listeners together.
    pub connections_max: usize,
    /// Connections whose CONNECT is still to come, on all shards together; a further one takes the
    /// place of the oldest of them.
    pub unfinished_max: u32,
    /// New connections a second.
    pub connect_rate: Option<NonZeroU32>,
    /// From one address: connections at once.
    pub connections_per_address: Option<NonZeroU32>,
    /// From one address: new connections a second.
    pub connect_rate_per_address: Option<NonZeroU32>,
    /// Messages a second that are read from one client.
    pub message_rate: Option<NonZeroU32>,
    /// Bytes a second that are read from one client.
    pub byte_rate: Option<NonZeroU32>,
    /// Filters of one client.
    pub filters_max: usize,
    /// Levels of one filter.
    pub filter_levels_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            packet_bytes_max: 1 << 20,
            receive_max: 1_024,
            output_bytes_max: 4 << 20,
            backlog_bytes_max: 256 << 20,
            connect_within: Duration::from_secs(10),
            anonymous: false,
            session_expiry_max: Duration::from_secs(7 * 24 * 3_600),
            sys_interval: Duration::from_secs(10),
            // A process has fewer file descriptors, unless somebody asked for them.
            connections_max: 100_000,
            // A site that was down sees its clients come back at some ten thousand a second, each
            // of them unfinished for a round trip.
            unfinished_max: 4_096,
            connect_rate: None,
            connections_per_address: None,
            connect_rate_per_address: None,
            message_rate: None,
            byte_rate: None,
            // A gateway that subscribes for each of 10,000 devices is the largest we know of.
            filters_max: 10_000,
            filter_levels_max: 128,
        }
    }
}

impl Limits {
    pub(crate) fn of_session(&self) -> mqtt::Limits {
        mqtt::Limits {
            packet_max: self.packet_bytes_max,
            receive_maximum: self.receive_max.max(1),
            connect_timeout: u16::try_from(self.connect_within.as_secs()).unwrap_or(u16::MAX),
            ..mqtt::Limits::default()
        }
    }

    /// Bytes to read from a client at once, so that one read is not worth minutes of its rate.
    pub(crate) fn read_bytes_max(&self) -> usize {
        /// A short message with its topic.
        const MESSAGE: u32 = 64;
        /// Less is not worth the call.
        const LEAST: u32 = 512;
        let messages = self.message_rate.map(|rate| rate.get().saturating_mul(MESSAGE));
        let bytes = self.byte_rate.map(NonZeroU32::get);
        let least = messages.into_iter().chain(bytes).min();
        least.map_or(usize::MAX, |most| most.max(LEAST) as usize)
    }
}
