//! A message: what came over the wire, as it came.

use crate::{Timestamp, TopicName};

/// How often a message may arrive (MQTT 5.0, section 4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(clippy::enum_variant_names, reason = "the standard's own names")]
pub enum Qos {
    #[default]
    AtMostOnce = 0,
    AtLeastOnce = 1,
    ExactlyOnce = 2,
}

impl Qos {
    /// `None` for 3, which the standard reserves.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }

    #[must_use]
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

/// One application message, borrowed from the buffer it was read into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// When its last byte arrived here.
    pub received_at: Timestamp,
    /// The client id of the sender. Hostile text.
    pub client: &'a str,
    /// The name of the credential the sender proved, if it proved one.
    pub credential: Option<&'a str>,
    pub topic: TopicName<'a>,
    pub payload: &'a [u8],
    /// The MQTT 5 properties that travel with a message, in their wire form without the length in
    /// front: payload format, expiry, content type, response topic, correlation data, user
    /// properties. Empty for MQTT 3 and other transports.
    pub properties: &'a [u8],
    pub qos: Qos,
    pub retain: bool,
}
