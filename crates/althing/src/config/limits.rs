//! `[limits]`: what strangers may take of a site, and `limits` of one listener, where others apply.

use std::num::NonZeroU32;

use edge::Limits;
use serde::{Deserialize, Serialize};

use super::{Bytes, Span};

/// Keys that a listener may have for itself.
pub(crate) const KEYS: &[&str] = &[
    "connect-timeout",
    "unfinished",
    "connect-rate",
    "connections-per-address",
    "connect-rate-per-address",
    "message-rate",
    "byte-rate",
    "in-flight",
    "filters",
    "filter-levels",
];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct LimitsConfig {
    /// At all MQTT listeners together; 0 for what the file descriptors of the process allow.
    pub(crate) connections: u32,
    /// Until the CONNECT of a client has come.
    pub(crate) connect_timeout: Span,
    /// Connections of a listener whose CONNECT is still to come.
    pub(crate) unfinished: u32,
    /// New connections of a listener a second; 0 for any number, as in the next four.
    pub(crate) connect_rate: u32,
    pub(crate) connections_per_address: u32,
    pub(crate) connect_rate_per_address: u32,
    /// Messages a second from one client.
    pub(crate) message_rate: u32,
    /// Bytes a second from one client.
    pub(crate) byte_rate: Bytes,
    /// Unacknowledged messages of a client.
    pub(crate) in_flight: u16,
    /// Bytes that wait for a slow subscriber's socket.
    pub(crate) output: Bytes,
    /// Bytes that wait for all subscribers who are slow or away.
    pub(crate) backlog: Bytes,
    /// Filters of one client.
    pub(crate) filters: u32,
    /// Levels of one filter.
    pub(crate) filter_levels: u32,
    /// How long a session is kept while its client is away.
    pub(crate) session_expiry: Span,
}

/// Those that one listener has for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct OwnLimits {
    pub(crate) connect_timeout: Option<Span>,
    pub(crate) unfinished: Option<u32>,
    pub(crate) connect_rate: Option<u32>,
    pub(crate) connections_per_address: Option<u32>,
    pub(crate) connect_rate_per_address: Option<u32>,
    pub(crate) message_rate: Option<u32>,
    pub(crate) byte_rate: Option<Bytes>,
    pub(crate) in_flight: Option<u16>,
    pub(crate) filters: Option<u32>,
    pub(crate) filter_levels: Option<u32>,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let limits = Limits::default();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            connections: 0,
            connect_timeout: Span::of(limits.connect_within),
            unfinished: limits.unfinished_max,
            connect_rate: 0,
            connections_per_address: 0,
            connect_rate_per_address: 0,
            message_rate: 0,
            byte_rate: Bytes::kibi(0),
            in_flight: limits.receive_max,
            output: Bytes::kibi(limits.output_bytes_max as u64 >> 10),
            backlog: Bytes::kibi(limits.backlog_bytes_max as u64 >> 10),
            filters: count(limits.filters_max),
            filter_levels: count(limits.filter_levels_max),
            session_expiry: Span::of(limits.session_expiry_max),
        }
    }
}

impl LimitsConfig {
    /// These, and where a listener has its own, those.
    pub(crate) fn with(&self, own: &OwnLimits) -> Self {
        Self {
            connect_timeout: own.connect_timeout.unwrap_or(self.connect_timeout),
            unfinished: own.unfinished.unwrap_or(self.unfinished),
            connect_rate: own.connect_rate.unwrap_or(self.connect_rate),
            connections_per_address: own
                .connections_per_address
                .unwrap_or(self.connections_per_address),
            connect_rate_per_address: own
                .connect_rate_per_address
                .unwrap_or(self.connect_rate_per_address),
            message_rate: own.message_rate.unwrap_or(self.message_rate),
            byte_rate: own.byte_rate.unwrap_or(self.byte_rate),
            in_flight: own.in_flight.unwrap_or(self.in_flight),
            filters: own.filters.unwrap_or(self.filters),
            filter_levels: own.filter_levels.unwrap_or(self.filter_levels),
            ..self.clone()
        }
    }

    /// What they are to the edge.
    pub(crate) fn resolve(&self, anonymous: bool) -> Limits {
        let large = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let bytes = u32::try_from(self.byte_rate.get()).unwrap_or(u32::MAX);
        Limits {
            connect_within: self.connect_timeout.get(),
            unfinished_max: self.unfinished,
            connect_rate: NonZeroU32::new(self.connect_rate),
            connections_per_address: NonZeroU32::new(self.connections_per_address),
            connect_rate_per_address: NonZeroU32::new(self.connect_rate_per_address),
            message_rate: NonZeroU32::new(self.message_rate),
            byte_rate: NonZeroU32::new(bytes),
            receive_max: self.in_flight,
            output_bytes_max: usize::try_from(self.output.get()).unwrap_or(usize::MAX),
            backlog_bytes_max: usize::try_from(self.backlog.get()).unwrap_or(usize::MAX),
            filters_max: large(self.filters),
            filter_levels_max: large(self.filter_levels),
            session_expiry_max: self.session_expiry.get(),
            anonymous,
            ..Limits::default()
        }
    }

    /// The first key that is zero and must not be.
    pub(crate) fn zero(&self) -> Option<&'static str> {
        let amounts = [
            ("limits.connect-timeout", self.connect_timeout.get().is_zero()),
            ("limits.unfinished", self.unfinished == 0),
            ("limits.in-flight", self.in_flight == 0),
            ("limits.output", self.output.get() == 0),
            ("limits.backlog", self.backlog.get() == 0),
            ("limits.filters", self.filters == 0),
            ("limits.filter-levels", self.filter_levels == 0),
        ];
        amounts.into_iter().find(|(_, zero)| *zero).map(|(key, _)| key)
    }
}
